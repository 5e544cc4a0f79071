"""The vault: seal, reveal after policy and audit, search through blind indexes; the only room that opens values."""

from governance.fields.codec import Masked
from governance.vault.indexing import identifier_entries
from governance.vault.opening import DisabledMark, ErasedMark, RestrictedMark, reveal, reveal_many
from governance.vault.sealing import seal, seal_for, seal_many
from governance.vault.searching import find, find_in, kept, match, match_many, matches, matching, search
from governance.vault.streams import open_stream, seal_stream
from governance.vault.writing import delete, get_or_create, write, write_many

__all__ = [
    "DisabledMark",
    "ErasedMark",
    "Masked",
    "RestrictedMark",
    "delete",
    "find",
    "find_in",
    "get_or_create",
    "identifier_entries",
    "kept",
    "match",
    "match_many",
    "matches",
    "matching",
    "open_stream",
    "reveal",
    "reveal_many",
    "seal",
    "seal_for",
    "seal_many",
    "seal_stream",
    "search",
    "write",
    "write_many",
]
