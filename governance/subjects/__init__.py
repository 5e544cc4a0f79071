"""Data subjects: register, find, identify, restrict, erase; letters to them and proofs of their address."""

from governance.subjects.erasing import erase, restrict
from governance.subjects.importing import register_many
from governance.subjects.matching import match_proven, unverified_types, verified_identifiers_of
from governance.subjects.registering import find, identifiers_of, register

__all__ = [
    "erase",
    "find",
    "identifiers_of",
    "match_proven",
    "register",
    "register_many",
    "restrict",
    "unverified_types",
    "verified_identifiers_of",
]
