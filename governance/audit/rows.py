"""Reads the ledger in stretches and judges each event by its own hash and columns; it knows nothing of the tree.

A stretch needs nothing of another, so several processes can judge at once; what they answer is small.
"""

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from multiprocessing import get_context
from threading import Barrier
from typing import NamedTuple
from uuid import UUID

import django
from django.db import connections, router

from governance.audit import reading
from governance.audit.report import Findings, Kind
from governance.crypto.merkle import HASH_LENGTH
from governance.models import LedgerEntry, LedgerLeaf, LedgerPending

SLICE = 1000
#: Positions of one stretch: enough that handing it to another process costs nothing, and a few megabytes at most.
SPAN = 4096
#: Below this, starting processes takes as long as what they save; each begins with a Python and a Django of its own.
WORTH_PROCESSES = 500_000
#: Of one process: while the database works for some, another computes.
READERS = 4
#: With more, the one that puts the tree together is what all wait for.
MOST_PROCESSES = 4
#: Up to here the readers of one process keep the whole machine busy, the database's part of the work included.
FEW_PROCESSORS = 2


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

    #: In order, and without a gap for most stretches.
    positions: Sequence[int]
    hashes: list[bytes]
    #: Positions that a finding explains: their hash is not that of their event, or the event is gone.
    explained: set[int] = field(default_factory=set)
    #: Positions whose event has a lower id than the one before.
    descents: set[int] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)


def stretches(first: int, below: int, *, processes: int = 1) -> Iterator[Stretch]:
    """Yield everything from one position to below another, in order, judged here or by several processes."""
    bounds = [(begin, min(begin + SPAN, below)) for begin in range(first, below, SPAN)]
    if processes > 1 and len(bounds) > 1:
        # Fresh processes and not forks of this one: a connection cannot be shared, and a thread may hold a lock. They
        # have nothing of Django until its setup, which is why that itself is the first thing they are told.
        with ProcessPoolExecutor(processes, get_context("spawn"), initializer=django.setup) as pool:
            yield from _ahead(pool, bounds, 4 * processes)
    elif len(bounds) > 1 and _can_read_beside():
        yield from _by_threads(bounds)
    else:
        yield from (stretch(begin, end) for begin, end in bounds)


def _by_threads(bounds: Sequence[tuple[int, int]]) -> Iterator[Stretch]:
    """Judge one stretch while the database looks for the next; each thread has a connection of its own."""
    with ThreadPoolExecutor(READERS) as pool:
        try:
            yield from _ahead(pool, bounds, 2 * READERS)
        finally:
            # Each waits for the others, so that none closes for two and leaves the connection of another open.
            together = Barrier(READERS)
            for closing in [pool.submit(_close, together) for _ in range(READERS)]:
                closing.result()


def _ahead(pool: Executor, bounds: Sequence[tuple[int, int]], most: int) -> Iterator[Stretch]:
    """Yield in order what is judged out of order; a bounded number ahead, so that memory stays constant."""
    waiting: deque[Future[Stretch]] = deque()
    for begin, end in bounds:
        waiting.append(pool.submit(stretch, begin, end))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _can_read_beside() -> bool:
    """Whether another connection sees the same: it is a server's, and nothing of it waits in a transaction of ours."""
    connection = connections[router.db_for_read(LedgerLeaf)]
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def _close(together: Barrier) -> None:
    connections.close_all()
    together.wait()


def sensible_processes(count: int) -> int:
    """Answer how many processes are worth starting for so many events: one for few of them, or on a small machine."""
    processors = os.cpu_count() or 1
    return 1 if count < WORTH_PROCESSES or processors <= FEW_PROCESSORS else min(processors, MOST_PROCESSES)


def stretch(begin: int, end: int) -> Stretch:
    """Judge the positions of one stretch."""
    seen = reading.seen(begin, end)
    found = Stretch(_whole(seen.positions), _of_one_length(seen.hashes))
    found.descents = _descents(begin, seen)
    doubtful = [] if all(seen.sound) else [at for at, is_sound in enumerate(seen.sound) if not is_sound]
    for first in range(0, len(doubtful), SLICE):
        part = doubtful[first : first + SLICE]
        held = _rows(UUID(bytes=seen.entry_ids[at]) for at in part)
        for at in part:
            position, event_id = seen.positions[at], UUID(bytes=seen.entry_ids[at])
            if event_id not in held:
                found.findings.add(Kind.ENTRY_REMOVED, position, detail=f"event {event_id}")
                found.explained.add(position)
            elif not judge(held[event_id], seen.hashes[at], position, found.findings):
                found.explained.add(position)
    return found


def _of_one_length(hashes: list[bytes]) -> list[bytes]:
    """Answer hashes that a tree takes; one of another length was put there, and is named for not being its event's."""
    if {*map(len, hashes)} <= {HASH_LENGTH}:
        return hashes
    return [hash_.ljust(HASH_LENGTH)[:HASH_LENGTH] for hash_ in hashes]


def _whole(positions: Sequence[int]) -> Sequence[int]:
    """The same, as a range where there is no gap: another process need not be sent each."""
    if positions and positions[-1] - positions[0] + 1 == len(positions):
        return range(positions[0], positions[-1] + 1)
    return positions


def _descents(begin: int, seen: reading.Seen) -> set[int]:
    last = LedgerLeaf.objects.filter(position=begin - 1).values_list("entry_id", flat=True).first()
    ids = [b"" if last is None else last.bytes, *seen.entry_ids]
    # To sort what is in order costs less than to compare each with the next.
    if ids == sorted(ids):
        return set()
    return {position for position, (before, after) in zip(seen.positions, pairwise(ids), strict=True) if after < before}


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
