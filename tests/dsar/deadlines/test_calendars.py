"""Public holidays frozen as expectations, so that an update of the holiday data cannot move a deadline unseen."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dsar.deadlines import Calendar

GERMANY = Calendar("DE", "Europe/Berlin")
ENGLAND = Calendar("GB", "Europe/London", "ENG")
CALIFORNIA = Calendar("US", "America/Los_Angeles")


@pytest.mark.parametrize(
    ("calendar", "holidays"),
    [
        (GERMANY, "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26"),
        (ENGLAND, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28"),
        (CALIFORNIA, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
        (Calendar("FR", "Europe/Paris"), "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"),
        (Calendar("IE", "Europe/Dublin"), "01-01 02-02 03-17 04-06 05-04 06-01 08-03 10-26 12-25 12-26"),
    ],
)
def test_the_public_holidays_of_2026(calendar: Calendar, holidays: str) -> None:
    year = [date.fromordinal(n) for n in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())]
    assert [day.strftime("%m-%d") for day in year if calendar.holiday_name(day)] == holidays.split()


def test_a_holiday_given_in_lieu_in_the_year_before() -> None:
    assert date(2028, 1, 1).isoweekday() == 6
    assert CALIFORNIA.holiday_name(date(2027, 12, 31))


@pytest.mark.parametrize(
    ("start", "moved", "expected"),
    [
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # over Easter
        (date(2026, 4, 7), -1, date(2026, 4, 2)),
        (date(2026, 4, 4), 1, date(2026, 4, 7)),  # from a Saturday
        (date(2026, 4, 4), -1, date(2026, 4, 2)),
        (date(2026, 4, 4), 0, date(2026, 4, 4)),
    ],
)
def test_moving_by_working_days(start: date, moved: int, expected: date) -> None:
    assert GERMANY.move(start, moved) == expected


def test_midnight_is_where_the_controller_is() -> None:
    moment = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert GERMANY.local_date(moment) == date(2026, 7, 1)
    assert CALIFORNIA.local_date(moment) == date(2026, 6, 30)
    assert GERMANY.end_of(date(2026, 6, 30)).isoformat() == "2026-06-30T23:59:59+02:00"


@pytest.mark.parametrize(
    ("country", "zone", "subdivision"),
    [("XX", "Europe/Berlin", ""), ("DE", "Europe/Berlin", "ZZ"), ("DE", "Mars/Olympus", ""), ("DE", "../x", "")],
)
def test_an_unknown_place_is_refused_at_once(country: str, zone: str, subdivision: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Calendar(country, zone, subdivision)


def test_the_id_names_what_the_date_was_computed_with() -> None:
    assert ENGLAND.id.startswith("GB-ENG Europe/London (holidays ")
