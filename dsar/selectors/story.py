"""The person's own view of a request: dated steps, past and to come, in plain words; tells nothing about others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from dsar.deadlines import in_words
from dsar.lifecycle import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dsar.models import SubjectRequest

_REFUSED: Final = {
    "suspected_fraud": "we believe it was not made by the person it is about",
    "insufficient_verification": "we could not establish who asked",
    "no_match": "we hold nothing under your address",
    "claim_not_covered": "the law does not give this right here",
    "outside_jurisdiction": "another law applies",
    "too_many_requests": "we answered the same a short while ago",
    "other": "a person will explain it to you",
}
_WORKING: Final = {
    Status.PLANNING.value: "We are looking for what we hold about you",
    Status.AWAITING_APPROVAL.value: "A person here is checking what will be done",
    Status.EXECUTING.value: "We are doing what you asked for",
    Status.REVIEWING.value: "A person here is checking the answer",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story."""

    words: str
    is_done: bool


def story(request: SubjectRequest) -> list[Step]:
    """Tell a request as dated steps."""
    zone = ZoneInfo(request.controller.time_zone)

    def on(moment: datetime) -> str:
        return in_words(moment.astimezone(zone).date())

    steps = [Step(f"You asked us · {on(request.received_at)}", is_done=True)]
    if request.verified_at is not None:
        steps.append(Step(f"You confirmed your address · {on(request.verified_at)}", is_done=True))
    steps += [
        Step(f"We told you that we need until {in_words(row.extended_until)}", is_done=True)
        for row in request.rights.all()[:1]
        if row.extended_until
    ]
    if request.status in _WORKING:
        steps.append(Step(_WORKING[request.status], is_done=False))
        steps.append(Step(f"We will answer by {on(request.due_at)}", is_done=False))
    return steps + _ending(request, on)


def _ending(request: SubjectRequest, say: Callable[[datetime], str]) -> list[Step]:
    steps = []
    if request.responded_at is not None:
        steps.append(Step(f"We answered · {say(request.responded_at)}", is_done=True))
    if request.status == Status.REFUSED and request.closed_at is not None:
        why = _REFUSED.get(request.refusal_reason, _REFUSED["other"])
        steps.append(Step(f"We did not do what you asked, because {why} · {say(request.closed_at)}", is_done=True))
    if request.status == Status.WITHDRAWN and request.closed_at is not None:
        steps.append(Step(f"You withdrew your request · {say(request.closed_at)}", is_done=True))
    if request.status == Status.CLOSED and request.closed_at is not None:
        steps.append(Step(f"We closed your request · {say(request.closed_at)}", is_done=True))
    return steps
