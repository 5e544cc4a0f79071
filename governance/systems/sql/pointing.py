"""Learns from the database which foreign keys there are, and tells where a table is; it reads no rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of a part of a table (a partition, or one that inherits) the whole is named: whose rows the description speaks of.
#: A key in columns that an heir alone has is its own.
_POSTGRESQL: Final = sa.text("""
    SELECT DISTINCT home_schema.nspname, home.relname, target_schema.nspname, target.relname, key.confdeltype,
        ARRAY(
            SELECT CAST(attname AS text) FROM unnest(key.conkey) WITH ORDINALITY AS part (number, place)
            JOIN pg_attribute ON attrelid = key.conrelid AND attnum = number ORDER BY place
        ),
        ARRAY(
            SELECT CAST(attname AS text) FROM unnest(key.confkey) WITH ORDINALITY AS part (number, place)
            JOIN pg_attribute ON attrelid = key.confrelid AND attnum = number ORDER BY place
        )
    FROM pg_constraint AS key
    JOIN pg_class AS target ON target.oid = key.confrelid
    JOIN pg_namespace AS target_schema ON target_schema.oid = target.relnamespace
    LEFT JOIN pg_inherits AS heir ON heir.inhrelid = key.conrelid AND NOT EXISTS (
        SELECT FROM pg_attribute AS own
        LEFT JOIN pg_attribute AS whole ON whole.attrelid = heir.inhparent AND whole.attname = own.attname
        WHERE own.attrelid = key.conrelid AND own.attnum = ANY (key.conkey) AND whole.attname IS NULL
    )
    JOIN pg_class AS home ON home.oid = COALESCE(pg_partition_root(key.conrelid), heir.inhparent, key.conrelid)
    JOIN pg_namespace AS home_schema ON home_schema.oid = home.relnamespace
    WHERE key.contype = 'f'
""")
_ON_DELETE: Final = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", "r": "RESTRICT"}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of one table that point at columns of another."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str = ""


def split_name(name: str) -> tuple[str | None, str]:
    """Cut `schema.table`."""
    schema, _, bare = name.rpartition(".")
    return schema or None, bare


def place_of(connection: sa.Connection, name: str) -> tuple[str, str]:
    """Return where a table is, so that two ways to name it compare equal; PostgreSQL minds capitals."""
    schema, bare = split_name(name)
    place = (schema or connection.dialect.default_schema_name or "", bare)
    return place if connection.dialect.name == "postgresql" else (place[0].casefold(), place[1].casefold())


def foreign_keys(connection: sa.Connection, schema: str | None) -> tuple[ForeignKey, ...]:
    """Return the foreign keys of a schema, and on PostgreSQL those of every other as well: they cross over there."""
    found = _of_postgresql(connection) if connection.dialect.name == "postgresql" else _reflected(connection, schema)
    return tuple(sorted(set(found), key=lambda each: (each.table, each.columns)))


def _of_postgresql(connection: sa.Connection) -> Iterator[ForeignKey]:
    usual = connection.dialect.default_schema_name
    for home_schema, home, target_schema, target, rule, columns, targets in connection.execute(_POSTGRESQL):
        home_name = home if home_schema == usual else f"{home_schema}.{home}"
        target_name = target if target_schema == usual else f"{target_schema}.{target}"
        yield ForeignKey(home_name, tuple(columns), target_name, tuple(targets), _ON_DELETE.get(str(rule), ""))


def _reflected(connection: sa.Connection, schema: str | None) -> Iterator[ForeignKey]:
    for (home_schema, home), keys in sa.inspect(connection).get_multi_foreign_keys(schema=schema).items():
        home_name = f"{home_schema}.{home}" if home_schema else home
        for key in keys:
            referred = key.get("referred_schema") or home_schema
            target = f"{referred}.{key['referred_table']}" if referred else key["referred_table"]
            rule = str(key.get("options", {}).get("ondelete") or "")
            yield ForeignKey(home_name, tuple(key["constrained_columns"]), target, tuple(key["referred_columns"]), rule)
