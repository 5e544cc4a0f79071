"""Learns from the database what its tables look like; it reads no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from governance.errors import SystemRefused
from governance.systems.sql import mariadb, postgresql
from governance.systems.sql.conditions import conditions_of, within
from governance.systems.sql.pointing import foreign_keys, place_of, split_name
from governance.systems.sql.shapes import Column, column_of, statement_type
from governance.systems.sql.uniqueness import uniques_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governance.systems.sql.pointing import ForeignKey


@dataclass(frozen=True)
class Table:
    """One table as the database has it, under the name the data map gives it."""

    name: str
    clause: sa.Table
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    dialect: str = ""
    transactional: bool = True
    unique_keys: tuple[frozenset[str], ...] = ()

    def tells_apart(self, names: Iterable[str]) -> bool:
        """Tell whether rows cannot agree in these fields: they cover the primary key, or one that is as good."""
        spelt = {self.spelling(name) for name in names}
        return any(key <= spelt for key in (frozenset(self.primary_key), *self.unique_keys) if key)

    def column(self, name: str) -> sa.Column[Any]:
        """Return the column for statements. Raises SystemRefused where the database has none of that name."""
        return self.clause.c[self.spelling(name)]

    def info(self, name: str) -> Column:
        """Return what is known of a column. Raises SystemRefused where the database has none of that name."""
        return self.columns[self.spelling(name)]

    def spelling(self, name: str) -> str:
        """Return the database's spelling of a name; SQLite and MariaDB do not mind capitals."""
        if name in self.columns:
            return name
        if self.dialect != "postgresql":
            for each in self.columns:
                if each.casefold() == name.casefold():
                    return each
        msg = f"{self.name} has no column {name} in the system; check the dataset description."
        raise SystemRefused(msg)

    def has(self, name: str) -> bool:
        """Tell whether the database has a column of that name."""
        try:
            self.spelling(name)
        except SystemRefused:
            return False
        return True


@dataclass
class Tables:
    """The tables of one system, learnt once and kept as long as the system is open."""

    known: dict[str, Table | None] = field(default_factory=dict)
    pointing: dict[str | None, tuple[ForeignKey, ...]] = field(default_factory=dict)

    def find(self, connection: sa.Connection, name: str) -> Table | None:
        """Return the table, or None where there is none."""
        if name not in self.known:
            self.known[name] = _learn(connection, name)
        return self.known[name]

    def table(self, connection: sa.Connection, name: str) -> Table:
        """Return the table. Raises SystemRefused where there is none."""
        found = self.find(connection, name)
        if found is None:
            msg = f"There is no table {name} in the system; check the dataset description."
            raise SystemRefused(msg)
        return found

    def pointing_at(self, connection: sa.Connection, name: str) -> tuple[ForeignKey, ...]:
        """Return the foreign keys that point at a table."""
        schema, _bare = split_name(name)
        if schema not in self.pointing:
            self.pointing[schema] = foreign_keys(connection, schema)
        here = place_of(connection, name)
        return tuple(each for each in self.pointing[schema] if place_of(connection, each.target) == here)


def _learn(connection: sa.Connection, name: str) -> Table | None:
    inspector = sa.inspect(connection)
    schema, bare = split_name(name)
    if schema and not inspector.has_table(bare, schema=schema):
        schema, bare = None, name  # a dot may be part of the name
    if not inspector.has_table(bare, schema=schema):
        return None
    declared = inspector.get_columns(bare, schema=schema)
    reflected = [postgresql.plain(each) for each in declared]
    key = tuple(inspector.get_pk_constraint(bare, schema=schema).get("constrained_columns") or ())
    uniques = uniques_of(connection, bare, schema, (each["name"] for each in reflected))
    # A part of a wider unique index is treated as if it could not repeat alone, to be safe.
    unique = frozenset(key if len(key) == 1 else ()).union(*(each.columns for each in uniques))
    dialect = connection.dialect.name
    facts = mariadb.facts(connection, schema, bare) if dialect in mariadb.NAMES else mariadb.Facts()
    conditions = conditions_of(connection, bare, schema, declared)
    columns = {}
    for each in reflected:
        known = column_of(each, dialect, facts, unique=each["name"] in unique)
        columns[known.name] = within(known, conditions.get(known.name, ()))
    clause = sa.Table(
        quoted_name(bare, quote=True),
        sa.MetaData(),
        *(sa.Column(quoted_name(each["name"], quote=True), statement_type(each, dialect, facts)) for each in reflected),
        schema=quoted_name(schema, quote=True) if schema else None,
    )
    filled = {each["name"] for each in reflected if not each["nullable"]}
    unique_keys = tuple(each.columns for each in uniques if each.whole and each.columns <= filled)
    return Table(name, clause, columns, key, dialect, facts.transactional, unique_keys)
