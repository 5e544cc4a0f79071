"""Erases located rows in one transaction and re-reads them afterwards; what is erased was decided by the plan."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.catalogue.elements import Period
from governance.catalogue.planning import FieldAction, Reason, RowAction
from governance.errors import SystemRefused
from governance.systems.sql import mariadb
from governance.systems.sql.ends import Change, Keeping, Tally
from governance.systems.sql.keys import key_of, portions, rows_named
from governance.systems.sql.results import Status, Staying
from governance.systems.sql.values import NoMatch, bound, json_value, moment, same
from governance.systems.strategies import derive, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from governance.catalogue.planning import FieldErasure, Node, Retention
    from governance.systems.sql.results import Key, Located, Outcome
    from governance.systems.sql.tables import Table
    from governance.systems.strategies import Mask

UNLINKED = "unlinked"
COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Job:
    """One person's erasure in one collection: which rows, under which seed, judged at which instant.

    `unlink` names, per field, values that point at a row other people need: such a pointer is set to NULL. `loops`
    are fields by which rows of the collection point at each other.
    """

    located: Located
    seed: bytes
    instant: datetime
    unlink: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    portion: int = 500
    loops: Sequence[str] = ()


class Eraser:
    """Carries out one job on one table; every statement runs on the connection given, in its transaction."""

    def __init__(self, connection: sa.Connection, table: Table, node: Node, job: Job) -> None:
        if node.erase is None:
            raise ValueError("the plan was not made for erasure")
        self.connection, self.table, self.node, self.job = connection, table, node, job
        self.fields = node.erase.fields
        self.deletes = node.erase.row is RowAction.DELETE
        self.key = key_of(node, table)
        self.masks = {} if self.deletes else self._masks()
        self.ties = self._ties()
        stayed = job.located.staying
        self.stayed = None if stayed is None else {_text(each.key): each for each in stayed}

    def _ties(self) -> tuple[str, ...]:
        """Name the fields that tell whose a row is and that no erasure writes over."""
        found = [each.field for each in self.node.lookups]
        found += [each.field for each in self.node.guards] + [each.field for each in self.node.co_owners]
        return tuple(dict.fromkeys(name for name in found if name not in self.masks))

    def _masks(self) -> dict[str, Mask]:
        """Settle every strategy before a row is touched. Raises SystemRefused for one that cannot work."""
        masks = {}
        for each in self.fields:
            info = self.table.info(each.field)
            if each.masking is None or info.computed:
                continue
            mask = settle(each.masking, info.allowed, each.category)
            if problem := mask.problem():
                msg = f"{self.node.at}.{each.field} cannot be erased: {problem}."
                raise SystemRefused(msg)
            masks[each.field] = mask
        return masks

    def erase(self) -> dict[str, tuple[Outcome, ...]]:
        """Erase the own rows and let go of the co-owned ones; repeated, it changes nothing and says the same."""
        tally = Tally()
        if self.deletes:
            self._delete(tally)
        else:
            for portion in portions(self.job.located.rows, self.job.portion):
                self._mask(portion, tally)
        for portion in portions(self.job.located.co_owned, self.job.portion):
            self._let_go(portion, tally)
        return tally.outcomes(self.fields)

    def _delete(self, tally: Tally) -> None:
        self._untie()
        for portion in portions(self.job.located.rows, self.job.portion):
            named = rows_named(self.table, self.key, portion)
            self.connection.execute(sa.delete(self.table.clause).where(named))
        # A row that is already gone was deleted by the first try of this step: the same end.
        for each in self.fields if self.job.located.rows else ():
            tally.add(Change(each.field, Status.ERASED), len(self.job.located.rows))

    def _untie(self) -> None:
        """Empty what the rows point at each other by: no order of deleting suits every database and every circle."""
        columns = [self.table.column(name) for name in self.job.loops]
        for portion in portions(self.job.located.rows, self.job.portion) if columns else ():
            tied = sa.or_(*(column.is_not(None) for column in columns))
            named = rows_named(self.table, self.key, portion)
            empty: dict[Any, Any] = dict.fromkeys(columns)
            self.connection.execute(sa.update(self.table.clause).where(named, tied).values(empty))

    def _mask(self, portion: Sequence[Key], tally: Tally) -> None:
        current = self._current(portion, lock=True)
        writes: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for named in portion:
            values = current.get(_text(named))
            if values is None:
                for each in self.fields:
                    tally.add(Change(each.field, Status.NOT_FOUND))
                continue
            changes = list(self._changes(named, values))
            for change in changes:
                tally.add(change)
            new = {change.name: change.value for change in changes if change.writes}
            if new:
                writes.append(({name: values[name] for name in self.key}, new))
        self._write(writes)

    def _changes(self, named: Key, values: Mapping[str, Any]) -> Iterator[Change]:
        for each in self.fields:
            longest = self._longest(each.retentions, values)
            kept = longest if longest is not None and longest.runs_at(self.job.instant) else None
            if not self._is_meant(each.field, longest, named, values):
                yield Change(each.field, Status.NOT_FOUND)
            elif kept is not None:
                yield kept.of(each.field)
            elif each.field in self.masks:
                yield self._masked(each.field, named, values[each.field])
            else:
                yield self._kept(each, values[each.field])

    def _longest(self, rules: Sequence[Retention], values: Mapping[str, Any]) -> Keeping | None:
        """Return the rule that keeps a field of this row longest; an end that nobody can tell is the longest."""
        ends = [Keeping(rule.rule, self._retained_until(rule, values)) for rule in rules]
        return max(ends, key=lambda each: (each.until is None, each.until or self.job.instant), default=None)

    def _is_meant(self, name: str, longest: Keeping | None, named: Key, values: Mapping[str, Any]) -> bool:
        """Tell whether a field of this row is to be judged; on a later day only where it is still what stayed."""
        if self.stayed is None:
            return True
        stayed = self.stayed.get(_text(named))
        if stayed is None or name not in stayed.until:
            return False
        until = longest.until if longest else None
        # A key may have been given to somebody else meanwhile; a pointer that was cut points at nobody else.
        others = [tie for tie, before in stayed.ties.items() if self._points_elsewhere(tie, before, values)]
        return until is not None and until.isoformat() == stayed.until[name] and not others

    def _points_elsewhere(self, tie: str, before: Any, values: Mapping[str, Any]) -> bool:
        now = json_value(values[tie], self.table.info(tie))
        return now is not None and str(now) != str(before)

    def _retained_until(self, retention: Retention, values: Mapping[str, Any]) -> datetime | None:
        if retention.start is None:
            return None
        start = moment(values[retention.start.field])
        return Period.parse(retention.period).after(start) if start is not None else None

    def _masked(self, name: str, named: Key, current: Any) -> Change:
        if current is None:
            return Change(name, Status.ERASED)  # nothing there, and nothing is written over nothing
        place = (self.node.at.dataset, self.node.at.collection, name, *_text(named))
        try:
            value = bound(self.masks[name].value(derive(self.job.seed, place), current), self.table, name)
        except NoMatch:
            msg = f"{self.node.at}.{name} cannot hold what was to be written over it; choose another masking strategy."
            raise SystemRefused(msg) from None
        return Change(name, Status.ERASED, value, writes=not same(current, value))

    def _kept(self, each: FieldErasure, current: Any) -> Change:
        unlink = set(map(str, self.job.unlink.get(each.field, ())))
        if unlink and current is None:
            return Change(each.field, Status.ERASED, reason=UNLINKED)  # by the first try of this step
        if str(current) in unlink:
            return self._unlinked(each.field)
        computed = self.table.info(each.field).computed
        return Change(each.field, Status.RETAINED, reason=COMPUTED if computed else str(each.reason or ""))

    def _unlinked(self, name: str) -> Change:
        if self.table.info(name).shape.nullable:
            return Change(name, Status.ERASED, None, writes=True, reason=UNLINKED)
        return Change(name, Status.RETAINED, reason=Reason.SHARED)

    def _let_go(self, portion: Sequence[Key], tally: Tally) -> None:
        """Take this person off rows that belong to another as well, and leave the rest as it is."""
        current = self._current(portion, lock=True)
        writes = []
        for named in portion:
            values = current.get(_text(named), {})
            changes = [self._parted(each, values.get(each.field)) for each in self.fields]
            for change in changes:
                tally.add(change)
            new = {change.name: None for change in changes if change.writes}
            if new and values:
                writes.append(({name: values[name] for name in self.key}, new))
        self._write(writes)

    def _parted(self, each: FieldErasure, current: Any) -> Change:
        mine = self.job.located.mine.get(each.field)
        points = each.field in {owner.field for owner in self.node.co_owners}
        if mine is None or (each.action is not FieldAction.MASK and not points):
            kept = each.action is FieldAction.KEEP and each.reason is not None
            return Change(each.field, Status.RETAINED, reason=str(each.reason) if kept else Reason.SHARED)
        if current is None:
            return Change(each.field, Status.ERASED, reason=UNLINKED)  # by the first try of this step
        if str(current) in set(map(str, mine)):
            return self._unlinked(each.field)
        return Change(each.field, Status.RETAINED, reason=Reason.ANOTHER_PERSON)

    def _current(self, portion: Sequence[Key], *, lock: bool) -> dict[tuple[str, ...], dict[str, Any]]:
        starts = [rule.start.field for each in self.fields for rule in each.retentions if rule.start]
        names = tuple(dict.fromkeys((*self.key, *(each.field for each in self.fields), *starts, *self.ties)))
        statement = sa.select(*(self.table.column(name) for name in names))
        statement = statement.where(rows_named(self.table, self.key, portion))
        if lock and (self.node.key or self.job.unlink):  # without a key nothing is written, and no view can be locked
            statement = statement.with_for_update()
        infos = {name: self.table.info(name) for name in self.key}
        found = {}
        for row in self.connection.execute(statement):
            values = dict(zip(names, row, strict=True))
            found[_text([json_value(values[name], infos[name]) for name in self.key])] = values
        return found

    def _write(self, writes: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Update by primary key, one statement per set of fields."""
        together: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for key, new in writes:
            bound_key = {f"k{index}": value for index, value in enumerate(key.values())}
            together[tuple(new)].append(
                {**bound_key, **{f"v{index}": value for index, value in enumerate(new.values())}}
            )
        for fields, parameters in together.items():
            statement = sa.update(self.table.clause).where(
                *(self.table.column(name) == self._parameter(name, f"k{index}") for index, name in enumerate(self.key))
            )
            values: dict[Any, Any] = {self.table.column(name): self.table.column(name) for name in self._starts(fields)}
            values |= {self.table.column(name): self._parameter(name, f"v{index}") for index, name in enumerate(fields)}
            self.connection.execute(statement.values(values), parameters)

    def _starts(self, written: Sequence[str]) -> Iterator[str]:
        """Name what periods of retention count from: said outright, so that no "on update" starts them anew."""
        for each in self.fields if self.table.dialect in mariadb.NAMES else ():
            for rule in each.retentions:
                if rule.start and rule.start.field not in written:
                    yield rule.start.field

    def _parameter(self, name: str, label: str) -> sa.BindParameter[Any]:
        return sa.bindparam(label, type_=self.table.column(name).type)

    def staying(self) -> Iterator[Staying]:
        """Re-read the rows by key and name those of which a rule still keeps something until a date."""
        for portion in portions(self.job.located.rows, self.job.portion):
            current = self._current(portion, lock=False)
            for named in portion:
                values = current.get(_text(named))
                changes = () if values is None or self.deletes else self._changes(named, values)
                until = {change.name: change.until.isoformat() for change in changes if change.until is not None}
                if until and values is not None:
                    ties = {name: json_value(values[name], self.table.info(name)) for name in self.ties}
                    yield Staying(named, until, ties)

    def residue(self) -> list[str]:
        """Re-read the rows by key and name the fields in which something was left that the plan erases."""
        left: dict[str, None] = {}
        for portion in portions(self.job.located.rows, self.job.portion):
            current = self._current(portion, lock=False)
            for named in portion:
                values = current.get(_text(named))
                if values is None:
                    continue
                if self.deletes:
                    return [each.field for each in self.fields]
                left |= dict.fromkeys(change.name for change in self._changes(named, values) if change.writes)
        for portion in portions(self.job.located.co_owned, self.job.portion):
            for values in self._current(portion, lock=False).values():
                parted = (self._parted(each, values[each.field]) for each in self.fields)
                left |= dict.fromkeys(change.name for change in parted if change.writes)
        return list(left)


def _text(key: Sequence[Any]) -> tuple[str, ...]:
    """Spell a key so that what came through JSON equals what came from the database."""
    return tuple(map(str, key))
