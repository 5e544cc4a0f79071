"""The clock of a breach notification: rules as data, with their articles; it reads no row and imports no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Rule:
    """Within how many hours of awareness whom to tell, since when, and where it is written."""

    id: str
    countries: frozenset[str]
    effective_from: date
    hours: int
    citation: str
    counting: str


#: Newest first within a country; a rule for every country stands last.
RULES: Final = (
    Rule(
        "uk-gdpr-33",
        frozenset({"GB"}),
        date(2021, 1, 1),
        72,
        "UK GDPR Art. 33(1)",
        "Hours run on through nights, weekends and holidays; the Commissioner counts from awareness.",
    ),
    Rule(
        "gdpr-33",
        frozenset(),
        date(2018, 5, 25),
        72,
        "GDPR Art. 33(1)",
        "Regulation 1182/71 Art. 3(3): hours include Saturdays, Sundays and holidays; Art. 3(1), which leaves out the "
        "hour of the event, is not made use of.",
    ),
)


@dataclass(frozen=True, slots=True)
class Due:
    """When the authority must have been told, by which rule, and how that was worked out."""

    rule_id: str
    at: datetime
    derivation: tuple[dict[str, str], ...]


def due(aware_at: datetime, *, country: str, time_zone: str) -> Due:
    """Answer the deadline. The hours are hours that pass: a change of the clocks neither gives nor takes one.

    Raises ValueError for a time without a zone, and before any rule was in force.
    """
    if aware_at.tzinfo is None:
        raise ValueError("The moment of awareness needs its time zone")
    rule, zone = _rule(aware_at, country), ZoneInfo(time_zone)
    at = (aware_at.astimezone(UTC) + timedelta(hours=rule.hours)).astimezone(zone)
    begins = aware_at.astimezone(zone)
    steps = [
        {"step": "aware", "at": begins.isoformat(), "citation": rule.citation},
        {"step": f"plus {rule.hours} hours", "at": at.isoformat(), "citation": rule.counting},
    ]
    if begins.utcoffset() != at.utcoffset():
        steps.append({"step": "the clocks change in between", "at": at.isoformat(), "citation": "hours that pass"})
    return Due(rule.id, at, tuple(steps))


def _rule(aware_at: datetime, country: str) -> Rule:
    day = aware_at.date()
    for rule in RULES:
        if rule.effective_from <= day and (not rule.countries or country in rule.countries):
            return rule
    raise ValueError("No rule on breaches was in force then")
