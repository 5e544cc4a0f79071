"""Reads positions with their events and says of each whether nothing at all is wrong with it.

That one question is asked of every event, so it is asked cheaply, of a stretch at a time; whoever hears no looks at the
event again. The database only answers what stands there: every hash is computed here.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, router

from governance.models import LedgerEntry, LedgerLeaf

_COLUMNS = ("id", "recorded_at", "type", "controller", "actor_ref", "subject_ref", "object_ref", "payload", "leaf")
_ID_LENGTH = 16
#: In the four pieces below, without a controller and with one.
_QUOTES = (35, 37)


class Seen(NamedTuple):
    """What stands at some positions, in order: which events, the hashes there, which of the events are sound."""

    positions: Sequence[int]
    entry_ids: list[bytes]
    hashes: list[bytes]
    #: Whether nothing is wrong with event, hash and columns.
    sound: list[bool]


def seen(begin: int, end: int) -> Seen:
    """Answer the positions from one to below another that are there."""
    if connections[router.db_for_read(LedgerLeaf)].vendor == "postgresql":
        return _compared_by_text(begin, end)
    return _compared_by_value(begin, end)


_LEAVES = """
    SELECT array_agg(position), array_agg(hash), string_agg(uuid_send(entry_id), '') FROM (
        SELECT position, hash, entry_id FROM governance_ledgerleaf
        WHERE position >= %s AND position < %s ORDER BY position
    ) AS stretch
"""
# The columns as they stand in the canonical payload: four pieces of text instead of a JSON document to read.
# A LEFT JOIN, because a leaf whose event was removed must not vanish with it. The bounds of the ids change no answer:
# they let the events, which stand about in the order of their ids, be read in one go instead of one by one.
_BY_TEXT = """
    SELECT array_agg(payload), array_agg(leaf), array_agg(pieces) FROM (
        SELECT e.payload, coalesce(e.leaf, '') AS leaf,
               '{"actor":"' || e.actor_ref || E'","body_commit":\n"controller":'
               || coalesce('"' || e.controller::text || '"', 'null') || E',"correlation":\n,"id":"'
               || e.id::text || '","object":"' || e.object_ref || E'","purpose":"\n,"subject":"' || e.subject_ref
               || '","time":"' || to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
               || '","type":"' || e.type || '","v":2}' AS pieces
        FROM governance_ledgerleaf l
        LEFT JOIN (SELECT * FROM governance_ledgerentry WHERE id BETWEEN %s AND %s) AS e ON e.id = l.entry_id
        WHERE l.position >= %s AND l.position < %s ORDER BY l.position
    ) AS stretch
"""


def _compared_by_text(begin: int, end: int) -> Seen:
    from psycopg import Cursor  # noqa: PLC0415  # an installation on SQLite need not have it

    connection = connections[router.db_for_read(LedgerLeaf)]
    connection.ensure_connection()
    # In binary: as text, every byte of every hash would come as two digits.
    with Cursor(connection.connection) as cursor:
        positions, hashes, ids = _one(cursor, _LEAVES, begin, end)
        if positions is None:
            return Seen((), [], [], [])
        entry_ids = [ids[at : at + _ID_LENGTH] for at in range(0, len(ids), _ID_LENGTH)]
        bounds = (UUID(bytes=min(entry_ids)), UUID(bytes=max(entry_ids)))
        payloads, leaves, texts = _one(cursor, _BY_TEXT, *bounds, begin, end)
    computed = [sha256(b"\x00" + (payload or "").encode()).digest() for payload in payloads]
    return Seen(positions, entry_ids, hashes, [*map(_fits, payloads, texts, computed, leaves, hashes)])


def _one(cursor: Any, statement: str, *values: Any) -> tuple[Any, ...]:
    cursor.execute(statement, values, binary=True, prepare=False)
    row: tuple[Any, ...] = cursor.fetchone()
    return row


def _fits(payload: str | None, text: str | None, computed: bytes, leaf: bytes, hash_: bytes) -> bool:
    """Whether payload, hashes and columns agree. A no is not final: another version or spelling is looked at again."""
    if payload is None or text is None or not computed == hash_ == leaf:
        return False
    pieces = text.split("\n")
    # Quotes and lines are counted, so that an edited column cannot bring the next field along and pass for it.
    if len(pieces) != 4 or text.count('"') not in _QUOTES:
        return False
    head, controller, middle, tail = pieces
    return (
        payload.startswith(head)
        and payload.startswith(controller, payload.find('"controller":'))
        and middle in payload
        and payload.endswith(tail)
    )


def _compared_by_value(begin: int, end: int) -> Seen:
    at = {"position__gte": begin, "position__lt": end}
    leaves = LedgerLeaf.objects.filter(**at).order_by("position").values_list("position", "entry_id", "hash")
    placed = {f"leaf_row__{name}": value for name, value in at.items()}
    held = {values[0]: values for values in LedgerEntry.objects.filter(**placed).order_by().values_list(*_COLUMNS)}
    rows = [(position, entry_id, bytes(hash_)) for position, entry_id, hash_ in leaves]
    return Seen(
        [position for position, _, _ in rows],
        [entry_id.bytes for _, entry_id, _ in rows],
        [hash_ for _, _, hash_ in rows],
        [entry_id in held and _agrees(held[entry_id], hash_) for _, entry_id, hash_ in rows],
    )


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
