"""Proofs that a stranger can check offline: an event is in the ledger, and a later ledger extends an earlier one.

A proof reads the few tiles it needs, in a number that grows with the logarithm of the ledger, and is checked against
the signed root before it leaves: a tile that somebody edited gives no proof instead of a false one.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connections, router

from governance.audit import cosigned, tiling, witnessed
from governance.crypto import merkle, tiles
from governance.crypto.errors import ProofRefused
from governance.crypto.proofs import Proof
from governance.errors import Conflict, LedgerBroken, NotFound
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf

# An event's place and the newest signed head, read together so that the place is under that head.
_PLACE: Final = """
    SELECT leaf.position, leaf.hash, head.size, head.root, head.note
    FROM governance_ledgerleaf leaf
    LEFT JOIN (SELECT size, root, note FROM governance_ledgercheckpoint ORDER BY size DESC LIMIT 1) head ON 1 = 1
    WHERE leaf.entry_id = %s
"""


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
        return Proof(self.index, self.path, self.note).text


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that show the ledger of `new_size` to begin with the one of `old_size`."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]

    @property
    def lines(self) -> list[str]:
        """The hashes as base64, as tlog-witness takes them."""
        return [base64.b64encode(hash_).decode() for hash_ in self.path]


def latest_checkpoint() -> LedgerCheckpoint | None:
    """Answer the newest signed head; None for a ledger that has none yet."""
    return LedgerCheckpoint.objects.order_by("-size").first()


def inclusion(event_id: UUID) -> InclusionProof:
    """Prove an event under the newest checkpoint.

    Raises NotFound for an unknown event, Conflict for one that still waits for its position.
    """
    place = _place(event_id)
    if place is None:
        if LedgerEntry.objects.filter(pk=event_id).exists():
            raise Conflict("The event waits for its position; ask again in a moment.")
        raise NotFound("The ledger has no such event.")
    index, hash_, size, root, note = place
    if size is None:
        raise LedgerBroken("The ledger has positions and no checkpoint.")
    return _under(index, bytes(hash_), size, bytes(root), note)


def receipt(event_id: UUID) -> Proof:
    """Prove an event with its payload and the cosignatures of witnesses in one file; raises as inclusion() does.

    Under the newest checkpoint that has the quorum: a newer one that witnesses have not seen yet would not be believed
    by who verifies with our own policy. Nothing personal is in it: a payload holds pseudonyms, ids and codes.
    """
    proven = inclusion(event_id)
    payload = LedgerEntry.objects.values_list("payload", flat=True).get(pk=event_id).encode()
    if merkle.leaf_hash(payload) != proven.leaf:
        raise _broken()
    head = witnessed.head_over(proven.index)
    if head is not None and head.size != proven.size:
        proven = _under(proven.index, proven.leaf, head.size, bytes(head.root), head.note)
    return Proof(proven.index, proven.path, cosigned.note(proven.size, proven.note), payload)


def consistency(old_size: int, new_size: int) -> ConsistencyProof:
    """Prove that one checkpoint extends another; raises NotFound unless both sizes were signed."""
    wanted = {old_size, new_size}
    heads = {head.size: bytes(head.root) for head in LedgerCheckpoint.objects.filter(size__in=wanted)}
    if old_size == 0:
        heads[0] = merkle.EMPTY_ROOT  # never signed, and every tree extends it
    if old_size > new_size or heads.keys() != wanted:
        raise NotFound("The ledger has no checkpoints of these sizes.")
    path = extension(old_size, new_size)
    try:
        merkle.verify_consistency(old_size, new_size, path, heads[old_size], heads[new_size])
    except ProofRefused as refused:
        raise _broken() from refused
    return ConsistencyProof(old_size, new_size, tuple(path))


def extension(old_size: int, new_size: int) -> list[bytes]:
    """Answer the consistency proof from any size to a signed one, whether or not the former was ever signed here."""
    try:
        return _proven(new_size, lambda fetch: merkle.consistency_proof(old_size, new_size, fetch))
    except ProofRefused as refused:
        raise _broken() from refused


def _place(event_id: UUID) -> tuple[Any, ...] | None:
    connection = connections[router.db_for_read(LedgerLeaf)]
    key = LedgerLeaf._meta.get_field("entry").get_db_prep_value(event_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [key])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _under(index: int, leaf: bytes, size: int, root: bytes, note: str) -> InclusionProof:
    try:
        path = _proven(size, lambda fetch: merkle.inclusion_proof(index, size, fetch))
        merkle.verify_inclusion(leaf, index, size, path, root)
    except ProofRefused as refused:
        raise _broken() from refused
    return InclusionProof(index, size, leaf, tuple(path), note)


def _proven(size: int, prove: Callable[[merkle.Fetch], list[bytes]]) -> list[bytes]:
    """Answer a proof over the tiles it needs, all of them read at once."""
    held = tiling.read_all(tiles.needed(size, prove))
    return prove(tiles.fetch_over(held.__getitem__, size))


def _broken() -> LedgerBroken:
    return LedgerBroken("What is stored of the tree does not lead to the signed root; run verify_audit.")
