"""Compares a dataset description with the database it describes, before anything relies on it; it reads no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.catalogue.elements import Masking
from governance.catalogue.planning.kinds import is_personal, is_plain_link
from governance.systems.sql.results import Finding
from governance.systems.strategies import Kind, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

    from governance.catalogue.elements import Collection, Dataset, MapField
    from governance.systems.sql.shapes import Column
    from governance.systems.sql.tables import Table, Tables

#: What a description may call the type of a column, by what the column turns out to be.
_TYPE_NAMES: dict[str, frozenset[Kind]] = {
    "string": frozenset((Kind.TEXT, Kind.CHOICE, Kind.UUID, Kind.DATE, Kind.DATETIME, Kind.TIME)),
    "integer": frozenset((Kind.INTEGER,)),
    "float": frozenset((Kind.NUMBER,)),
    "boolean": frozenset((Kind.BOOLEAN, Kind.INTEGER)),
    "object": frozenset((Kind.JSON, Kind.TEXT)),
}


def check(connection: sa.Connection, tables: Tables, dataset: Dataset) -> Iterator[Finding]:
    """Yield every difference between the description and the database; those that block cannot be worked around."""
    for home in dataset.collections:
        if home.skip_processing:
            continue
        table = tables.find(connection, home.name)
        if table is None:
            detail = f"There is no table {home.name} in the database; correct the name (schema.table where needed)."
            yield Finding("missing_table", detail, home.name, blocks=True)
        else:
            yield from _key_findings(home, table)
            yield from _column_findings(home, table)


def _key_findings(home: Collection, table: Table) -> Iterator[Finding]:
    if not table.transactional:
        detail = f"{home.name} is kept by an engine without transactions; an erasure that fails there stops half-way."
        yield Finding("no_transactions", detail, home.name)
    if not table.primary_key:
        detail = f"{home.name} has no primary key in the database; its rows cannot be told apart safely."
        # A key that the map claims and the database does not keep names rows of other people as well.
        claims = bool(home.primary_key) and not table.tells_apart(name for name in home.primary_key if table.has(name))
        yield Finding("no_primary_key", detail, home.name, blocks=claims)
        return
    mapped = {table.spelling(name) for name in home.primary_key if table.has(name)}
    if mapped != set(table.primary_key):
        detail = f"The primary key of {home.name} is {', '.join(table.primary_key)}; mark exactly these fields."
        # A key of too few fields names rows of other people as well.
        yield Finding("primary_key_differs", detail, home.name, blocks=bool(mapped))


def _column_findings(home: Collection, table: Table) -> Iterator[Finding]:
    known = set()
    for item in home.fields:
        if not table.has(item.name):
            detail = f"{home.name} has no column {item.name} in the database; correct or remove the field."
            yield Finding("missing_column", detail, home.name, item.name, blocks=True)
            continue
        known.add(table.spelling(item.name))
        yield from _field_findings(home, item, table.info(item.name))
    for name in table.columns:
        if name not in known:
            detail = f"The column {name} of {home.name} is not described: it is neither read nor erased. Describe it."
            yield Finding("unmapped_column", detail, home.name, name)


def _field_findings(home: Collection, item: MapField, column: Column) -> Iterator[Finding]:
    expected = _TYPE_NAMES.get(item.data_type or "")
    if expected is not None and column.shape.kind not in expected:
        detail = f"{home.name}.{item.name} is described as {item.data_type} and is {column.shape.kind} in the database."
        yield Finding("type_differs", detail, home.name, item.name)
    preserved = item.strategy is not None and item.strategy.strategy == "preserve"
    left_alone = item.strategy is None and (is_plain_link(item) or not is_personal(item))
    if item.primary_key or item.read_only or column.computed or preserved or left_alone:
        return
    mask = settle(item.strategy or Masking("default"), column.allowed, next(iter(item.all_categories), ""))
    if problem := mask.problem():
        detail = f"{home.name}.{item.name} cannot be erased: {problem}."
        yield Finding("cannot_be_erased", detail, home.name, item.name, blocks=True)
