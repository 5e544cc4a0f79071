"""Reads the ledger in slices and judges one event against its own hash and columns; it knows nothing of the tree."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from governance.audit.report import Findings, Kind
from governance.crypto.merkle import leaf_hash
from governance.models import LedgerEntry, LedgerLeaf, LedgerPending

SLICE = 1000


class Row(NamedTuple):
    """The columns of one event."""

    id: UUID
    recorded_at: datetime
    type: str
    controller: UUID | None
    actor_ref: str
    subject_ref: str
    object_ref: str
    payload: str
    leaf: bytes


class Leaf(NamedTuple):
    """One position, with its event if that is still there."""

    position: int
    entry_id: UUID
    hash: bytes
    row: Row | None


def leaves(below: int) -> Iterator[Leaf]:
    """Yield the leaves of positions below this size, in order.

    Slices by key and not one long cursor: it needs no open transaction, and a leaf whose event was removed shows,
    where a join would hide it.
    """
    start = 0
    while True:
        found = LedgerLeaf.objects.filter(position__gte=start, position__lt=below).order_by("position")
        batch = list(found.values_list("position", "entry_id", "hash")[:SLICE])
        if not batch:
            return
        held = _rows(entry_id for _, entry_id, _ in batch)
        for position, entry_id, hash_ in batch:
            yield Leaf(position, entry_id, bytes(hash_), held.get(entry_id))
        start = batch[-1][0] + 1


def pending() -> Iterator[tuple[UUID, Row | None]]:
    """Yield the waiting events, in order of their ids."""
    last: UUID | None = None
    while True:
        found = LedgerPending.objects.order_by("entry_id")
        if last is not None:
            found = found.filter(entry_id__gt=last)
        batch = list(found.values_list("entry_id", flat=True)[:SLICE])
        if not batch:
            return
        held = _rows(batch)
        for entry_id in batch:
            yield entry_id, held.get(entry_id)
        last = batch[-1]


def judge(row: Row, hash_: bytes, index: int | None, findings: Findings) -> bool:
    """Check one event against the hash of its position; answers whether that hash is the event's own."""
    computed = leaf_hash(row.payload.encode())
    if computed != hash_:
        # The column next to the payload tells which of the two was edited by itself.
        is_event_whole = computed == bytes(row.leaf)
        findings.add(Kind.LEAF_DIFFERS if is_event_whole else Kind.PAYLOAD_EDITED, index, detail=f"event {row.id}")
        return False
    differing = [] if bytes(row.leaf) == computed else ["leaf"]
    differing += _differing_columns(row)
    if differing:
        findings.add(Kind.COLUMN_EDITED, index, detail=f"{', '.join(differing)} of event {row.id}")
    return True


def _differing_columns(row: Row) -> list[str]:
    try:
        payload = json.loads(row.payload)
        # A moment is compared as a moment; its column may come back in another notation.
        time = datetime.fromisoformat(payload["time"])
    except (KeyError, TypeError, ValueError):
        return ["payload"]
    pairs = {
        "id": (str(row.id), payload.get("id")),
        "recorded_at": (row.recorded_at, time),
        "type": (row.type, payload.get("type")),
        "controller": (str(row.controller) if row.controller else None, payload.get("controller")),
        "actor_ref": (row.actor_ref, payload.get("actor")),
        "subject_ref": (row.subject_ref, payload.get("subject")),
        "object_ref": (row.object_ref, payload.get("object")),
    }
    return [name for name, (column, stated) in pairs.items() if column != stated]


def _rows(ids: Iterable[UUID]) -> dict[UUID, Row]:
    found = LedgerEntry.objects.filter(pk__in=list(ids)).order_by()
    return {values[0]: Row(*values) for values in found.values_list(*Row._fields)}
