"""Finds a person's rows in one collection, and tells own rows from co-owned and foreign ones; it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.catalogue.elements import normalise_identity
from governance.errors import SystemRefused
from governance.systems.sql import mariadb
from governance.systems.sql.keys import among, key_of, portions, rows_named, to_the_letter
from governance.systems.sql.results import Located
from governance.systems.sql.values import json_value, spellings
from governance.systems.strategies import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from governance.catalogue.elements import CollectionRef, FieldRef
    from governance.catalogue.planning import Lookup, Node
    from governance.systems.sql.engine import Limits
    from governance.systems.sql.results import Key
    from governance.systems.sql.tables import Table

#: How a row was reached; the smaller wins where it was reached in several ways.
_BY_IDENTITY, _BY_OWN_ROW, _BY_CO_OWNED_ROW = range(3)


@dataclass
class _Search:
    """One search in one table."""

    connection: sa.Connection
    table: Table
    node: Node
    identities: Mapping[str, Sequence[str]]
    found: Mapping[CollectionRef, Located]
    limits: Limits
    rows: dict[Key, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def values(self, source: FieldRef, *, co_owned: bool = False) -> tuple[Any, ...]:
        """Return what was found in an earlier collection."""
        there = self.found.get(source.home, Located())
        return tuple((there.co_links if co_owned else there.links).get(source.field, ()))


def locate(
    connection: sa.Connection,
    table: Table,
    node: Node,
    known: tuple[Mapping[str, Sequence[str]], Mapping[CollectionRef, Located]],
    limits: Limits,
) -> Located:
    """Find the rows of one node; `known` is the person's identities and what earlier nodes found."""
    identities = {normalise_identity(name) or name: values for name, values in known[0].items()}
    search = _Search(connection, table, node, identities, known[1], limits)
    for reached, condition in _conditions(search):
        _collect(search, reached, condition)
    _require_names(search)
    return _sorted_out(search)


def _require_names(search: _Search) -> None:
    """Refuse rows that their own key does not find again: they would be told as erased, and stay."""
    for portion in portions(tuple(search.rows), search.limits.chunk) if search.node.key else ():
        named = rows_named(search.table, search.node.key, portion)
        statement = sa.select(sa.func.count()).select_from(search.table.clause).where(named)
        if search.connection.execute(statement).scalar_one() != len(portion):
            detail = f"{search.node.at} holds rows that its key does not name exactly; mark a whole number or text."
            raise SystemRefused(detail)


def _conditions(search: _Search) -> Iterator[tuple[int, sa.ColumnElement[bool]]]:
    for lookup in search.node.lookups:
        if lookup.identity is not None:
            condition = _identity_condition(search, lookup, search.identities.get(lookup.identity, ()))
            if condition is not None:
                yield _BY_IDENTITY, condition
        elif lookup.source is not None:
            yield from _source_conditions(search, lookup, lookup.source)


def _source_conditions(
    search: _Search, lookup: Lookup, source: FieldRef
) -> Iterator[tuple[int, sa.ColumnElement[bool]]]:
    for reached, co_owned in ((_BY_OWN_ROW, False), (_BY_CO_OWNED_ROW, True)):
        for portion in portions(search.values(source, co_owned=co_owned), search.limits.chunk):
            condition = among(search.table, lookup.field, _spelt(search.table, lookup.field, portion))
            if condition is not None:
                yield reached, condition


def _identity_condition(search: _Search, lookup: Lookup, values: Sequence[str]) -> sa.ColumnElement[bool] | None:
    """Match e-mail addresses in any case; everything else exactly."""
    stripped = [value.strip() for value in values if value and value.strip()]
    spelt = list(_spelt(search.table, lookup.field, (*values, *stripped), is_identity=True))
    exact = among(search.table, lookup.field, spelt)
    is_bytes = search.table.info(lookup.field).shape.kind is Kind.BINARY  # which have no case
    if exact is not None and search.table.dialect == "sqlite" and not is_bytes:
        # A column of SQLite may ignore case; two people's codes may differ in nothing else.
        exact = sa.and_(exact, sa.collate(search.table.column(lookup.field), "BINARY").in_(spelt))
    # SQLite keeps text in columns of any type; a name it does not know, such as STRING, it even takes for a number's.
    is_text = search.table.dialect == "sqlite" or search.table.info(lookup.field).shape.kind is Kind.TEXT
    if lookup.identity != "email" or not is_text or not stripped:
        return exact
    lowered = _in_any_case(search.table, lookup.field, [value.lower() for value in stripped])
    return lowered if exact is None else sa.or_(exact, lowered)


def _spelt(table: Table, field: str, values: Sequence[Any], *, is_identity: bool = False) -> Iterator[Any]:
    for value in dict.fromkeys(values):
        yield from spellings(value, table, field, is_identity=is_identity)


def _in_any_case(table: Table, field: str, values: list[str]) -> sa.ColumnElement[bool]:
    lowered = sa.func.lower(table.column(field))
    if table.dialect not in mariadb.NAMES:
        return lowered.in_(values)
    condition = lowered.in_(to_the_letter(values))
    # A column that ignores case is asked first, for its index; it finds too much ("á" for "a"), never too little.
    asked = table.info(field).folds and (not table.info(field).narrow or all(map(str.isascii, values)))
    return sa.and_(table.column(field).in_(values), condition) if asked else condition


def _collect(search: _Search, reached: int, condition: sa.ColumnElement[bool]) -> None:
    key = key_of(search.node, search.table)
    guards = [*(each.field for each in search.node.guards), *(each.field for each in search.node.co_owners)]
    tied = [each.field for each in search.node.lookups if each.identity is not None and search.node.co_owners]
    fields = tuple(dict.fromkeys((*key, *search.node.links, *guards, *tied)))
    statement = sa.select(*(search.table.column(name) for name in fields)).where(condition)
    if not search.node.key:
        statement = statement.distinct()  # rows without a key agree in it, and would use up the limit
    infos = [search.table.info(name) for name in fields]
    for row in search.connection.execute(statement.limit(search.limits.rows + 1)):
        values = {name: json_value(value, info) for name, value, info in zip(fields, row, infos, strict=True)}
        named = tuple(values[name] for name in key)
        if search.node.key and None in named:
            msg = f"{search.node.at} holds rows without a key, which cannot be told apart; give each one."
            raise SystemRefused(msg)
        before = search.rows.get(named)
        search.rows[named] = (reached if before is None else min(reached, before[0]), values)
    if len(search.rows) > search.limits.rows:
        detail = f"{search.node.at} has more than {search.limits.rows} rows of one person; raise the limit to go on."
        raise SystemRefused(detail)


def _sorted_out(search: _Search) -> Located:
    own: dict[Key, dict[str, Any]] = {}
    shared: dict[Key, dict[str, Any]] = {}
    withheld = 0
    identities, owners = _known_identities(search), _known_owners(search)
    for named, (reached, values) in search.rows.items():
        if reached is not _BY_IDENTITY and _holds_another(values, identities):
            withheld += 1
        elif reached is _BY_CO_OWNED_ROW or _holds_another(values, owners):
            shared[named] = values
        else:
            own[named] = values
    links = search.node.links
    return Located(
        tuple(own),
        tuple(shared),
        {name: _distinct(own, name) for name in links},
        {name: _distinct(shared, name) for name in links},
        _pointers(search, shared),
        withheld,
    )


def _distinct(rows: Mapping[Key, Mapping[str, Any]], name: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(row[name] for row in rows.values() if row[name] is not None))


def _pointers(search: _Search, rows: Mapping[Key, Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return what ties co-owned rows to this person: record numbers, and their own identities beside them."""
    node = search.node
    tied = {each.field: _mine(search, rows, each.field, each.source) for each in node.co_owners}
    for lookup in node.lookups:
        if lookup.identity is not None and node.co_owners and lookup.field not in (*tied, *key_of(node, search.table)):
            known = set(map(_plain, search.identities.get(lookup.identity, ())))
            tied[lookup.field] = tuple(each for each in _distinct(rows, lookup.field) if _plain(each) in known)
    return tied


def _mine(search: _Search, rows: Mapping[Key, Mapping[str, Any]], name: str, source: FieldRef) -> tuple[Any, ...]:
    known = set(map(_plain, search.values(source)))
    return tuple(value for value in _distinct(rows, name) if _plain(value) in known)


def _known_identities(search: _Search) -> dict[str, set[str]]:
    """Return what each guarded field may hold in a row that is the person's: given, or told by earlier rows."""
    known: dict[str, set[str]] = {}
    for guard in search.node.guards:
        told = (each for source in guard.sources for each in search.values(source))
        known[guard.field] = {"", *map(_plain, (*search.identities.get(guard.identity, ()), *told))}
    return known


def _known_owners(search: _Search) -> dict[str, set[str]]:
    """Return what each owner field may hold in a row that is the person's alone."""
    return {each.field: {"", *map(_plain, search.values(each.source))} for each in search.node.co_owners}


def _holds_another(values: Mapping[str, Any], known: Mapping[str, set[str]]) -> bool:
    return any(values[name] is not None and _plain(values[name]) not in mine for name, mine in known.items())


def _plain(value: object) -> str:
    return str(value).strip().casefold()
