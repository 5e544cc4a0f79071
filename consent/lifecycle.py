"""Which state of a consent may follow which, and which of two is the stricter; pure tables, no database or reasons.

`unknown` is only ever an answer: nothing is stored for a person who has not been asked. `objected` is not a consent
status but an objection (GDPR Art. 21), kept on the same line because the later of the two counts.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from consent.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: How far the clocks of honest systems may be apart.
CLOCK_SKEW: Final = timedelta(minutes=5)


class State(StrEnum):
    """What is stored."""

    REQUESTED = "requested"
    PENDING_CONFIRMATION = "pending_confirmation"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the person
    REVOKED = "revoked"  # by anyone else
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    OBJECTED = "objected"


UNKNOWN = "unknown"


class Act(StrEnum):
    """What can happen to a consent."""

    REQUEST = "request"
    CHALLENGE = "challenge"  # the confirmation message of a double opt-in went out
    GIVE = "give"
    CONFIRM = "confirm"  # the confirmation was followed
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    EXPIRE = "expire"
    INVALIDATE = "invalidate"
    OBJECT = "object"


LEADS_TO: Mapping[Act, State] = MappingProxyType(
    {
        Act.REQUEST: State.REQUESTED,
        Act.CHALLENGE: State.PENDING_CONFIRMATION,
        Act.GIVE: State.GIVEN,
        Act.CONFIRM: State.GIVEN,
        Act.REFUSE: State.REFUSED,
        Act.WITHDRAW: State.WITHDRAWN,
        Act.REVOKE: State.REVOKED,
        Act.EXPIRE: State.EXPIRED,
        Act.INVALIDATE: State.INVALIDATED,
        Act.OBJECT: State.OBJECTED,
    }
)

# The person's own no is possible at any time, also about something we never asked (GDPR Art. 7(3), 21).
_ALWAYS = frozenset({Act.REFUSE, Act.WITHDRAW, Act.OBJECT})
_ASK = frozenset({Act.REQUEST, Act.CHALLENGE})
_ANEW = _ALWAYS | _ASK | {Act.GIVE}

POSSIBLE: Mapping[str, frozenset[Act]] = MappingProxyType(
    {
        # The first thing we hear may come from another system's history.
        UNKNOWN: frozenset(Act) - {Act.CONFIRM},
        State.REQUESTED: _ANEW | {Act.EXPIRE},
        # Only the confirmation turns a pending double opt-in into a consent.
        State.PENDING_CONFIRMATION: _ALWAYS | _ASK | {Act.CONFIRM, Act.EXPIRE},
        # Asking again would silently put a valid consent aside.
        State.GIVEN: _ALWAYS | {Act.GIVE, Act.REVOKE, Act.EXPIRE, Act.INVALIDATE},
        State.REFUSED: _ANEW,
        State.WITHDRAWN: _ANEW,
        State.REVOKED: _ANEW,
        State.EXPIRED: _ANEW | {Act.EXPIRE, Act.INVALIDATE},
        State.INVALIDATED: _ANEW | {Act.INVALIDATE},
        State.OBJECTED: _ANEW,
    }
)

# Most restrictive last: at the same instant the stricter of two facts counts.
_RANK: Mapping[str, int] = MappingProxyType(
    {
        State.GIVEN: 0,
        State.REQUESTED: 1,
        State.PENDING_CONFIRMATION: 2,
        State.EXPIRED: 3,
        State.INVALIDATED: 4,
        State.REVOKED: 5,
        State.REFUSED: 6,
        State.WITHDRAWN: 7,
        State.OBJECTED: 8,
    }
)

#: Bases under which a no is an objection (GDPR Art. 21(1)).
NO_IS_OBJECTION = frozenset({"legitimate_interest", "public_task"})

DENIALS = frozenset({State.REFUSED, State.WITHDRAWN, State.REVOKED, State.INVALIDATED, State.OBJECTED})


def next_state(state: State | str, act: Act | str) -> State:
    """Return the state after the act; raises IllegalTransition where the act is not possible."""
    current, wanted = _known(state), Act(act)
    if wanted not in POSSIBLE[current]:
        detail = f"{wanted.value} is not possible while the consent is {current}."
        raise IllegalTransition(detail)
    return LEADS_TO[wanted]


def act_towards(state: State | str, target: State | str, *, confirms: bool = True) -> Act:
    """Return the act that leads from one state to the other; raises IllegalTransition where none does.

    `confirms` says whether what was heard proves that the person followed the confirmation: without it a form filled in
    once more by a stranger would confirm the stranger's own first entry.
    """
    current, goal = _known(state), State(target)
    for act in Act:
        if LEADS_TO[act] is goal and act in POSSIBLE[current] and (confirms or act is not Act.CONFIRM):
            return act
    detail = f"A consent that is {current} cannot become {goal.value}."
    raise IllegalTransition(detail)


class Standing(Protocol):
    """What counts now: a row of the projection or a fact of the decision."""

    @property
    def state(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def objected_at(self) -> datetime | None: ...


def weigh(current: Standing | None, state: State | str, at: datetime, *, basis: str) -> tuple[bool, datetime | None]:
    """Answer whether an event recorded now counts from now on, and when the person last objected.

    The projection and every replay of the history follow this one rule.
    """
    objected = [at] if is_objection(state, basis) else []
    if current is None:
        return True, max(objected, default=None)
    if current.objected_at is not None:
        objected.append(current.objected_at)
    return takes_effect(current.state, current.occurred_at, state, at), max(objected, default=None)


def is_objection(state: State | str, basis: str) -> bool:
    """Whether a no is an objection: always when it says so, and where there is no consent to take back."""
    return state == State.OBJECTED or (basis in NO_IS_OBJECTION and state in DENIALS)


def takes_effect(state: State | str, at: datetime, newer: State | str, newer_at: datetime) -> bool:
    """Whether an event that is recorded later takes the place of the current one.

    The later moment counts; at the same moment the stricter state. A no that claims to be a little older than the
    current yes still counts: the clock of the system that heard the no may be behind ours.
    """
    if newer_at != at:
        is_late_denial = newer in DENIALS and state not in DENIALS and newer_at >= at - CLOCK_SKEW
        return newer_at > at or is_late_denial
    return strictness(newer) > strictness(state)


def strictness(state: State | str) -> int:
    """Rank a state: of two facts of the same instant the higher rank counts."""
    return _RANK[State(state)]


def _known(state: State | str) -> str:
    return UNKNOWN if state == UNKNOWN else State(state).value
