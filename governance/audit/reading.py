"""Reads positions with their events and says of each whether nothing at all is wrong with it.

That one question is asked of every event, so it is asked cheaply; whoever hears no looks at the event again.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connections, router

from governance.models import LedgerEntry, LedgerLeaf

_COLUMNS = ("id", "recorded_at", "type", "controller", "actor_ref", "subject_ref", "object_ref", "payload", "leaf")


class Seen(NamedTuple):
    """One position: which event, the hash that stands there, whether the event is there, whether it is sound."""

    position: int
    entry_id: str
    hash: bytes
    is_there: bool
    is_sound: bool


def seen(begin: int, end: int) -> Iterator[Seen]:
    """Yield the positions from one to below another that are there, in order."""
    if connections[router.db_for_read(LedgerLeaf)].vendor == "postgresql":
        return _compared_by_text(begin, end)
    return _compared_by_value(begin, end)


# The columns as they stand in the canonical payload: four pieces of text instead of a JSON document to read.
# A LEFT JOIN, because a leaf whose event was removed must not vanish with it.
_BY_TEXT = """
    SELECT l.position, l.entry_id::text, l.hash, e.leaf, e.payload,
           '{"actor":"' || e.actor_ref || '","body_commit":',
           '"controller":' || coalesce('"' || e.controller::text || '"', 'null') || ',',
           ',"id":"' || e.id::text || '","object":"' || e.object_ref || '","purpose":"',
           ',"subject":"' || e.subject_ref || '","time":"'
           || to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
           || '","type":"' || e.type || '","v":'
    FROM governance_ledgerleaf l LEFT JOIN governance_ledgerentry e ON e.id = l.entry_id
    WHERE l.position >= %s AND l.position < %s ORDER BY l.position
"""


def _compared_by_text(begin: int, end: int) -> Iterator[Seen]:
    with connections[router.db_for_read(LedgerLeaf)].cursor() as cursor:
        cursor.execute(_BY_TEXT, (begin, end))
        for position, entry_id, hash_, leaf, payload, *pieces in cursor.fetchall():
            is_there = payload is not None
            yield Seen(position, entry_id, hash_, is_there, is_there and _fits(payload, hash_, leaf, pieces))


def _fits(payload: str, hash_: bytes, leaf: bytes, pieces: list[str]) -> bool:
    """Whether payload, hashes and columns agree. A no is not final: another version or spelling is looked at again."""
    if not sha256(b"\x00" + payload.encode()).digest() == hash_ == leaf:
        return False
    head, controller, middle, tail = pieces
    # Quotes are counted, so that an edited column cannot bring the next field along and pass for it.
    return (
        payload.startswith(head)
        and payload[-2 - len(tail) : -2] == tail
        and middle in payload
        and controller in payload
        and payload.count('"controller":') == 1
        and head.count('"') + middle.count('"') + tail.count('"') == 6 + 11 + 14
    )


def _compared_by_value(begin: int, end: int) -> Iterator[Seen]:
    at = {"position__gte": begin, "position__lt": end}
    leaves = LedgerLeaf.objects.filter(**at).order_by("position").values_list("position", "entry_id", "hash")
    placed = {f"leaf_row__{name}": value for name, value in at.items()}
    held = {values[0]: values for values in LedgerEntry.objects.filter(**placed).order_by().values_list(*_COLUMNS)}
    for position, entry_id, hash_ in leaves:
        values = held.get(entry_id)
        is_sound = values is not None and _agrees(values, bytes(hash_))
        yield Seen(position, str(entry_id), bytes(hash_), values is not None, is_sound)


def _agrees(values: tuple[Any, ...], hash_: bytes) -> bool:
    id_, recorded_at, type_, controller, actor, subject, object_, payload, leaf = values
    if not sha256(b"\x00" + payload.encode()).digest() == hash_ == leaf:
        return False
    try:
        said = json.loads(payload)
        return bool(
            said["type"] == type_
            and said["actor"] == actor
            and said["subject"] == subject
            and said["object"] == object_
            and said["id"] == str(id_)
            and said["controller"] == (str(controller) if controller else None)
            and datetime.fromisoformat(said["time"]) == recorded_at
        )
    except (KeyError, TypeError, ValueError):
        return False
