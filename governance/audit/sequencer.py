"""Gives waiting events their positions, extends the tree, tiles it and signs its head; never reads what an event says.

The queue is a table of its own and not a high-water mark: an event with a lower id that commits later is not lost.
Positions, tiles and signed head are one transaction. Bundles of entries are nothing more to write: they are the
payloads in the order of their positions.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from governance.audit import checkpoint, lease, placing, tiling
from governance.audit.placing import Waiting
from governance.crypto.merkle import CompactRange
from governance.crypto.tiles import HEIGHT
from governance.errors import LedgerBroken
from governance.models import LedgerCheckpoint, LedgerPending, LedgerTile

LEASE = "ledger.sequencer"
LEASE_PERIOD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction will commit: positions, the tiles they complete and the signed head over everything.

    Tiles alone, where a ledger is older than its tiles.
    """

    tiles: list[LedgerTile]
    start: int = 0
    events: list[Waiting] = field(default_factory=list)
    head: LedgerCheckpoint | None = None


def sequence(limit: int = 5000) -> int:
    """Sequence up to `limit` waiting events and answer how many; 0 also when another process leads.

    Safe to call at any time and after any crash. Opens its own transaction, so not inside another. Raises LedgerBroken
    rather than extend and sign a ledger whose newest checkpoint was tampered with.
    """
    if not LedgerPending.objects.exists() and not tiling.is_behind():
        return 0
    instant = timezone.now()
    fence = lease.acquire(LEASE, period=LEASE_PERIOD, instant=instant)
    if fence is None:
        return 0
    try:
        tree = checkpoint.newest_tree()
        while missing := tiling.catch_up(tree.size):
            if not _commit(_Batch(missing), fence):
                return 0
        batch = _prepare(tree, limit, instant)
        return len(batch.events) if batch and _commit(batch, fence) else 0
    finally:
        lease.release(LEASE, fence)


def _prepare(tree: CompactRange, limit: int, instant: datetime) -> _Batch | None:
    """Read the queue and sign; outside the transaction, because a signing key may live in another machine."""
    start, events = tree.size, placing.waiting(limit)
    if not events:
        return None
    roots = {}
    for event in events:
        for level, index, hash_ in tree.append(event.leaf):
            if level and level % HEIGHT == 0:
                roots[level // HEIGHT - 1, index] = hash_
    tiles = tiling.completed(tree.size, [event.leaf for event in events])
    # What stands in the table below these leaves was signed as part of the tree; here an edited leaf would show.
    if {(tile.level, tile.number): tile.root for tile in tiles} != roots:
        raise LedgerBroken("The leaves of the newest tile are not those that were signed; run verify_audit.")
    head = LedgerCheckpoint(size=tree.size, root=tree.root(), frontier=tree.to_bytes(), created_at=instant)
    head.note = checkpoint.sign(tree)
    return _Batch(tiles, start, events, head)


@transaction.atomic(durable=True)
def _commit(batch: _Batch, fence: int) -> bool:
    # A leader that slept past its lease must not write: its positions may be taken.
    if not lease.confirm(LEASE, fence):
        return False
    LedgerTile.objects.bulk_create(batch.tiles)
    if batch.head is not None:
        placing.place(batch.start, batch.events)
        batch.head.save(force_insert=True)
    return True
