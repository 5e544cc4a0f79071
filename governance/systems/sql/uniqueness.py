"""Learns from the database in which columns of a table no two rows agree; it reads no rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns that a unique constraint or index covers; `whole` where it holds for every row and the plain values.

    An index over some rows only, or over a term, still refuses a value that repeats; but it tells no rows apart.
    """

    columns: frozenset[str]
    whole: bool = True


def uniques_of(connection: sa.Connection, bare: str, schema: str | None, columns: Iterable[str]) -> tuple[Unique, ...]:
    """Return everything that forbids two rows of a table to agree, but for its primary key."""
    known = tuple(columns)
    if connection.dialect.name == "sqlite":
        return tuple(_of_sqlite(connection, bare, schema or "main", known))
    return tuple(_reflected(sa.inspect(connection), bare, schema, known))


def _of_sqlite(connection: sa.Connection, bare: str, schema: str, known: tuple[str, ...]) -> Iterator[Unique]:
    """Ask SQLite itself: reflection guesses from the text of the table, and misses `varchar(30) UNIQUE`."""
    listed = sa.text('SELECT name, partial FROM pragma_index_list(:name, :home) WHERE "unique"')
    members = sa.text("SELECT name FROM pragma_index_info(:name, :home)")
    master = sa.table("sqlite_master", sa.column("name"), sa.column("sql"), schema=schema)
    for index, partial in connection.execute(listed, {"name": bare, "home": schema}).all():
        names = connection.execute(members, {"name": index, "home": schema}).scalars().all()
        plain = frozenset(name for name in names if name is not None)
        term = (
            ""
            if None not in names
            else str(connection.execute(sa.select(master.c.sql).where(master.c.name == index)).scalar())
        )
        yield Unique(plain | _mentioned(term, known), whole=not partial and not term)


def _reflected(inspector: sa.Inspector, bare: str, schema: str | None, known: tuple[str, ...]) -> Iterator[Unique]:
    for constraint in inspector.get_unique_constraints(bare, schema=schema):
        yield Unique(frozenset(constraint["column_names"]))
    for index in inspector.get_indexes(bare, schema=schema):
        if index["unique"]:
            yield _of_index(index, known)


def _of_index(index: Any, known: tuple[str, ...]) -> Unique:
    names = [name for name in index["column_names"] if name]
    is_partial = any(name.endswith("_where") for name in index.get("dialect_options", {}))
    terms = " ".join(map(str, index.get("expressions", ())))
    whole = not is_partial and len(names) == len(index["column_names"])
    return Unique(frozenset(names) | _mentioned(terms, known), whole=whole)


def _mentioned(term: str, known: tuple[str, ...]) -> frozenset[str]:
    """Return the columns a term names. One too many is harmless: it gets a value of its own as well."""
    words = set(re.findall(r"\w+", term.casefold()))
    return frozenset(name for name in known if words >= set(re.findall(r"\w+", name.casefold())) and term)
