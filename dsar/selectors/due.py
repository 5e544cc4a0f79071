"""Due dates in words: how much time is left, and on which date; no colour, no query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dsar.lifecycle import is_open

if TYPE_CHECKING:
    from datetime import datetime

SOON_DAYS = 5


@dataclass(frozen=True, slots=True)
class Due:
    """A due date as people read it; `tone` is for the eye and never says anything the words do not."""

    words: str
    tone: str


def due(status: str, due_at: datetime, now: datetime, zone: str) -> Due:
    """Say how much time is left: due in 12 days · 4 December."""
    place = ZoneInfo(zone)
    day, today = due_at.astimezone(place).date(), now.astimezone(place).date()
    date_words = f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B %Y}"
    if not is_open(status):
        return Due(f"was due {date_words}", "")
    left = (day - today).days
    if left < 0:
        return Due(f"{_days(-left)} overdue · {date_words}", "danger")
    if left == 0:
        return Due(f"due today · {date_words}", "warn")
    return Due(f"due in {_days(left)} · {date_words}", "warn" if left <= SOON_DAYS else "")


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
