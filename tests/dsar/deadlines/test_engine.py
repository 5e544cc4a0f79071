"""Due dates worked out by hand, extensions, pauses, and what a derivation promises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.deadlines import (
    Calendar,
    Clock,
    Deadline,
    Extension,
    ExtensionReason,
    Pause,
    PauseReason,
    Regime,
    Right,
    Unit,
    compute,
    extend,
    internal_target,
    rule_for,
    rules,
    rules_for,
    with_term,
)
from dsar.errors import DeadlineRefused

GERMANY = Calendar("DE", "Europe/Berlin")
BAVARIA = Calendar("DE", "Europe/Berlin", "BY")
ENGLAND = Calendar("GB", "Europe/London", "ENG")
CALIFORNIA = Calendar("US", "America/Los_Angeles")
CALENDARS = {Regime.GDPR: GERMANY, Regime.UK_GDPR: ENGLAND, Regime.CCPA: CALIFORNIA, Regime.VOLUNTARY: GERMANY}


def day(text: str) -> date:
    return date.fromisoformat(text)


def due(regime: Regime, received: str, *pauses: Pause, right: Right = Right.ACCESS) -> Deadline:
    return compute(rule_for(regime, right, day(received)), day(received), CALENDARS[regime], pauses=pauses)


def pause(reason: PauseReason, start: str, end: str | None) -> Pause:
    return Pause(reason=reason, started_on=day(start), ended_on=day(end) if end else None)


@pytest.mark.parametrize(
    ("received", "nominal", "expected"),
    [
        ("2026-01-31", "2026-02-28", "2026-03-02"),  # no 31 February; Saturday → Monday
        ("2027-01-31", "2027-02-28", "2027-03-01"),  # Sunday → Monday
        ("2028-01-29", "2028-02-29", "2028-02-29"),  # three days of receipt, one leap day, a Tuesday
        ("2028-01-30", "2028-02-29", "2028-02-29"),
        ("2028-01-31", "2028-02-29", "2028-02-29"),
        ("2028-02-29", "2028-03-29", "2028-03-29"),  # a month from a leap day is not the end of March
        ("2026-02-28", "2026-03-28", "2026-03-30"),  # nor from the last of February; Saturday → Monday
        ("2026-03-31", "2026-04-30", "2026-04-30"),
        ("2026-04-30", "2026-05-30", "2026-06-01"),  # Saturday → Monday
        ("2026-08-31", "2026-09-30", "2026-09-30"),
        ("2026-03-03", "2026-04-03", "2026-04-07"),  # Good Friday → past Easter Monday
        ("2026-11-25", "2026-12-25", "2026-12-28"),  # Christmas Day → past the Sunday
        ("2025-12-01", "2026-01-01", "2026-01-02"),  # New Year
        ("2026-12-31", "2027-01-31", "2027-02-01"),  # across the year, Sunday → Monday
        ("2026-06-15", "2026-07-15", "2026-07-15"),
    ],
)
def test_gdpr_one_calendar_month_in_germany(received: str, nominal: str, expected: str) -> None:
    deadline = due(Regime.GDPR, received)
    assert (deadline.nominal_on, deadline.due_on) == (day(nominal), day(expected))


def test_a_regional_holiday_moves_the_date_only_there() -> None:
    rule, received = rule_for(Regime.GDPR, Right.ERASURE, day("2026-12-06")), day("2026-12-06")
    assert compute(rule, received, GERMANY).due_on == day("2027-01-06")
    assert compute(rule, received, BAVARIA).due_on == day("2027-01-07")  # Epiphany


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2025-09-03", "2025-10-03"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-04", "2026-05-05"),  # early May bank holiday
        ("2026-11-28", "2026-12-29"),  # Boxing Day given in lieu on Monday 28 December
    ],
)
def test_uk_gdpr_corresponding_date(received: str, expected: str) -> None:
    assert due(Regime.UK_GDPR, received).due_on == day(expected)


@pytest.mark.parametrize(
    ("received", "right", "clock", "expected"),
    [
        ("2026-01-15", Right.ACCESS, Clock.ANSWER, "2026-03-01"),  # a Sunday: calendar days do not roll
        ("2028-01-16", Right.ERASURE, Clock.ANSWER, "2028-03-01"),  # over the leap day
        ("2026-01-15", Right.ACCESS, Clock.ACKNOWLEDGEMENT, "2026-01-30"),  # Martin Luther King Day skipped
        ("2026-12-01", Right.OPT_OUT_OF_SALE, Clock.ANSWER, "2026-12-22"),
        ("2026-12-15", Right.LIMIT_SENSITIVE_USE, Clock.ANSWER, "2027-01-07"),  # Christmas and New Year skipped
    ],
)
def test_ccpa_days_and_business_days(received: str, right: Right, clock: Clock, expected: str) -> None:
    rule = rules_for(Regime.CCPA, right, day(received))[clock]
    assert compute(rule, day(received), CALIFORNIA).due_on == day(expected)


def test_the_day_of_receipt_and_the_last_second_are_the_controllers() -> None:
    rule = rule_for(Regime.GDPR, Right.ACCESS, day("2026-03-31"))
    deadline = compute(rule, datetime(2026, 3, 30, 22, 30, tzinfo=UTC), GERMANY)  # half past midnight in Berlin
    assert deadline.received_on == day("2026-03-31")
    assert deadline.due_at.astimezone(UTC) == datetime(2026, 4, 30, 21, 59, 59, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        compute(rule, datetime(2026, 3, 30, 22, 30), GERMANY)  # noqa: DTZ001


# --- extension --------------------------------------------------------------------------------------------------------


def granted(decided: str, notice: str | None, reason: ExtensionReason = ExtensionReason.COMPLEXITY) -> Extension:
    return Extension(reason=reason, decided_at=day(decided), notice_sent_at=day(notice) if notice else None)


@pytest.mark.parametrize(
    ("regime", "received", "expected"),
    [
        (Regime.GDPR, "2026-01-31", "2026-04-30"),  # three months from receipt, not two from 28 February
        (Regime.GDPR, "2026-11-30", "2027-03-01"),  # 28 February is a Sunday
        (Regime.GDPR, "2026-09-26", "2026-12-28"),
        (Regime.UK_GDPR, "2026-03-31", "2026-06-30"),
        (Regime.CCPA, "2026-01-15", "2026-04-15"),  # 90 days in all
    ],
)
def test_an_extension_counts_from_receipt(regime: Regime, received: str, expected: str) -> None:
    rule, calendar = rule_for(regime, Right.ACCESS, day(received)), CALENDARS[regime]
    first = compute(rule, day(received), calendar)
    on_the_last_day = granted(str(first.due_on), received)
    extended = extend(first, on_the_last_day, rule=rule, calendar=calendar)
    assert (extended.due_on, extended.is_extended) == (day(expected), True)
    assert extended == compute(rule, day(received), calendar, extension=on_the_last_day)
    with pytest.raises(DeadlineRefused, match="once"):
        extend(extended, on_the_last_day, rule=rule, calendar=calendar)


@pytest.mark.parametrize(
    ("decided", "notice", "refusal"),
    [
        ("2026-07-15", "2026-07-15", None),
        ("2026-07-16", "2026-07-15", "before it has passed"),
        ("2026-06-14", "2026-06-14", "before it has passed"),
        ("2026-07-01", None, "Tell the person"),
        ("2026-07-01", "2026-07-02", "notice"),  # promised, not sent
        ("2026-07-01", "2026-06-14", "notice"),  # older than the request
    ],
)
def test_an_extension_is_refused_unless_decided_and_told_in_time(
    decided: str, notice: str | None, refusal: str | None
) -> None:
    rule = rule_for(Regime.GDPR, Right.ACCESS, day("2026-06-15"))
    first = compute(rule, day("2026-06-15"), GERMANY)
    if refusal is None:
        assert extend(first, granted(decided, notice), rule=rule, calendar=GERMANY).due_on == day("2026-09-15")
    else:
        with pytest.raises(DeadlineRefused, match=refusal):
            extend(first, granted(decided, notice), rule=rule, calendar=GERMANY)


def test_opt_outs_cannot_be_extended() -> None:
    rule = rule_for(Regime.CCPA, Right.OPT_OUT_OF_SALE, day("2026-06-15"))
    first, grant = compute(rule, day("2026-06-15"), CALIFORNIA), granted("2026-06-16", "2026-06-16")
    with pytest.raises(DeadlineRefused):
        extend(first, grant, rule=rule, calendar=CALIFORNIA)
    with pytest.raises(DeadlineRefused):
        compute(rule, day("2026-06-15"), CALIFORNIA, extension=grant)


def test_only_the_reasons_the_law_accepts() -> None:
    rule = rule_for(Regime.GDPR, Right.ACCESS, day("2026-06-15"))
    narrow = replace(rule, extension=replace(rule.extension, reasons=frozenset({ExtensionReason.NUMBER_OF_REQUESTS})))
    first = compute(narrow, day("2026-06-15"), GERMANY)
    many = granted("2026-06-16", "2026-06-16", ExtensionReason.NUMBER_OF_REQUESTS)
    assert extend(first, many, rule=narrow, calendar=GERMANY).is_extended
    with pytest.raises(DeadlineRefused, match="reason"):
        extend(first, granted("2026-06-16", "2026-06-16"), rule=narrow, calendar=GERMANY)


# --- pauses -----------------------------------------------------------------------------------------------------------

IDENTITY, CLARIFICATION, FEE = PauseReason.IDENTITY, PauseReason.CLARIFICATION, PauseReason.FEE


@pytest.mark.parametrize(
    ("regime", "pauses", "expected"),
    [
        (Regime.UK_GDPR, [(IDENTITY, "2026-03-04", "2026-03-10")], "2026-04-10"),  # begins anew
        (Regime.UK_GDPR, [(FEE, "2026-03-04", "2026-03-12")], "2026-04-13"),  # 12 April is a Sunday
        (Regime.UK_GDPR, [(CLARIFICATION, "2026-03-09", "2026-03-12")], "2026-04-07"),  # +3 is Easter Sunday
        (Regime.UK_GDPR, [(CLARIFICATION, "2026-03-09", "2026-03-09")], "2026-04-02"),  # answered the same day
        (
            Regime.UK_GDPR,  # overlapping days count once: 9 to 16 March are seven
            [(CLARIFICATION, "2026-03-09", "2026-03-14"), (CLARIFICATION, "2026-03-12", "2026-03-16")],
            "2026-04-09",
        ),
        (Regime.UK_GDPR, [(CLARIFICATION, "2026-04-03", "2026-04-20")], "2026-04-02"),  # asked too late
        (
            Regime.UK_GDPR,  # restarted on the 10th; of the clarification only 10 to 16 March counts
            [(IDENTITY, "2026-03-04", "2026-03-10"), (CLARIFICATION, "2026-03-06", "2026-03-16")],
            "2026-04-16",
        ),
        (Regime.GDPR, [(IDENTITY, "2026-03-04", "2026-03-10")], "2026-04-08"),  # 2 April + 6 days
        (Regime.GDPR, [(CLARIFICATION, "2026-03-04", "2026-03-10")], "2026-04-02"),
        (Regime.CCPA, [(IDENTITY, "2026-03-04", "2026-03-10"), (FEE, "2026-03-04", "2026-03-20")], "2026-04-16"),
    ],
)
def test_each_law_has_its_own_pauses(regime: Regime, pauses: list[tuple[PauseReason, str, str]], expected: str) -> None:
    deadline = due(regime, "2026-03-02", *(pause(*each) for each in pauses))
    assert deadline.due_on == day(expected)
    assert deadline.clock_runs


def test_a_pause_that_changes_nothing_says_so() -> None:
    codes = [step.code for step in due(Regime.CCPA, "2026-03-02", pause(IDENTITY, "2026-03-04", None)).derivation]
    assert codes == ["received", "term", "pause_without_effect", "due"]
    codes = [
        step.code for step in due(Regime.UK_GDPR, "2026-03-02", pause(CLARIFICATION, "2026-04-03", None)).derivation
    ]
    assert codes == ["received", "term", "pause_too_late", "due"]


@pytest.mark.parametrize("reason", [IDENTITY, CLARIFICATION])
def test_an_open_pause_stops_the_clock_and_moves_nothing_yet(reason: PauseReason) -> None:
    deadline = due(Regime.UK_GDPR, "2026-03-02", pause(reason, "2026-03-09", None))
    assert (deadline.clock_runs, deadline.due_on) == (False, day("2026-04-02"))


def test_a_pause_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        pause(IDENTITY, "2026-03-09", "2026-03-08")


# --- targets, own terms, derivations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "working_days", "expected"),
    [
        ("2026-03-03", 0, "2026-04-07"),
        ("2026-03-03", 1, "2026-04-02"),  # before the Easter week-end, so before the nominal date
        ("2026-03-03", 5, "2026-03-27"),
        ("2026-06-15", 500, "2026-06-15"),  # never before receipt
    ],
)
def test_the_internal_target(received: str, working_days: int, expected: str) -> None:
    assert internal_target(due(Regime.GDPR, received), GERMANY, working_days=working_days) == day(expected)


def test_a_target_after_the_due_date_is_refused() -> None:
    with pytest.raises(ValueError, match="before the due date"):
        internal_target(due(Regime.GDPR, "2026-03-03"), GERMANY, working_days=-1)


def test_only_a_voluntary_term_can_be_chosen() -> None:
    rule = with_term(rule_for(Regime.VOLUNTARY, Right.ACCESS, day("2026-03-02")), amount=10, unit=Unit.BUSINESS_DAYS)
    assert compute(rule, day("2026-03-02"), GERMANY).due_on == day("2026-03-16")
    with pytest.raises(DeadlineRefused):
        with_term(rule_for(Regime.GDPR, Right.ACCESS, day("2026-03-02")), amount=2, unit=Unit.MONTHS)


def test_the_derivation_reads_as_sentences_and_cites_the_law() -> None:
    steps = due(Regime.GDPR, "2026-01-31").derivation
    assert [step.text for step in steps] == [
        "Received on 31 January 2026.",
        "The term of 1 month ends on 28 February 2026: February has no day 31.",
        "28 February 2026 is no working day (Saturday); the next one is Monday, 2 March 2026.",
        "Due by the end of 2 March 2026, Europe/Berlin.",
    ]
    assert "Art. 12(3)" in steps[1].citation
    assert "Art. 3(4)" in steps[2].citation


DATES = st.dates(date(2024, 1, 1), date(2032, 12, 31))
PAUSES = st.lists(
    st.builds(
        lambda reason, start, days: Pause(
            reason=reason, started_on=start, ended_on=None if days is None else start + timedelta(days=days)
        ),
        st.sampled_from(PauseReason),
        st.dates(date(2024, 1, 1), date(2033, 6, 30)),
        st.none() | st.integers(0, 90),
    ),
    max_size=4,
)


@given(st.sampled_from(rules()), DATES, PAUSES)
def test_waiting_never_makes_a_deadline_earlier_and_the_derivation_ends_on_it(
    rule: object, received: date, pauses: list[Pause]
) -> None:
    calendar = CALENDARS[rule.regime]
    plain, paused = compute(rule, received, calendar), compute(rule, received, calendar, pauses=pauses)
    assert received < plain.due_on <= paused.due_on
    assert paused.nominal_on <= paused.due_on
    assert paused.due_on == paused.derivation[-1].on
    assert not rule.rolls or calendar.is_working_day(paused.due_on)
    assert rule.pauses or paused.due_on == plain.due_on
    stored = json.loads(json.dumps(paused.as_json()))
    assert stored["due_on"] == paused.due_on.isoformat()
    assert datetime.fromisoformat(stored["due_at"]) == paused.due_at
    assert stored["due_at"].endswith("+00:00")
    assert all(step["text"] and step["on"] for step in stored["derivation"])


@given(st.sampled_from(rules()), DATES, st.integers(1, 400))
def test_a_later_receipt_is_never_due_earlier(rule: object, received: date, days: int) -> None:
    calendar = CALENDARS[rule.regime]
    later = received + timedelta(days=days)
    assert compute(rule, received, calendar).due_on <= compute(rule, later, calendar).due_on


@given(DATES, st.integers(0, 27), st.integers(0, 200))
def test_resuming_restores_the_time_that_was_left(received: date, after: int, waited: int) -> None:
    started = received + timedelta(days=after)
    rule = rule_for(Regime.GDPR, Right.ACCESS, received)
    first = compute(rule, received, GERMANY)
    wait = Pause(reason=PauseReason.IDENTITY, started_on=started, ended_on=started + timedelta(days=waited))
    resumed = compute(rule, received, GERMANY, pauses=[wait])
    assert resumed.nominal_on - (started + timedelta(days=waited)) == first.nominal_on - started
    assert resumed.due_on >= first.due_on
    assert (resumed.due_on - resumed.nominal_on).days <= 5  # rolled over holidays, never given away
