"""How the fields of one table end, row by row, and how that adds up; it asks no database and decides nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from governance.systems.sql.results import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from governance.catalogue.planning import FieldErasure


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one field of one row: a new value, or the reason it stays."""

    name: str
    status: Status
    value: Any = None
    writes: bool = False
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """The rule that keeps a field of one row, and until when; None where that cannot be told."""

    rule: str
    until: datetime | None

    def runs_at(self, instant: datetime) -> bool:
        return self.until is None or self.until > instant

    def of(self, name: str) -> Change:
        return Change(name, Status.RETAINED, reason=self.rule, until=self.until)


@dataclass
class Tally:
    """Adds up outcomes per field."""

    counts: dict[tuple[str, Status, str], int] = field(default_factory=lambda: defaultdict(int))
    until: dict[tuple[str, Status, str], datetime] = field(default_factory=dict)
    soonest: dict[tuple[str, Status, str], datetime] = field(default_factory=dict)

    def add(self, change: Change, count: int = 1) -> None:
        place = (change.name, change.status, change.reason)
        self.counts[place] += count
        if change.until is not None:
            self.until[place] = max(change.until, self.until.get(place, change.until))
            self.soonest[place] = min(change.until, self.soonest.get(place, change.until))

    def outcomes(self, fields: Sequence[FieldErasure]) -> dict[str, tuple[Outcome, ...]]:
        found: dict[str, tuple[Outcome, ...]] = {each.field: () for each in fields}
        for place, count in self.counts.items():
            name, status, reason = place
            until = self.until[place].isoformat() if place in self.until else None
            soonest = self.soonest[place].isoformat() if place in self.soonest else None
            found[name] = (*found.get(name, ()), Outcome(status, count, reason, until, soonest))
        nothing = (Outcome(Status.NOT_FOUND, 0),)
        return {name: outcomes or nothing for name, outcomes in found.items()}
