"""Reads the ledger in stretches and judges each event by its own hash and columns; it knows nothing of the tree.

A stretch needs nothing of another, so several processes can judge at once; what they answer is small.
"""

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from multiprocessing import get_context
from typing import Any, NamedTuple
from uuid import UUID

import django

from governance.audit import reading
from governance.audit.report import Findings, Kind
from governance.crypto.merkle import HASH_LENGTH
from governance.models import LedgerEntry, LedgerLeaf, LedgerPending

SLICE = 1000
#: Positions of one stretch: enough that handing it to another process costs nothing, and a few megabytes at most.
SPAN = 4096
#: Below this, starting processes takes as long as what they save; each begins with a Python and a Django of its own.
WORTH_PROCESSES = 250_000
#: With more, the one that puts the tree together is what all wait for.
MOST_PROCESSES = 4


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


@dataclass(slots=True)
class Stretch:
    """What was found at some positions: the hashes that stand there, and what is wrong with them."""

    positions: list[int]
    hashes: bytes
    #: Positions that a finding explains: their hash is not that of their event, or the event is gone.
    explained: set[int] = field(default_factory=set)
    #: Positions whose event has a lower id than the one before.
    descents: set[int] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)

    def hash_at(self, at: int) -> bytes:
        """Answer the hash of the so-manieth position."""
        return self.hashes[at * HASH_LENGTH : (at + 1) * HASH_LENGTH]


def stretches(first: int, below: int, *, processes: int = 1) -> Iterator[Stretch]:
    """Yield everything from one position to below another, in order, judged here or by several processes."""
    bounds = [(begin, min(begin + SPAN, below)) for begin in range(first, below, SPAN)]
    if processes < 2 or len(bounds) < 2:
        yield from (stretch(begin, end) for begin, end in bounds)
        return
    # Fresh processes and not forks of this one: a connection cannot be shared, and a thread may hold a lock. They have
    # nothing of Django until its setup, which is why that itself is the first thing they are told.
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=django.setup) as pool:
        waiting: list[Any] = []
        for begin, end in bounds:
            waiting.append(pool.submit(stretch, begin, end))
            # A bounded number ahead, so that memory stays constant however long the ledger is.
            if len(waiting) > 4 * processes:
                yield waiting.pop(0).result()
        for each in waiting:
            yield each.result()


def sensible_processes(count: int) -> int:
    """Answer how many processes are worth starting for so many events: one for few of them, else one a processor."""
    return min(os.cpu_count() or 1, MOST_PROCESSES) if count >= WORTH_PROCESSES else 1


def stretch(begin: int, end: int) -> Stretch:
    """Judge the positions of one stretch."""
    found = Stretch([], b"")
    hashes = []
    last = LedgerLeaf.objects.filter(position=begin - 1).values_list("entry_id", flat=True).first()
    before = "" if last is None else str(last)
    for position, entry_id, hash_, is_there, is_sound in reading.seen(begin, end):
        found.positions.append(position)
        hashes.append(hash_)
        if entry_id < before:
            found.descents.add(position)
        before = entry_id
        if is_sound:
            continue
        if not is_there:
            found.findings.add(Kind.ENTRY_REMOVED, position, detail=f"event {entry_id}")
            found.explained.add(position)
        elif not judge(_rows([UUID(entry_id)])[UUID(entry_id)], hash_, position, found.findings):
            found.explained.add(position)
    found.hashes = b"".join(hashes)
    return found


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
    computed = sha256(b"\x00" + row.payload.encode()).digest()
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
