"""One connected SQL database: find, read, erase, check again; each verb is one transaction. It keeps no state."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.catalogue.planning import Plan
from governance.systems.sql import checking, locating, reading
from governance.systems.sql.engine import Limits, open_engine, reading_from, writing_to
from governance.systems.sql.erasing import Eraser, Job
from governance.systems.sql.sharing import Shared, Sharing, Surroundings, require_no_blockers
from governance.systems.sql.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from types import TracebackType

    from governance.catalogue.elements import CollectionRef, Dataset
    from governance.catalogue.planning import Node
    from governance.systems.sql.results import Finding, Key, Located, Outcome, Staying


class SqlSystem:
    """A connection to one database, to be used in a `with` block.

    Raises SystemUnavailable where the database does not answer in time and SystemRefused where it says no; neither
    ever carries the database's words, which quote rows and passwords.
    """

    def __init__(self, url: str, *, limits: Limits | None = None, keep: Callable[[], None] | None = None) -> None:
        """Open the system when it is used; `keep` is called before every statement, so that long work shows life."""
        self.limits = limits or Limits()
        self._engine = open_engine(url, self.limits)
        if keep is not None:
            sa.event.listen(self._engine, "before_cursor_execute", lambda *_told: keep())
        self._tables = Tables()

    def __enter__(self) -> SqlSystem:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SqlSystem {self._engine.dialect.name}>"

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def ping(self) -> None:
        """Ask for nothing, to learn whether the system answers."""
        with reading_from(self._engine) as connection:
            connection.execute(sa.select(1))

    def check(self, dataset: Dataset) -> list[Finding]:
        """Compare a description with the database; findings that block come first."""
        with reading_from(self._engine) as connection:
            found = list(checking.check(connection, self._tables, dataset))
        return sorted(found, key=lambda each: not each.blocks)

    def count_all(self, dataset: Dataset) -> dict[str, int]:
        """Count the rows of every table described that is there."""
        counts = {}
        with reading_from(self._engine) as connection:
            for home in dataset.collections:
                table = self._tables.find(connection, home.name)
                if table is not None:
                    statement = sa.select(sa.func.count()).select_from(table.clause)
                    counts[home.name] = int(connection.execute(statement).scalar_one())
        return counts

    def locate(
        self, node: Node, identities: Mapping[str, Sequence[str]], found: Mapping[CollectionRef, Located]
    ) -> Located:
        """Find the person's rows in one collection; `found` is what earlier nodes of the plan found."""
        with reading_from(self._engine) as connection:
            table = self._tables.table(connection, node.at.collection)
            return locating.locate(connection, table, node, (identities, found), self.limits)

    def read(self, node: Node, rows: Sequence[Key]) -> Iterator[dict[str, Any]]:
        """Yield the rows for an access copy, a portion at a time; use it up or close it."""
        with reading_from(self._engine) as connection:
            table = self._tables.table(connection, node.at.collection)
            with closing(reading.read(connection, table, node, rows, self.limits)) as found:
                yield from found

    def held(self, node: Node, rows: Sequence[Key]) -> dict[str, int]:
        """Count the rows that hold each credential the plan withholds."""
        with reading_from(self._engine) as connection:
            table = self._tables.table(connection, node.at.collection)
            return reading.held(connection, table, node, rows, self.limits)

    def erase(
        self,
        node: Node,
        located: Located,
        *,
        seed: bytes,
        instant: datetime,
        unlink: Mapping[str, Sequence[Any]] | None = None,
    ) -> dict[str, tuple[Outcome, ...]]:
        """Erase the rows in one transaction and tell how each field ended.

        Repeated with the same arguments it changes nothing more and says the same. Rows that foreign keys still need
        are refused before anything is touched.
        """
        with writing_to(self._engine) as connection:
            table, sharing = (
                self._tables.table(connection, node.at.collection),
                self._sharing(connection, node, located),
            )
            loops = sharing.loops(node)
            eraser = Eraser(
                connection, table, node, Job(located, seed, instant, unlink or {}, self.limits.chunk, loops)
            )
            require_no_blockers(sharing.blockers(node, located))
            return eraser.erase()

    def still_there(
        self,
        node: Node,
        located: Located,
        *,
        seed: bytes,
        instant: datetime,
        unlink: Mapping[str, Sequence[Any]] | None = None,
    ) -> list[str]:
        """Re-read the rows by key and name the fields whose value was to go and did not."""
        job = Job(located, seed, instant, unlink or {}, self.limits.chunk)
        with reading_from(self._engine) as connection:
            table = self._tables.table(connection, node.at.collection)
            return Eraser(connection, table, node, job).residue()

    def staying(self, node: Node, located: Located, *, seed: bytes, instant: datetime) -> list[Staying]:
        """Re-read the rows by key and name those of which a rule keeps something until a date, and what."""
        job = Job(located, seed, instant, portion=self.limits.chunk)
        with reading_from(self._engine) as connection:
            table = self._tables.table(connection, node.at.collection)
            return list(Eraser(connection, table, node, job).staying())

    def other_owners(
        self,
        node: Node,
        located: Located,
        *,
        plan: Plan,
        found: Mapping[CollectionRef, Located],
        datasets: AbstractSet[str] | None = None,
    ) -> dict[Key, int]:
        """Count, for each row of a shared collection, the rows of other people that point at it.

        `datasets` are those this system holds; a pointer kept in any other counts as another owner.
        """
        around = Surroundings(plan, found, datasets or {node.at.dataset})
        with reading_from(self._engine) as connection:
            return Sharing(connection, self._tables, around, self.limits).other_owners(node, located)

    def share(
        self,
        node: Node,
        located: Located,
        *,
        plan: Plan,
        found: Mapping[CollectionRef, Located],
        datasets: AbstractSet[str] | None = None,
    ) -> Shared:
        """Settle a shared collection before anything is erased: what goes, and which pointers are cut instead."""
        around = Surroundings(plan, found, datasets or {node.at.dataset})
        with reading_from(self._engine) as connection:
            return Sharing(connection, self._tables, around, self.limits).settle(node, located)

    def targets(self, node: Node, rows: Sequence[Key]) -> dict[str, tuple[Any, ...]]:
        """Return, per field that other collections point at, the values it holds in the rows of a shared collection."""
        with reading_from(self._engine) as connection:
            around = Surroundings(Plan((), ()), {}, frozenset())
            return Sharing(connection, self._tables, around, self.limits).targets(node, rows)

    def dry_run(self, plan: Plan, found: Mapping[CollectionRef, Located], datasets: AbstractSet[str]) -> list[Finding]:
        """Say which deletions of the plan would break a foreign key or take other rows along; touches nothing."""
        findings = []
        with reading_from(self._engine) as connection:
            sharing = Sharing(connection, self._tables, Surroundings(plan, found, datasets), self.limits)
            for node in plan:
                if node.at.dataset in datasets and node.at in found:
                    findings += sharing.blockers(node, found[node.at])
        return findings

    def _sharing(self, connection: sa.Connection, node: Node, located: Located) -> Sharing:
        """Look around one collection alone: by now its children are gone, so whatever still points here stays."""
        around = Surroundings(Plan((), (), (node,)), {node.at: located}, {node.at.dataset})
        return Sharing(connection, self._tables, around, self.limits)
