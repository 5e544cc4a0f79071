"""The person's own view of a request: dated steps, past and to come, in plain words; tells nothing about others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dsar.lifecycle import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from dsar.models import SubjectRequest

_REFUSED: Final = {
    "suspected_fraud": _("we believe it was not made by the person it is about"),
    "insufficient_verification": _("we could not establish who asked"),
    "no_match": _("we hold nothing under your address"),
    "claim_not_covered": _("the law does not give this right here"),
    "outside_jurisdiction": _("another law applies"),
    "too_many_requests": _("we answered the same a short while ago"),
    "other": _("a person will explain it to you"),
}
_WORKING: Final = {
    Status.PLANNING.value: _("We are looking for what we hold about you"),
    Status.AWAITING_APPROVAL.value: _("A person here is checking what will be done"),
    Status.EXECUTING.value: _("We are doing what you asked for"),
    Status.REVIEWING.value: _("A person here is checking the answer"),
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
        return _day(moment.astimezone(zone).date())

    steps = [Step(gettext("You asked us · %(date)s") % {"date": on(request.received_at)}, is_done=True)]
    if request.verified_at is not None:
        steps.append(
            Step(gettext("You confirmed your address · %(date)s") % {"date": on(request.verified_at)}, is_done=True)
        )
    steps += [
        Step(gettext("We told you that we need until %(date)s") % {"date": _day(row.extended_until)}, is_done=True)
        for row in request.rights.all()[:1]
        if row.extended_until
    ]
    if request.part_answered_at is not None:
        said = gettext("We answered in part, because a system could not be reached · %(date)s")
        steps.append(Step(said % {"date": on(request.part_answered_at)}, is_done=True))
    if request.paused_at is not None and request.status in _WORKING:
        since = gettext("We asked you something; until you answer, our time does not count · %(date)s")
        return [*steps, Step(since % {"date": on(request.paused_at)}, is_done=False)]
    if request.status in _WORKING:
        steps.append(Step(str(_WORKING[request.status]), is_done=False))
        steps.append(Step(gettext("We will answer by %(date)s") % {"date": on(request.due_at)}, is_done=False))
    return steps + _ending(request, on)


def _ending(request: SubjectRequest, say: Callable[[datetime], str]) -> list[Step]:
    steps = []
    if request.responded_at is not None:
        steps.append(Step(gettext("We answered · %(date)s") % {"date": say(request.responded_at)}, is_done=True))
    if request.status == Status.REFUSED and request.closed_at is not None:
        why = _REFUSED.get(request.refusal_reason, _REFUSED["other"])
        said = gettext("We did not do what you asked, because %(why)s · %(date)s")
        steps.append(Step(said % {"why": why, "date": say(request.closed_at)}, is_done=True))
    if request.status == Status.DUPLICATE and request.duplicate_of is not None and request.closed_at is not None:
        said = gettext("Your earlier request %(earlier)s answers this one as well · %(date)s")
        earlier = request.duplicate_of.reference
        steps.append(Step(said % {"earlier": earlier, "date": say(request.closed_at)}, is_done=True))
    if request.status == Status.LAPSED and request.closed_at is not None:
        said = gettext("Nobody confirmed the address, so we stopped · %(date)s")
        steps.append(Step(said % {"date": say(request.closed_at)}, is_done=True))
    if request.status == Status.WITHDRAWN and request.closed_at is not None:
        steps.append(
            Step(gettext("You withdrew your request · %(date)s") % {"date": say(request.closed_at)}, is_done=True)
        )
    if request.status == Status.CLOSED and request.closed_at is not None:
        steps.append(
            Step(gettext("We closed your request · %(date)s") % {"date": say(request.closed_at)}, is_done=True)
        )
    return steps


def _day(day: date) -> str:
    return date_format(day, "j F Y")
