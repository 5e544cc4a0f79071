"""Counts who else needs a row before it is erased: other owners, and foreign keys that would break; read only."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.catalogue.planning import Ownership, RowAction
from governance.errors import SystemRefused
from governance.systems.sql import mariadb
from governance.systems.sql.engine import is_forbidden
from governance.systems.sql.keys import key_of, portions, rows_named
from governance.systems.sql.pointing import place_of
from governance.systems.sql.results import Finding, Located
from governance.systems.sql.values import json_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from governance.catalogue.elements import CollectionRef, FieldRef
    from governance.catalogue.planning import Node, Plan, Referrer
    from governance.systems.sql.engine import Limits
    from governance.systems.sql.pointing import ForeignKey
    from governance.systems.sql.results import Key
    from governance.systems.sql.tables import Table, Tables

#: Foreign keys that let go by themselves when their row is deleted.
_HARMLESS = frozenset(("SET NULL", "SET DEFAULT"))


@dataclass(frozen=True)
class Surroundings:
    """What is known around one collection: the plan, the rows found so far, and the datasets this system holds."""

    plan: Plan
    found: Mapping[CollectionRef, Located]
    datasets: AbstractSet[str]

    def node(self, at: CollectionRef) -> Node | None:
        """Return the plan's node of a collection, or None where the plan leaves it alone."""
        return next((each for each in self.plan if each.at == at), None)


@dataclass(frozen=True)
class Shared:
    """How a shared collection is settled for one person.

    `located` holds the rows that are theirs alone as rows and the others as co-owned; `unlink` holds, per field of
    own rows, the values that point at a row other people need.
    """

    located: Located
    unlink: Mapping[FieldRef, tuple[Any, ...]]


@dataclass(frozen=True)
class Sharing:
    """Looks around one table, on one connection."""

    connection: sa.Connection
    tables: Tables
    around: Surroundings
    limits: Limits

    def other_owners(self, node: Node, located: Located) -> dict[Key, int]:
        """Count, for each row of a shared collection, the rows of other people that point at it.

        A pointer in a system we cannot ask counts as another owner: a row is never erased on a guess.
        """
        table = self.tables.table(self.connection, node.at.collection)
        counts = dict.fromkeys(located.rows, 0)
        for referrer in node.referrers:
            if referrer.at.dataset not in self.around.datasets:
                counts = {key: count + 1 for key, count in counts.items()}
                continue
            for portion in portions(located.rows, self.limits.chunk):
                self._count(counts, self._targets(table, node, portion, (referrer.target,)), referrer)
        self._count_unmapped(counts, table, node, located)
        return counts

    def settle(self, node: Node, located: Located) -> Shared:
        """Tell rows that are the person's alone from those others need, and which of their pointers to cut."""
        owners = self.other_owners(node, located)
        alone = tuple(key for key, count in owners.items() if not count)
        kept = tuple(key for key, count in owners.items() if count)
        targets = self.targets(node, kept)
        unlink: dict[FieldRef, tuple[Any, ...]] = {}
        for referrer in node.referrers if kept else ():
            home = self.around.node(referrer.at.home)
            if home is not None and home.ownership is Ownership.OWN:
                unlink[referrer.at] = targets[referrer.target]
        return Shared(replace(located, rows=alone, co_owned=kept), unlink)

    def targets(self, node: Node, rows: Sequence[Key]) -> dict[str, tuple[Any, ...]]:
        """Return, per field that other collections point at, the values it holds in the rows."""
        table = self.tables.table(self.connection, node.at.collection)
        values: dict[str, tuple[Any, ...]] = {each.target: () for each in node.referrers}
        for portion in portions(rows, self.limits.chunk):
            for name, before in values.items():
                found = self._targets(table, node, portion, (name,))
                values[name] = (*before, *(pointed[0] for pointed, _ in found.values()))
        return values

    def _targets(
        self, table: Table, node: Node, rows: Sequence[Key], fields: Sequence[str]
    ) -> dict[tuple[str, ...], tuple[Key, Key]]:
        """Return the values by which other tables would point at the rows: spelt → (values, row)."""
        key = key_of(node, table)
        names = (*key, *fields)
        statement = sa.select(*(table.column(name) for name in names)).where(rows_named(table, key, rows))
        infos = [table.info(name) for name in names]
        found: dict[tuple[str, ...], tuple[Key, Key]] = {}
        for row in self.connection.execute(statement):
            values = tuple(json_value(value, info) for value, info in zip(row, infos, strict=True))
            pointed = values[len(key) :]
            if None not in pointed:
                found[tuple(map(str, pointed))] = (pointed, values[: len(key)])
        return found

    def _count(
        self, counts: dict[Key, int], targets: Mapping[tuple[str, ...], tuple[Key, Key]], referrer: Referrer
    ) -> None:
        home = self.tables.table(self.connection, referrer.at.collection)
        node = self.around.node(referrer.at.home)
        key = key_of(node, home) if node else home.primary_key
        located = self.around.found.get(referrer.at.home, Located()) if node and key else Located()
        mine = {tuple(map(str, row)) for row in located.rows}
        for pointed, row in self._pointing(home, (referrer.at.field,), targets, key):
            if row not in mine:
                counts[targets[pointed][1]] += 1

    def _pointing(
        self,
        home: Table,
        fields: Sequence[str],
        targets: Mapping[tuple[str, ...], tuple[Key, Key]],
        key: Sequence[str],
    ) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Yield every row that points at one of the targets: what it points at, and its own key."""
        if not targets:
            return
        names = (*fields, *key)
        infos = [home.info(name) for name in names]
        named = rows_named(home, fields, [pointed for pointed, _ in targets.values()], exact=False)
        loosely = {_folded(spelt): spelt for spelt in targets} if home.dialect in mariadb.NAMES else {}
        # Streamed and never cut short: an owner that was not counted would lose their row.
        statement = sa.select(*(home.column(name) for name in names)).where(named)
        for row in self.connection.execute(statement, execution_options={"stream_results": True}):
            spelt = tuple(str(json_value(value, info)) for value, info in zip(row, infos, strict=True))
            pointed = loosely.get(_folded(spelt[: len(fields)]), spelt[: len(fields)])
            if pointed in targets:
                yield pointed, spelt[len(fields) :]

    def _count_unmapped(self, counts: dict[Key, int], table: Table, node: Node, located: Located) -> None:
        """Count rows of tables the map does not mention, where the database itself says they point here."""
        told = {(place_of(self.connection, each.at.collection), each.at.field.casefold()) for each in node.referrers}
        for each in self.tables.pointing_at(self.connection, table.name):
            home_place = place_of(self.connection, each.table)
            if any((home_place, name.casefold()) in told for name in each.columns):
                continue
            found = self._unmapped(table, node, located, each)
            for key in counts if found is None else found:
                counts[key] += 1

    def _unmapped(self, table: Table, node: Node, located: Located, each: ForeignKey) -> list[Key] | None:
        """Return the row each pointer points at; None where the account may not look: then anybody may need them."""
        home = self.tables.table(self.connection, each.table)
        found = []
        try:
            with self.connection.begin_nested():
                for portion in portions(located.rows, self.limits.chunk):
                    targets = self._targets(table, node, portion, each.target_columns)
                    found += [targets[pointed][1] for pointed, _ in self._pointing(home, each.columns, targets, ())]
        except sa.exc.DBAPIError as error:
            if is_forbidden(error):
                return None
            raise
        return found

    def loops(self, node: Node) -> tuple[str, ...]:
        """Name the fields by which rows of a collection point at others of it, where they can be emptied."""
        if node.erase is None or node.erase.row is not RowAction.DELETE:
            return ()
        table = self.tables.table(self.connection, node.at.collection)
        keys = self.tables.pointing_at(self.connection, table.name)
        here = place_of(self.connection, table.name)
        names = (name for each in keys if place_of(self.connection, each.table) == here for name in each.columns)
        return tuple(dict.fromkeys(name for name in names if table.info(name).shape.nullable))

    def blockers(self, node: Node, located: Located) -> list[Finding]:
        """Say which rows that stay point at rows that would be deleted: a foreign key would break or cascade."""
        if node.erase is None or node.erase.row is not RowAction.DELETE or not located.rows:
            return []
        table = self.tables.table(self.connection, node.at.collection)
        found = []
        for each in self.tables.pointing_at(self.connection, table.name):
            count = 0 if each.on_delete.upper() in _HARMLESS else self._staying(table, node, located, each)
            if count:
                detail = f"{count} rows of {each.table} that stay still point at rows of {node.at} to be deleted."
                found.append(Finding("foreign_key", detail, node.at.collection, blocks=True))
        return found

    def _staying(self, table: Table, node: Node, located: Located, each: ForeignKey) -> int:
        home = self.tables.table(self.connection, each.table)
        going, key = self._going(node, home)
        count = 0
        for portion in portions(located.rows, self.limits.chunk):
            targets = self._targets(table, node, portion, each.target_columns)
            count += sum(row not in going for _, row in self._pointing(home, each.columns, targets, key))
        return count

    def _going(self, node: Node, home: Table) -> tuple[set[tuple[str, ...]], tuple[str, ...]]:
        """Return the keys of rows of a table that are deleted as well, and the fields of that key."""
        for other in self.around.plan:
            if other.at.dataset != node.at.dataset or other.erase is None or other.erase.row is not RowAction.DELETE:
                continue
            if place_of(self.connection, other.at.collection) == place_of(self.connection, home.name):
                rows = self.around.found.get(other.at, Located()).rows
                return {tuple(map(str, row)) for row in rows}, key_of(other, home)
        return set(), home.primary_key


def _folded(spelt: tuple[str, ...]) -> tuple[str, ...]:
    """Spell text as the loosest collation of MariaDB compares it: its foreign keys hold between "á1" and "A1"."""
    bare = (unicodedata.normalize("NFKD", each.rstrip()) for each in spelt)
    return tuple("".join(sign for sign in each if not unicodedata.combining(sign)).casefold() for each in bare)


def require_no_blockers(findings: Sequence[Finding]) -> None:
    """Raise SystemRefused where something would break. Nothing was changed then."""
    if findings:
        raise SystemRefused(" ".join(each.detail for each in findings))
