"""Proofs of inclusion as files (C2SP tlog-proof): verified offline; a receipt is one that carries its entry."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.encoding import from_base64, from_decimal
from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.merkle import HASH_LENGTH, leaf_hash, verify_inclusion

#: Answers the checkpoint of a note that it trusts; raises NoteRefused.
Open = Callable[[str], Checkpoint]

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_LONGEST_PATH: Final = 63
_SIZE_LIMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's place under a signed checkpoint; `extra` is nothing that the format vouches for."""

    index: int
    path: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The proof as a `.tlog-proof` file."""
        extra = "" if self.extra is None else f"extra {base64.b64encode(self.extra).decode()}\n"
        hashes = "".join(f"{base64.b64encode(hash_).decode()}\n" for hash_ in self.path)
        return f"{_HEADER}\n{extra}index {self.index}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Read such a file; raises ProofRefused. The note within is not opened here."""
        if len(text) > _SIZE_LIMIT:
            raise ProofRefused("The proof is larger than a proof may be.")
        head, blank_line, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank_line or lines.pop(0) != _HEADER:
            raise ProofRefused("This is not a tlog-proof.")
        try:
            extra = from_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
            if not lines or not lines[0].startswith("index "):
                raise ProofRefused("A proof names the index of its entry.")
            index = from_decimal(lines.pop(0)[6:])
            path = tuple(from_base64(line) for line in lines)
        except NoteRefused as refused:
            raise ProofRefused(str(refused)) from refused
        if len(path) > _LONGEST_PATH or any(len(hash_) != HASH_LENGTH for hash_ in path):
            raise ProofRefused("A proof has at most 63 hashes of 32 bytes.")
        return cls(index, path, note, extra)

    def verify(self, entry: bytes, open_note: Open) -> Checkpoint:
        """Answer the checkpoint under which this very entry stands at the index; raises ProofRefused or NoteRefused."""
        head = open_note(self.note)
        verify_inclusion(leaf_hash(entry), self.index, head.size, self.path, head.root)
        return head


def verify_receipt(text: str, open_note: Open) -> tuple[Proof, Checkpoint]:
    """Verify a proof that carries its entry, and answer it with its checkpoint; raises ProofRefused or NoteRefused.

    The format does not vouch for `extra`. Here it counts for nothing until its hash is proven to be in the log.
    """
    proof = Proof.parse(text)
    if proof.extra is None:
        raise ProofRefused("The proof does not carry its entry, so it is not a receipt.")
    return proof, proof.verify(proof.extra, open_note)
