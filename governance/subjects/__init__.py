"""Data subjects: register, find, identify, restrict, hold, erase; letters to them and proofs of their address."""

from governance.subjects.erasing import erase, request_erasure, undo_erasure
from governance.subjects.holding import place_hold, release_hold
from governance.subjects.importing import register_many
from governance.subjects.looking_up import look_up, search
from governance.subjects.matching import match_proven, unverified_types, verified_identifiers_of
from governance.subjects.registering import find, find_many, identifiers_of, register
from governance.subjects.restricting import lift_restriction, restrict
from governance.subjects.vouching import verify_identifier

__all__ = [
    "erase",
    "find",
    "find_many",
    "identifiers_of",
    "lift_restriction",
    "look_up",
    "match_proven",
    "place_hold",
    "register",
    "register_many",
    "release_hold",
    "request_erasure",
    "restrict",
    "search",
    "undo_erasure",
    "unverified_types",
    "verified_identifiers_of",
    "verify_identifier",
]
