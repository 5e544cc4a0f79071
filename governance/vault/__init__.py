"""The vault: seal, reveal after policy and audit, match through blind indexes; the only room that opens values."""

from governance.vault.opening import ErasedMark, reveal, reveal_many
from governance.vault.sealing import seal, seal_many
from governance.vault.searching import match, matches

__all__ = ["ErasedMark", "match", "matches", "reveal", "reveal_many", "seal", "seal_many"]
