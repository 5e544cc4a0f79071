"""Builds statements that name rows by key, in portions a database accepts; it decides nothing about the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.errors import SystemRefused
from governance.systems.sql import mariadb
from governance.systems.sql.values import NoMatch, bound
from governance.systems.strategies import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from governance.catalogue.planning import Node
    from governance.systems.sql.results import Key
    from governance.systems.sql.tables import Table


def key_of(node: Node, table: Table) -> tuple[str, ...]:
    """Return the fields that tell rows apart: the map's key, the database's, or else all we find rows by.

    The last is for tables without a key: rows that agree in it are read together and never erased. Raises
    SystemRefused where the map's key names several rows: the others would be disclosed and erased as well.
    """
    if node.key:
        if not table.tells_apart(node.key):
            real = f"mark its primary key: {', '.join(table.primary_key)}" if table.primary_key else "mark none"
            msg = f"The key that the data map gives {node.at} does not tell rows apart in the system; {real}."
            raise SystemRefused(msg)
        return node.key
    if table.primary_key:
        return table.primary_key
    guards = [*(each.field for each in node.guards), *(each.field for each in node.co_owners)]
    return tuple(dict.fromkeys([*(each.field for each in node.lookups), *guards]))


def portions(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a list into portions, so that no statement grows beyond what a database takes."""
    for start in range(0, len(values), max(1, size)):
        yield values[start : start + size]


def among(table: Table, field: str, values: Iterable[Any], *, exact: bool = True) -> sa.ColumnElement[bool] | None:
    """Return the condition that a field holds one of the values; None where none of them can stand in it.

    `exact` is to the letter. Otherwise the database's own idea of equality counts, as it does for a foreign key.
    """
    fitting = []
    for value in values:
        try:
            fitting.append(bound(value, table, field))
        except NoMatch:
            continue
    fitting = [value for value in fitting if value is not None]
    if not fitting:
        return None
    if not _is_loose(table, field):
        return _in_values(table, field, fitting)
    # The column itself is asked for what its set of signs can hold: for the rest MariaDB would refuse the statement.
    held = [value for value in fitting if value.isascii() or not table.info(field).narrow]
    rest = [value for value in fitting if value not in held]
    found = _in_values(table, field, held) if held else sa.false()
    letters = table.column(field).in_(to_the_letter(held))
    wide = table.column(field).in_(to_the_letter(rest, mariadb.EXACT if exact else mariadb.LOOSE))
    return sa.or_(sa.and_(found, letters) if exact and held else found, *([wide] if rest else []))


def _in_values(table: Table, field: str, values: list[Any]) -> sa.ColumnElement[bool]:
    """Return a condition that can use an index."""
    # Of the column's own type: PostgreSQL compares no date or address with what it takes for text.
    bound_values = sa.bindparam(None, values, type_=table.column(field).type, expanding=True, unique=True)
    return table.column(field).in_(bound_values)


def to_the_letter(values: Iterable[str], collation: str = mariadb.EXACT) -> list[sa.ColumnElement[str]]:
    """Return values of text that MariaDB compares character by character, whatever the collation of the column."""
    return [sa.literal(value, sa.String()).collate(collation) for value in values]


def _is_loose(table: Table, field: str) -> bool:
    return table.dialect in mariadb.NAMES and table.info(field).shape.kind in (Kind.TEXT, Kind.CHOICE)


def rows_named(table: Table, key: Sequence[str], rows: Sequence[Key], *, exact: bool = True) -> sa.ColumnElement[bool]:
    """Return the condition that a row is one of those named."""
    if len(key) == 1:
        condition = among(table, key[0], (row[0] for row in rows), exact=exact)
        blank = any(row[0] is None for row in rows)
        parts = [each for each in (condition, table.column(key[0]).is_(None) if blank else None) if each is not None]
        return sa.or_(sa.false(), *parts)
    whole = [row for row in rows if None not in row] if all(_is_number(table, name) for name in key) else []
    rest = [row for row in rows if None in row] if whole else rows
    parts = [_one_row(table, key, row, exact=exact) for row in rest]
    return sa.or_(sa.false(), *([_whole_rows(table, key, whole)] if whole else []), *parts)


def _is_number(table: Table, field: str) -> bool:
    """Tell whether a field compares in a list of rows as it does alone; bits, times and addresses do not everywhere."""
    is_counted = table.dialect == "sqlite" or isinstance(table.column(field).type, sa.Integer)
    return table.info(field).shape.kind is Kind.INTEGER and is_counted


def _whole_rows(table: Table, key: Sequence[str], rows: Sequence[Key]) -> sa.ColumnElement[bool]:
    """Name rows by their whole key at once: a condition of many small ones costs more to write than to answer."""
    fitting = []
    for row in rows:
        try:
            fitting.append(tuple(bound(value, table, name) for value, name in zip(row, key, strict=True)))
        except NoMatch:
            continue
    columns = [table.column(name) for name in key]
    if table.dialect != "postgresql" or not fitting:
        return sa.tuple_(*columns).in_(fitting)
    # PostgreSQL tries a list of pairs one by one on every row of the table; a list of rows it joins.
    named = sa.values(*(sa.column(f"k{place}", each.type) for place, each in enumerate(columns)), name="named")
    return sa.tuple_(*columns).in_(sa.select(named.data(fitting)))


def _one_row(table: Table, key: Sequence[str], row: Key, *, exact: bool) -> sa.ColumnElement[bool]:
    pairs = list(zip(key, row, strict=True))
    parts = [among(table, name, (value,), exact=exact) for name, value in pairs if value is not None]
    blanks = [table.column(name).is_(None) for name, value in pairs if value is None]
    return sa.and_(*(sa.false() if part is None else part for part in parts), *blanks)
