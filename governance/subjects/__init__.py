"""Data subjects: register, find, identify, restrict, erase; letters to them and proofs of their address."""

from governance.subjects.erasing import erase, restrict
from governance.subjects.importing import register_many
from governance.subjects.registering import find, identifiers_of, register

__all__ = ["erase", "find", "identifiers_of", "register", "register_many", "restrict"]
