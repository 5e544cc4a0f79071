"""Turns a rule, a day of receipt and a calendar into a date that explains itself; pure, and holds no law of its own."""

from __future__ import annotations

import calendar as gregorian
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from dsar.deadlines.deadline import Deadline, Extension, Pause, Step
from dsar.deadlines.vocabulary import PauseEffect, Unit
from dsar.errors import DeadlineRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dsar.deadlines.calendars import Calendar
    from dsar.deadlines.rules import Rule


def compute(
    rule: Rule,
    received: date | datetime,
    calendar: Calendar,
    *,
    pauses: Iterable[Pause] = (),
    extension: Extension | None = None,
) -> Deadline:
    """Derive the date by which the rule asks for its act.

    A pause the rule does not know, or one that begins after the clock has run out, changes nothing and is said so. An
    open pause moves nothing yet (`clock_runs` is False): compute again when the answer is there. The extension is taken
    as granted; `extend` is what refuses one.
    """
    received_on = calendar.local_date(received)
    trail = _Trail(rule, calendar, rule.amount)
    if extension is not None:
        if rule.extension is None:
            raise DeadlineRefused("This deadline cannot be extended.")
        trail.length = rule.extension.total
    trail.note("received", f"Received on {in_words(received_on)}.", received_on)
    ordered = sorted(pauses, key=lambda pause: (pause.started_on, pause.ended_on or date.max))
    started_on = _start(trail, received_on, ordered)
    ends_on = _end_of_term(trail, started_on, extension)
    nominal_on = ends_on + timedelta(days=_days_waited(trail, started_on, ends_on, ordered))
    due_on = _rolled(trail, nominal_on)
    return Deadline(
        rule_id=rule.id,
        version=rule.version,
        calendar_id=calendar.id,
        received_on=received_on,
        started_on=started_on,
        nominal_on=nominal_on,
        due_on=due_on,
        due_at=calendar.end_of(due_on),
        is_extended=extension is not None,
        clock_runs=trail.clock_runs,
        derivation=tuple(trail.steps),
    )


def extend(
    first: Deadline,
    extension: Extension,
    *,
    rule: Rule,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
) -> Deadline:
    """Derive the extended date; raises DeadlineRefused unless the law allows it and the person was told in time.

    The caller must still see to it that `decided_at` is now and that the notice really went out.
    """
    decided_on = calendar.local_date(extension.decided_at)
    # (1) The law knows an extension, and it was not used yet.
    if rule.extension is None:
        raise DeadlineRefused("This deadline cannot be extended.")
    if first.is_extended:
        raise DeadlineRefused("This deadline was extended before; the law allows that once.")
    # (2) For a reason the law accepts.
    if extension.reason not in rule.extension.reasons:
        raise DeadlineRefused("This is not a reason for which the deadline may be extended.")
    # (3) While the first term runs.
    if not first.received_on <= decided_on <= first.due_on:
        raise DeadlineRefused("A deadline can only be extended before it has passed.")
    # (4) The person has been told, with the reason, within that term and not after the decision is recorded.
    if extension.notice_sent_at is None:
        raise DeadlineRefused("Tell the person first, and why; the extension counts from a notice sent in time.")
    if not first.received_on <= calendar.local_date(extension.notice_sent_at) <= decided_on:
        raise DeadlineRefused("The notice must be sent after the request came in and before the extension is recorded.")
    return compute(rule, first.received_on, calendar, pauses=pauses, extension=extension)


def internal_target(deadline: Deadline, calendar: Calendar, *, working_days: int) -> date:
    """Return the controller's own earlier date: so many working days before the due date, never before receipt.

    From one working day on it also lies before `nominal_on`, the earliest date any other holiday calendar could give.
    """
    if working_days < 0:
        raise ValueError("a target lies before the due date")
    return max(deadline.received_on, calendar.move(deadline.due_on, -working_days))


def in_words(day: date) -> str:
    """Return the date as a sentence has it: 2 March 2026."""
    return f"{day.day} {day:%B %Y}"


@dataclass(slots=True)
class _Trail:
    """The derivation while it is being written. `length` is the term, or the whole of the extended term."""

    rule: Rule
    calendar: Calendar
    length: int
    clock_runs: bool = True
    steps: list[Step] = field(default_factory=list)

    def note(self, code: str, text: str, on: date, citation: str = "", **data: str | int) -> None:
        self.steps.append(Step(code=code, text=text, on=on, citation=citation, data=data))

    def term_from(self, start: date) -> date:
        if self.rule.unit is Unit.MONTHS:
            return _add_months(start, self.length)
        if self.rule.unit is Unit.BUSINESS_DAYS:
            return self.calendar.move(start, self.length)
        return start + timedelta(days=self.length)

    def roll(self, day: date) -> date:
        return self.calendar.working_day_from(day) if self.rule.rolls else day

    def counts(self, pause: Pause, effect: PauseEffect, running_until: date) -> bool:
        """Whether this pause has this effect; a pause without any effect is noted, once, in the suspending phase."""
        known = self.rule.pause_rule(pause.reason)
        if known is None:
            if effect is PauseEffect.SUSPENDS:
                text = f"Waiting for the person ({pause.reason}) does not stop this clock."
                self.note("pause_without_effect", text, pause.started_on, self.rule.citation, reason=pause.reason)
            return False
        if known.effect is not effect:
            return False
        if pause.started_on > running_until:
            text = f"The question of {in_words(pause.started_on)} ({pause.reason}) came after the clock had run out."
            self.note("pause_too_late", text, pause.started_on, known.citation, reason=pause.reason)
            return False
        if pause.ended_on is None:
            self.clock_runs = False
            text = (
                f"The clock stands still since {in_words(pause.started_on)}: waiting for the person ({pause.reason})."
            )
            self.note("pause_open", text, pause.started_on, known.citation, reason=pause.reason)
        return pause.ended_on is not None


def _start(trail: _Trail, received_on: date, pauses: Sequence[Pause]) -> date:
    start = received_on
    for pause in pauses:
        if not trail.counts(pause, PauseEffect.RESTARTS, trail.roll(trail.term_from(start))):
            continue
        if pause.ended_on is not None and pause.ended_on > start:
            start = pause.ended_on
            text = f"The term begins on {in_words(start)}, when what was asked for ({pause.reason}) arrived."
            trail.note("restarted", text, start, _citation(trail.rule, pause), reason=pause.reason)
    return start


def _end_of_term(trail: _Trail, start: date, extension: Extension | None) -> date:
    rule, end = trail.rule, trail.term_from(start)
    if extension is not None and rule.extension is not None:
        text = f"Extended ({extension.reason}) to {_quantity(trail.length, rule.unit)} in all, counted from the start."
        trail.note("extended", text, end, rule.extension.citation, reason=extension.reason, total=trail.length)
    quantity, last = _quantity(trail.length, rule.unit), in_words(end)
    if rule.unit is not Unit.MONTHS:
        text = f"The term of {quantity}, the first being the day after, ends on {last}."
    elif end.day == start.day:
        text = f"The term of {quantity} ends on the same date: {last}."
    else:
        text = f"The term of {quantity} ends on {last}: {end:%B} has no day {start.day}."
    citation = f"{rule.citation}; {rule.counting_citation}"
    trail.note("term", text, end, citation, amount=trail.length, unit=rule.unit)
    return end


def _days_waited(trail: _Trail, start: date, end: date, pauses: Sequence[Pause]) -> int:
    """Count each day of waiting once. The day of the answer counts for the person: the clock runs again on it."""
    waited, counted_until = 0, start
    for pause in pauses:
        if not trail.counts(pause, PauseEffect.SUSPENDS, trail.roll(end + timedelta(days=waited))):
            continue
        begins = max(pause.started_on, counted_until)
        if pause.ended_on is not None and pause.ended_on > begins:
            days = (pause.ended_on - begins).days
            waited, counted_until = waited + days, pause.ended_on
            until = end + timedelta(days=waited)
            text = f"{_quantity(days, Unit.DAYS)} of waiting ({pause.reason}) are added: {in_words(until)}."
            trail.note("suspended", text, until, _citation(trail.rule, pause), reason=pause.reason, days=days)
    return waited


def _rolled(trail: _Trail, nominal_on: date) -> date:
    due_on = trail.roll(nominal_on)
    if due_on != nominal_on:
        why = trail.calendar.holiday_name(nominal_on) or f"{nominal_on:%A}"
        text = f"{in_words(nominal_on)} is no working day ({why}); the next one is {due_on:%A}, {in_words(due_on)}."
        trail.note("rolled", text, due_on, trail.rule.rolling_citation, calendar=trail.calendar.id)
    trail.note("due", f"Due by the end of {in_words(due_on)}, {trail.calendar.zone}.", due_on, zone=trail.calendar.zone)
    return due_on


def _add_months(day: date, months: int) -> date:
    """Return the same date so many months later, or the last day of that month when it has no such date."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = gregorian.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _quantity(amount: int, unit: Unit) -> str:
    word = unit.value.replace("_", " ")
    return f"{amount} {word.removesuffix('s') if amount == 1 else word}"


def _citation(rule: Rule, pause: Pause) -> str:
    known = rule.pause_rule(pause.reason)
    return known.citation if known else ""
