"""Every state by every act, and which of two events counts: the tables stand here a second time, on purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import lifecycle
from consent.errors import IllegalTransition
from consent.lifecycle import CLOCK_SKEW, DENIALS, LEADS_TO, UNKNOWN, Act, State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTS = ("request", "challenge", "give", "confirm", "refuse", "withdraw", "revoke", "expire", "invalidate", "object")
# One column an act, in the order above: + possible, - not.
TABLE = {
    "unknown": "+++-++++++",
    "requested": "+++-++-+-+",
    "pending_confirmation": "++-+++-+-+",
    "given": "--+-++++++",
    "refused": "+++-++---+",
    "withdrawn": "+++-++---+",
    "revoked": "+++-++---+",
    "expired": "+++-++-+++",
    "invalidated": "+++-++--++",
    "objected": "+++-++---+",
}
RESULT = {
    "request": "requested",
    "challenge": "pending_confirmation",
    "give": "given",
    "confirm": "given",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "revoke": "revoked",
    "expire": "expired",
    "invalidate": "invalidated",
    "object": "objected",
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == {UNKNOWN, *(state.value for state in State)}
    assert set(ACTS) == {act.value for act in Act} == {act.value for act in LEADS_TO}


@pytest.mark.parametrize("state", TABLE)
@pytest.mark.parametrize("act", ACTS)
def test_every_act_in_every_state(state: str, act: str) -> None:
    if TABLE[state][ACTS.index(act)] == "+":
        assert lifecycle.next_state(state, act) == RESULT[act]
    else:
        with pytest.raises(IllegalTransition) as refused:
            lifecycle.next_state(state, act)
        assert refused.value.status == 409


@pytest.mark.parametrize("state", TABLE)
@pytest.mark.parametrize("target", [state.value for state in State])
def test_the_act_towards_a_state_is_possible_and_leads_there(state: str, target: str) -> None:
    possible = [act for act in ACTS if RESULT[act] == target and TABLE[state][ACTS.index(act)] == "+"]
    if possible:
        act = lifecycle.act_towards(state, target)
        assert act in possible
        assert lifecycle.next_state(state, act) == target
    else:
        with pytest.raises(IllegalTransition):
            lifecycle.act_towards(state, target)


@pytest.mark.parametrize("state", TABLE)
@pytest.mark.parametrize("no", ["refused", "withdrawn", "objected"])
def test_a_persons_no_is_always_possible(state: str, no: str) -> None:
    assert lifecycle.act_towards(state, no)


def test_a_pending_opt_in_is_given_by_its_confirmation_only() -> None:
    assert lifecycle.act_towards("pending_confirmation", "given") is Act.CONFIRM
    assert lifecycle.act_towards("requested", "given") is Act.GIVE


def test_unknown_states_and_acts_are_refused() -> None:
    with pytest.raises(ValueError, match="granted"):
        lifecycle.next_state("granted", "give")
    with pytest.raises(ValueError, match="unknown"):
        lifecycle.act_towards("given", "unknown")


# --- Which of two events counts ---------------------------------------------------------------------------------------

states = st.sampled_from(list(State))
seconds = st.integers(-3600, 3600)


@given(states, states, seconds)
def test_the_later_moment_counts(current: State, newer: State, offset: int) -> None:
    at = NOON + timedelta(seconds=offset)
    counts = lifecycle.takes_effect(current, NOON, newer, at)
    if at > NOON:
        assert counts
    elif at < NOON - CLOCK_SKEW:
        assert not counts


@given(states, states)
def test_at_the_same_moment_the_stricter_counts_whichever_came_first(one: State, other: State) -> None:
    first = lifecycle.takes_effect(one, NOON, other, NOON)
    second = lifecycle.takes_effect(other, NOON, one, NOON)
    assert not (first and second)
    assert (first or second) is (one is not other)


@pytest.mark.parametrize("no", sorted(DENIALS))
def test_a_no_from_a_clock_that_runs_behind_still_counts(no: State) -> None:
    assert lifecycle.takes_effect(State.GIVEN, NOON, no, NOON - CLOCK_SKEW)
    assert not lifecycle.takes_effect(State.GIVEN, NOON, no, NOON - CLOCK_SKEW - timedelta(seconds=1))


@pytest.mark.parametrize("state", sorted(set(State) - {State.GIVEN}))
def test_at_the_same_moment_a_yes_never_wins(state: State) -> None:
    assert not lifecycle.takes_effect(state, NOON, State.GIVEN, NOON)
    assert not lifecycle.takes_effect(state, NOON, State.GIVEN, NOON - timedelta(seconds=1))
