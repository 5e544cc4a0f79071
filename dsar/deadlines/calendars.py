"""Working days and midnights of the place where the controller acts; knows no law and no request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY = timedelta(days=1)
_HOLIDAY_DATA = f"holidays {version('holidays')}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A country's (or subdivision's) public holidays and a time zone; an unknown one raises ValueError at once."""

    country: str
    zone: str
    subdivision: str = ""

    def __post_init__(self) -> None:
        try:
            _public_holidays(self.country, self.subdivision, 2026)
        except NotImplementedError as error:
            raise ValueError("no public holidays are known for this country or subdivision") from error
        try:
            ZoneInfo(self.zone)
        except (OSError, LookupError) as error:
            raise ValueError("this is not the name of a time zone") from error

    @property
    def id(self) -> str:
        """Names what a stored date was computed with, so that it can be explained years later."""
        place = "-".join(filter(None, (self.country, self.subdivision)))
        return f"{place} {self.zone} ({_HOLIDAY_DATA})"

    def local_date(self, moment: date | datetime) -> date:
        """Return the date the moment has in this zone; a plain date is already one."""
        if not isinstance(moment, datetime):
            return moment
        if moment.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def end_of(self, day: date) -> datetime:
        """Return the last second of the day in this zone."""
        return datetime.combine(day, time(23, 59, 59), tzinfo=ZoneInfo(self.zone))

    def holiday_name(self, day: date) -> str | None:
        return _public_holidays(self.country, self.subdivision, day.year).get(day)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and self.holiday_name(day) is None

    def working_day_from(self, day: date) -> date:
        """Return this day if it is a working day, else the next one that is."""
        while not self.is_working_day(day):
            day += _DAY
        return day

    def move(self, day: date, working_days: int) -> date:
        """Return the working day that lies so many working days after the day, or before it when negative."""
        step = _DAY if working_days > 0 else -_DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day


@cache
def _public_holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    # A copy of one whole year: the library's own object fills itself while it is asked, and a second thread asking in
    # that moment would be told that Christmas is a working day.
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False))
