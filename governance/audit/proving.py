"""Proofs that a stranger can check offline: an event is in the ledger, and a later ledger extends an earlier one.

Every proof reads all leaf hashes below its checkpoint, so it costs time and memory in proportion to the ledger
(32 bytes a leaf and as much again for the inner nodes). Stored tiles will make it logarithmic.
"""

import base64
from dataclasses import dataclass
from uuid import UUID

from governance.crypto import merkle
from governance.errors import Conflict, LedgerBroken, NotFound
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf

_PROOF_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """An event's place under a signed checkpoint. `leaf` is the hash of the event's payload."""

    index: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    note: str

    @property
    def text(self) -> str:
        """The proof as a `.tlog-proof` file (C2SP tlog-proof), verifiable offline beside the event's payload."""
        hashes = "".join(f"{base64.b64encode(hash_).decode()}\n" for hash_ in self.path)
        return f"{_PROOF_HEADER}\nindex {self.index}\n{hashes}\n{self.note}"


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that show the ledger of `new_size` to begin with the one of `old_size`."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]


def latest_checkpoint() -> LedgerCheckpoint | None:
    """Answer the newest signed head; None for a ledger that has none yet."""
    return LedgerCheckpoint.objects.order_by("-size").first()


def inclusion(event_id: UUID) -> InclusionProof:
    """Prove an event under the newest checkpoint.

    Raises NotFound for an unknown event, Conflict for one that still waits for its position.
    """
    leaf = LedgerLeaf.objects.filter(entry_id=event_id).values_list("position", "hash").first()
    if leaf is None:
        if LedgerEntry.objects.filter(pk=event_id).exists():
            raise Conflict("The event waits for its position; ask again in a moment.")
        raise NotFound("The ledger has no such event.")
    head = latest_checkpoint()
    if head is None:
        raise LedgerBroken("The ledger has positions and no checkpoint.")
    index, hash_ = leaf
    path = merkle.inclusion_proof(index, head.size, _fetch(head.size))
    return InclusionProof(index, head.size, bytes(hash_), tuple(path), head.note)


def consistency(old_size: int, new_size: int) -> ConsistencyProof:
    """Prove that one checkpoint extends another; raises NotFound unless both sizes were signed."""
    wanted = {old_size, new_size}
    if old_size > new_size or LedgerCheckpoint.objects.filter(size__in=wanted).count() != len(wanted):
        raise NotFound("The ledger has no checkpoints of these sizes.")
    path = merkle.consistency_proof(old_size, new_size, _fetch(new_size))
    return ConsistencyProof(old_size, new_size, tuple(path))


def _fetch(size: int) -> merkle.Fetch:
    found = LedgerLeaf.objects.filter(position__lt=size).order_by("position").values_list("hash", flat=True)
    hashes = [bytes(hash_) for hash_ in found.iterator()]
    if len(hashes) != size:
        raise LedgerBroken("The ledger has a gap, so nothing can be proven; run verify_audit.")
    return merkle.fetch_from(hashes)
