"""The request's and the step's tables, line by line and under any sequence of events."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar import lifecycle
from dsar.errors import IllegalTransition
from dsar.lifecycle import Event, Status, StepEvent, StepStatus

# Written out a second time, by status, so that an edit of one table alone is noticed.
EXPECTED = {
    "received": {"challenge": "verifying", "verify": "planning", "refuse": "refused", "withdraw": "withdrawn"},
    "verifying": {"verify": "planning", "refuse": "refused", "withdraw": "withdrawn", "lapse": "lapsed"},
    "planning": {"plan": "awaiting_approval", "refuse": "refused", "withdraw": "withdrawn", "merge": "duplicate"},
    "awaiting_approval": {
        "approve": "executing",
        "replan": "planning",
        "refuse": "refused",
        "withdraw": "withdrawn",
        "merge": "duplicate",
    },
    "executing": {"complete": "reviewing"},
    "reviewing": {"retry": "executing", "proceed": "executing", "replan": "planning", "respond": "responded"},
    "responded": {"close": "closed"},
    "closed": {},
    "refused": {},
    "withdrawn": {},
    "lapsed": {},
    "duplicate": {},
}
EXPECTED_STEPS = {
    "pending": {"claim": "claimed"},
    "claimed": {"release": "pending", "wait": "waiting", "finish": "done", "fail": "failed"},
    "waiting": {"resume": "pending", "finish": "done", "fail": "failed"},
    "done": {},
    "failed": {"retry": "pending"},
}


def test_the_words_are_the_agreed_ones() -> None:
    assert [status.value for status in Status] == list(EXPECTED)
    assert {status.value for status in StepStatus} == set(EXPECTED_STEPS)


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_pair_of_status_and_event(status: Status, event: Event) -> None:
    expected = EXPECTED[status.value].get(event.value)
    if expected is None:
        with pytest.raises(IllegalTransition) as refused:
            lifecycle.next_status(status, event)
        assert (refused.value.code, refused.value.status) == ("dsar.illegal_transition", 409)
    else:
        assert lifecycle.next_status(status, event) == expected
    assert (event in lifecycle.allowed_events(status)) is (expected is not None)


@pytest.mark.parametrize(("status", "event"), list(product(StepStatus, StepEvent)))
def test_every_pair_of_step_status_and_event(status: StepStatus, event: StepEvent) -> None:
    expected = EXPECTED_STEPS[status.value].get(event.value)
    if expected is None:
        with pytest.raises(IllegalTransition):
            lifecycle.next_step_status(status, event)
    else:
        assert lifecycle.next_step_status(status, event) == expected


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_terminal_exactly_when_nothing_can_follow(status: Status) -> None:
    assert lifecycle.is_terminal(status) is (not EXPECTED[status.value])
    assert not (lifecycle.is_terminal(status) and lifecycle.is_open(status))


def test_the_clock_runs_from_receipt_to_the_answer() -> None:
    running = ["received", "verifying", "planning", "awaiting_approval", "executing", "reviewing"]
    assert [status.value for status in Status if lifecycle.is_open(status)] == running


def test_every_status_can_be_reached_and_every_line_ends() -> None:
    reached, frontier = {"received"}, ["received"]
    while frontier:
        following = set(EXPECTED[frontier.pop()].values()) - reached
        reached |= following
        frontier += following
    assert reached == set(EXPECTED)


def test_an_unproved_request_is_never_merged_away() -> None:
    for status in (Status.RECEIVED, Status.VERIFYING):
        with pytest.raises(IllegalTransition):
            lifecycle.next_status(status, Event.MERGE)


def test_words_from_the_database_are_accepted_and_unknown_ones_are_not() -> None:
    assert lifecycle.next_status("received", "challenge") is Status.VERIFYING
    with pytest.raises(ValueError, match="bogus"):
        lifecycle.next_status("bogus", "verify")


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_any_sequence_of_events_keeps_a_legal_state(events: list[Event]) -> None:
    status = Status.RECEIVED
    approved = False
    for event in events:
        before = status
        try:
            status = lifecycle.next_status(status, event)
        except IllegalTransition:
            assert status is before
            continue
        assert not lifecycle.is_terminal(before)
        # Nothing is executed that was not approved since it was last planned.
        approved = {Event.APPROVE: True, Event.REPLAN: False}.get(event, approved)
        assert approved or status not in {Status.EXECUTING, Status.REVIEWING, Status.RESPONDED, Status.CLOSED}
    assert status in Status


@given(st.lists(st.sampled_from(StepEvent), max_size=40))
def test_a_done_step_stays_done(events: list[StepEvent]) -> None:
    status, done = StepStatus.PENDING, False
    for event in events:
        try:
            status = lifecycle.next_step_status(status, event)
        except IllegalTransition:
            continue
        assert not done
        done = status is StepStatus.DONE
