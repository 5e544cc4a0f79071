"""Counts what happened in the hour before each event, so that a burst across the stroke of the clock is one; pure.

Alarms are told by clock hours, one in each; what counts in an hour is the busiest sixty minutes that end in it.
"""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Busy:
    """The busiest sixty minutes that end in one clock hour, and what of it happened within that hour alone."""

    count: int = 0
    people: int = 0
    count_alone: int = 0
    people_alone: int = 0

    def after_alarm(self) -> "Busy":
        """Answer the hour by itself: what came before was told already."""
        return Busy(self.count_alone, self.people_alone, self.count_alone, self.people_alone)


class Trail:
    """What one actor did, taken in order of time; `hours` answers each clock hour in which there was anything."""

    def __init__(self) -> None:
        self.hours: dict[datetime, Busy] = {}
        self._window: deque[tuple[datetime, int, str]] = deque()
        self._people: Counter[str] = Counter()
        self._count = 0
        self._alone: set[str] = set()

    def add(self, at: datetime, person: str, size: int = 1) -> None:
        """Take one event, about one person or about none."""
        hour = hour_of(at)
        if hour not in self.hours:
            self.hours[hour], self._alone = Busy(), set()
        self._leave(at - HOUR)
        self._window.append((at, size, person))
        self._count += size
        if person:
            self._people[person] += 1
            self._alone.add(person)
        busy = self.hours[hour]
        busy.count, busy.people = max(busy.count, self._count), max(busy.people, len(self._people))
        busy.count_alone, busy.people_alone = busy.count_alone + size, len(self._alone)

    def _leave(self, until: datetime) -> None:
        while self._window and self._window[0][0] <= until:
            _at, size, person = self._window.popleft()
            self._count -= size
            if person:
                self._people[person] -= 1
                if not self._people[person]:
                    del self._people[person]


def hour_of(at: datetime) -> datetime:
    """Answer the clock hour of an instant."""
    return at.replace(minute=0, second=0, microsecond=0)
