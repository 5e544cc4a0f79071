"""Every day of receipt from 2025 to 2028 against a second implementation that shares nothing with the first."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dsar.deadlines import Calendar, Extension, ExtensionReason, Regime, Right, compute, rule_for

DAY = timedelta(days=1)
FIRST, LAST = date(2025, 1, 1), date(2028, 12, 31)
RECEIPTS = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]
GRANTED = Extension(reason=ExtensionReason.COMPLEXITY, decided_at=FIRST, notice_sent_at=FIRST)


def easter_sunday(year: int) -> date:
    """Oudin's algorithm."""
    century = year // 100
    golden = year % 19
    k = (century - 17) // 25
    moon = (century - century // 4 - (century - k) // 3 + 19 * golden + 15) % 30
    moon -= (moon // 28) * (1 - (moon // 28) * (29 // (moon + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    sunday = moon - weekday
    month = 3 + (sunday + 40) // 44
    return date(year, month, sunday + 28 - 31 * (month // 4))


def german_holidays(year: int) -> set[date]:
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    return {date(year, *day) for day in fixed} | {easter_sunday(year) + n * DAY for n in (-2, 1, 39, 50)}


GERMAN_HOLIDAYS = set().union(*(german_holidays(year) for year in range(2025, 2030)))


def months_later(received: date, months: int) -> date:
    """Walk day by day; stop on the same day of the month, or on the last day of a month that lacks it."""
    day, passed = received, 0
    while True:
        day += DAY
        if day.day == 1:
            passed += 1
        if passed == months and (day.day == received.day or (day + DAY).day == 1):
            return day


def rolled(day: date) -> date:
    while day.isoweekday() in {6, 7} or day in GERMAN_HOLIDAYS:
        day += DAY
    return day


def business_days_later(received: date, days: int) -> date:
    day = received
    while days:
        day += DAY
        days -= day.isoweekday() < 6 and day not in GERMAN_HOLIDAYS
    return day


GERMANY = Calendar("DE", "Europe/Berlin")


def test_the_reference_knows_easter() -> None:
    assert [easter_sunday(year) for year in (2025, 2026, 2027, 2028)] == [
        date(2025, 4, 20),
        date(2026, 4, 5),
        date(2027, 3, 28),
        date(2028, 4, 16),
    ]


@pytest.mark.parametrize("regime", [Regime.GDPR, Regime.UK_GDPR, Regime.VOLUNTARY])
def test_every_month_term(regime: Regime) -> None:
    for received in RECEIPTS:
        rule = rule_for(regime, Right.ACCESS, received)
        deadline = compute(rule, received, GERMANY)
        assert deadline.nominal_on == months_later(received, 1)
        assert deadline.due_on == rolled(months_later(received, 1))
        extended = compute(rule, received, GERMANY, extension=GRANTED)
        assert extended.due_on == rolled(months_later(received, 3))


def test_every_californian_term() -> None:
    for received in RECEIPTS:
        rule = rule_for(Regime.CCPA, Right.ACCESS, received)
        assert (compute(rule, received, GERMANY).due_on - received).days == 45
        assert (compute(rule, received, GERMANY, extension=GRANTED).due_on - received).days == 90
        opt_out = rule_for(Regime.CCPA, Right.OPT_OUT_OF_SALE, received)
        assert compute(opt_out, received, GERMANY).due_on == business_days_later(received, 15)


@pytest.mark.parametrize(
    ("flat_days", "is_extended", "missed", "missed_rolled"),
    [
        (30, False, 120, 94),  # 8.2 % and 6.4 % of 1,461 days
        (45, False, 1461, 1461),
        (90, True, 87, 60),  # 6.0 % and 4.1 %
    ],
)
def test_how_often_a_flat_number_of_days_would_miss_the_gdpr_date(
    flat_days: int, is_extended: bool, missed: int, missed_rolled: int
) -> None:
    ireland = Calendar("IE", "Europe/Dublin")
    late = late_rolled = 0
    for received in RECEIPTS:
        rule = rule_for(Regime.GDPR, Right.ACCESS, received)
        deadline = compute(rule, received, ireland, extension=GRANTED if is_extended else None)
        flat = received + flat_days * DAY
        late += flat > deadline.nominal_on
        late_rolled += flat > deadline.due_on
    assert (late, late_rolled) == (missed, missed_rolled)
