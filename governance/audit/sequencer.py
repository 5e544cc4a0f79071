"""Gives waiting events their positions, extends the tree and signs its head; it never reads what an event says.

The queue is a table of its own and not a high-water mark: an event with a lower id that commits later is not lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from governance.audit import checkpoint, lease
from governance.models import LedgerCheckpoint, LedgerLeaf, LedgerPending

LEASE = "ledger.sequencer"
LEASE_PERIOD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one run will commit: the new leaves and the signed head over everything."""

    start: int
    leaves: list[LedgerLeaf]
    head: LedgerCheckpoint


def sequence(limit: int = 5000) -> int:
    """Sequence up to `limit` waiting events and answer how many; 0 also when another process leads.

    Safe to call at any time and after any crash. Opens its own transaction, so not inside another. Raises LedgerBroken
    rather than extend and sign a ledger whose newest checkpoint was tampered with.
    """
    if not LedgerPending.objects.exists():
        return 0
    instant = timezone.now()
    fence = lease.acquire(LEASE, period=LEASE_PERIOD, instant=instant)
    if fence is None:
        return 0
    try:
        batch = _prepare(limit, instant)
        return _commit(batch, fence) if batch else 0
    finally:
        lease.release(LEASE, fence)


def _prepare(limit: int, instant: datetime) -> _Batch | None:
    """Read the queue and sign; outside the transaction, because a signing key may live in another machine."""
    tree = checkpoint.newest_tree()
    start = tree.size
    # Ascending ids within a batch: verify finds the place of a swap by it.
    waiting = LedgerPending.objects.order_by("entry_id").values_list("entry_id", "entry__leaf")[:limit]
    leaves = []
    for entry_id, leaf in waiting:
        leaves.append(LedgerLeaf(position=tree.size, entry_id=entry_id, hash=bytes(leaf)))
        tree.append(bytes(leaf))
    if not leaves:
        return None
    head = LedgerCheckpoint(size=tree.size, root=tree.root(), frontier=tree.to_bytes(), created_at=instant)
    head.note = checkpoint.sign(tree)
    return _Batch(start, leaves, head)


@transaction.atomic(durable=True)
def _commit(batch: _Batch, fence: int) -> int:
    # A leader that slept past its lease must not write: its positions may be taken.
    if not lease.confirm(LEASE, fence):
        return 0
    LedgerLeaf.objects.bulk_create(batch.leaves)
    batch.head.save(force_insert=True)
    placed = LedgerLeaf.objects.filter(position__gte=batch.start, position__lt=batch.head.size)
    LedgerPending.objects.filter(pk__in=placed.values("entry_id")).delete()
    return len(batch.leaves)
