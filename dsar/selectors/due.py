"""Due dates in words: how much time is left, and on which date; no colour, no query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from dsar.lifecycle import is_open

if TYPE_CHECKING:
    from datetime import datetime

SOON_DAYS = 5


@dataclass(frozen=True, slots=True)
class Due:
    """A due date as people read it; `tone` is for the eye and never says anything the words do not."""

    words: str
    tone: str


def due(status: str, due_at: datetime, now: datetime, zone: str, paused_at: datetime | None = None) -> Due:
    """Say how much time is left: due in 12 days · 4 December; while the clock stands still, since when and how many."""
    place = ZoneInfo(zone)
    day, today = due_at.astimezone(place).date(), now.astimezone(place).date()
    date_words = date_format(day, "j F" if day.year == today.year else "j F Y")
    if not is_open(status):
        return Due(gettext("deadline %(date)s") % {"date": date_words}, "")
    if paused_at is not None:
        since = paused_at.astimezone(place).date()
        words = ngettext("clock paused with %d day left", "clock paused with %d days left", (day - since).days)
        return Due(f"{words % (day - since).days} · {date_format(since, 'j F')}", "info")
    left = (day - today).days
    if left < 0:
        return Due(f"{ngettext('%d day overdue', '%d days overdue', -left) % -left} · {date_words}", "danger")
    if left == 0:
        return Due(f"{gettext('due today')} · {date_words}", "warn")
    words = ngettext("due in %d day", "due in %d days", left) % left
    return Due(f"{words} · {date_words}", "warn" if left <= SOON_DAYS else "")
