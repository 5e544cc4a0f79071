"""Which state a request and its steps may take next; pure tables, no reasons, deadlines or database here.

A request walks one line:

    received → verifying → planning → awaiting_approval → executing → reviewing → responded → closed

and may leave it for `refused`, `withdrawn`, `lapsed` or `duplicate`. Why it left, until when it may stay, whether its
clock is paused or extended: columns beside the status, never further states.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from dsar.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """Where a request is."""

    RECEIVED = "received"
    VERIFYING = "verifying"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    EXECUTING = "executing"
    REVIEWING = "reviewing"
    RESPONDED = "responded"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    DUPLICATE = "duplicate"


class Event(StrEnum):
    """What can happen to a request."""

    CHALLENGE = "challenge"  # a one-time code went out
    VERIFY = "verify"  # identity is established, or the right forbids asking for it
    PLAN = "plan"  # the plan is computed and waits for an officer
    REPLAN = "replan"  # the plan no longer fits what was found
    APPROVE = "approve"
    COMPLETE = "complete"  # every step has ended, well or badly
    RETRY = "retry"  # run the steps that failed once more
    PROCEED = "proceed"  # go on without a system that does not answer
    RESPOND = "respond"  # the substantive answer went out: the legal clock stops here
    CLOSE = "close"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"  # nobody proved to be the person in time
    MERGE = "merge"  # another request of the same person answers this one


class StepStatus(StrEnum):
    """Where one step of an approved plan is."""

    PENDING = "pending"
    CLAIMED = "claimed"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class StepEvent(StrEnum):
    """What can happen to a step."""

    CLAIM = "claim"  # a worker holds a lease on it
    RELEASE = "release"  # the lease ran out, or the system asked to come back later
    WAIT = "wait"  # a person or a slow system has to answer first
    RESUME = "resume"
    FINISH = "finish"
    FAIL = "fail"
    RETRY = "retry"


TRANSITIONS: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.RECEIVED, Event.CHALLENGE): Status.VERIFYING,
        (Status.RECEIVED, Event.VERIFY): Status.PLANNING,
        (Status.RECEIVED, Event.REFUSE): Status.REFUSED,
        (Status.RECEIVED, Event.WITHDRAW): Status.WITHDRAWN,
        # No MERGE before the identity is proved: anyone could park somebody else's request behind a false one.
        (Status.VERIFYING, Event.VERIFY): Status.PLANNING,
        (Status.VERIFYING, Event.REFUSE): Status.REFUSED,
        (Status.VERIFYING, Event.WITHDRAW): Status.WITHDRAWN,
        (Status.VERIFYING, Event.LAPSE): Status.LAPSED,
        (Status.PLANNING, Event.PLAN): Status.AWAITING_APPROVAL,
        (Status.PLANNING, Event.REFUSE): Status.REFUSED,
        (Status.PLANNING, Event.WITHDRAW): Status.WITHDRAWN,
        (Status.PLANNING, Event.MERGE): Status.DUPLICATE,
        (Status.AWAITING_APPROVAL, Event.APPROVE): Status.EXECUTING,
        (Status.AWAITING_APPROVAL, Event.REPLAN): Status.PLANNING,
        (Status.AWAITING_APPROVAL, Event.REFUSE): Status.REFUSED,
        (Status.AWAITING_APPROVAL, Event.WITHDRAW): Status.WITHDRAWN,
        (Status.AWAITING_APPROVAL, Event.MERGE): Status.DUPLICATE,
        # From here on data may have changed: refusing or withdrawing would be untrue. A single right can still be
        # answered with a refusal in the response.
        (Status.EXECUTING, Event.COMPLETE): Status.REVIEWING,
        (Status.REVIEWING, Event.RETRY): Status.EXECUTING,
        (Status.REVIEWING, Event.PROCEED): Status.EXECUTING,
        (Status.REVIEWING, Event.REPLAN): Status.PLANNING,
        (Status.REVIEWING, Event.RESPOND): Status.RESPONDED,
        (Status.RESPONDED, Event.CLOSE): Status.CLOSED,
    }
)

STEP_TRANSITIONS: Mapping[tuple[StepStatus, StepEvent], StepStatus] = MappingProxyType(
    {
        (StepStatus.PENDING, StepEvent.CLAIM): StepStatus.CLAIMED,
        (StepStatus.CLAIMED, StepEvent.RELEASE): StepStatus.PENDING,
        (StepStatus.CLAIMED, StepEvent.WAIT): StepStatus.WAITING,
        (StepStatus.CLAIMED, StepEvent.FINISH): StepStatus.DONE,
        (StepStatus.CLAIMED, StepEvent.FAIL): StepStatus.FAILED,
        (StepStatus.WAITING, StepEvent.RESUME): StepStatus.PENDING,
        (StepStatus.WAITING, StepEvent.FINISH): StepStatus.DONE,
        (StepStatus.WAITING, StepEvent.FAIL): StepStatus.FAILED,
        (StepStatus.FAILED, StepEvent.RETRY): StepStatus.PENDING,
    }
)

TERMINAL = frozenset({Status.CLOSED, Status.REFUSED, Status.WITHDRAWN, Status.LAPSED, Status.DUPLICATE})
# The legal clock runs. `responded` is neither open nor ended: answered, and the package may still be fetched.
OPEN = frozenset(Status) - TERMINAL - {Status.RESPONDED}
# A step here needs nobody any more; `failed` may still be retried by the reviewer.
STEP_ENDED = frozenset({StepStatus.DONE, StepStatus.FAILED})


def next_status(status: Status | str, event: Event | str) -> Status:
    """Return the status of a request after the event; raises IllegalTransition where the table has no line for it."""
    return _follow(TRANSITIONS, Status(status), Event(event))


def next_step_status(status: StepStatus | str, event: StepEvent | str) -> StepStatus:
    """Return the status of a step after the event; raises IllegalTransition where the table has no line for it."""
    return _follow(STEP_TRANSITIONS, StepStatus(status), StepEvent(event))


def allowed_events(status: Status | str) -> tuple[Event, ...]:
    """Return the events a request in this status may meet, in the order of `Event`; none when it has ended."""
    return tuple(event for event in Event if (Status(status), event) in TRANSITIONS)


def is_open(status: Status | str) -> bool:
    """Whether the person still waits for an answer, so that the legal clock counts."""
    return Status(status) in OPEN


def is_terminal(status: Status | str) -> bool:
    """Whether nothing can happen to the request any more."""
    return Status(status) in TERMINAL


_S = TypeVar("_S", bound=StrEnum)
_E = TypeVar("_E", bound=StrEnum)


def _follow(table: Mapping[tuple[_S, _E], _S], status: _S, event: _E) -> _S:
    try:
        return table[status, event]
    except KeyError:
        detail = f"{event.value} is not possible while the status is {status.value}."
        raise IllegalTransition(detail) from None
