"""Builds statements that name rows by key, in portions a database accepts; it decides nothing about the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.systems.sql.values import NoMatch, bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from governance.catalogue.planning import Node
    from governance.systems.sql.results import Key
    from governance.systems.sql.tables import Table


def key_of(node: Node, table: Table) -> tuple[str, ...]:
    """Return the fields that tell rows apart: the map's key, the database's, or else all we find rows by.

    The last is for tables without a key: rows that agree in it are read together and never erased.
    """
    if node.key:
        return node.key
    if table.primary_key:
        return table.primary_key
    guards = [*(each.field for each in node.guards), *(each.field for each in node.co_owners)]
    return tuple(dict.fromkeys([*(each.field for each in node.lookups), *guards]))


def portions(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a list into portions, so that no statement grows beyond what a database takes."""
    for start in range(0, len(values), max(1, size)):
        yield values[start : start + size]


def among(table: Table, field: str, values: Iterable[Any]) -> sa.ColumnElement[bool] | None:
    """Return the condition that a field holds one of the values; None where none of them can stand in it."""
    fitting = []
    for value in values:
        try:
            fitting.append(bound(value, table, field))
        except NoMatch:
            continue
    fitting = [value for value in fitting if value is not None]
    return table.column(field).in_(fitting) if fitting else None


def rows_named(table: Table, key: Sequence[str], rows: Sequence[Key]) -> sa.ColumnElement[bool]:
    """Return the condition that a row is one of those named."""
    if len(key) == 1:
        condition = among(table, key[0], (row[0] for row in rows))
        blank = any(row[0] is None for row in rows)
        parts = [each for each in (condition, table.column(key[0]).is_(None) if blank else None) if each is not None]
        return sa.or_(sa.false(), *parts)
    return sa.or_(sa.false(), *(_one_row(table, key, row) for row in rows))


def _one_row(table: Table, key: Sequence[str], row: Key) -> sa.ColumnElement[bool]:
    try:
        values = [bound(value, table, name) for name, value in zip(key, row, strict=True)]
    except NoMatch:
        return sa.false()
    pairs = zip(key, values, strict=True)
    return sa.and_(*(table.column(name).is_not_distinct_from(value) for name, value in pairs))
