"""Writes one batch of positions in few statements, whatever its size; the caller holds lease and transaction."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connections, router

from governance.models import LedgerLeaf, LedgerPending


class Waiting(NamedTuple):
    """An event without a position, with the hash of its leaf."""

    entry_id: UUID
    leaf: bytes


# One text and one value of bytes for the whole batch: a parameter for each event would cost more than the rows do.
_PLACE = """
    INSERT INTO governance_ledgerleaf (position, entry_id, hash)
    SELECT %s + placed.number - 1, placed.id, substr(hashes.value, 32 * (placed.number - 1)::int + 1, 32)
    FROM (SELECT %s::bytea AS value) AS hashes,
         unnest(string_to_array(%s, ',')::uuid[]) WITH ORDINALITY AS placed (id, number)
"""
_LEAVE = "DELETE FROM governance_ledgerpending WHERE entry_id = ANY(string_to_array(%s, ',')::uuid[])"


def waiting(limit: int) -> list[Waiting]:
    """Answer the waiting events in ascending order of their ids: verify finds the place of a swap by it."""
    found = LedgerPending.objects.order_by("entry_id").values_list("entry_id", "entry__leaf")[:limit]
    return [Waiting(entry_id, bytes(leaf)) for entry_id, leaf in found]


def place(start: int, batch: Sequence[Waiting]) -> None:
    """Give these events the positions from `start` on and take them out of the queue."""
    connection = connections[router.db_for_write(LedgerLeaf)]
    if connection.vendor == "postgresql":
        ids = ",".join(str(each.entry_id) for each in batch)
        with connection.cursor() as cursor:
            cursor.execute(_PLACE, (start, b"".join(each.leaf for each in batch), ids))
            cursor.execute(_LEAVE, (ids,))
        return
    LedgerLeaf.objects.bulk_create(
        LedgerLeaf(position=position, entry_id=each.entry_id, hash=each.leaf)
        for position, each in enumerate(batch, start)
    )
    placed = LedgerLeaf.objects.filter(position__gte=start, position__lt=start + len(batch))
    LedgerPending.objects.filter(pk__in=placed.values("entry_id")).delete()
