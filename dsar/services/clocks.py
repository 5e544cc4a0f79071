"""Reads and writes the clocks of a request's rights; the arithmetic is in dsar.deadlines."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext

from dsar.deadlines import (
    Calendar,
    Clock,
    Extension,
    ExtensionReason,
    Pause,
    PauseReason,
    Regime,
    Right,
    compute,
    extend,
    rule_by_id,
    rules_for,
)
from dsar.errors import DeadlineRefused
from dsar.models import RequestRight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from dsar.deadlines import Deadline
    from dsar.models import SubjectRequest
    from governance.models import Controller

#: The columns of a right that its deadline is written to.
WRITTEN = ("due_on", "due_at", "derivation", "extended_until", "extension_reason")


def calendar_of(controller: Controller) -> Calendar:
    """Give the calendar of the place where the controller acts."""
    return Calendar(country=controller.country, zone=controller.time_zone)


def clocks(controller: Controller, regime: str, rights: Iterable[str], received_at: datetime) -> list[RequestRight]:
    """Derive one unsaved clock a right; raises RightNotCovered."""
    calendar = calendar_of(controller)
    received_on = calendar.local_date(received_at)
    rows = []
    for right in dict.fromkeys(rights):
        rule = rules_for(Regime(regime), Right(right), received_on)[Clock.ANSWER]
        row = RequestRight(right=right, rule_id=rule.id, rule_version=rule.version)
        rows.append(_written(row, compute(rule, received_at, calendar)))
    return rows


def acknowledgement(
    controller: Controller, regime: str, rights: Iterable[str], received_at: datetime
) -> Deadline | None:
    """Derive the date by which receipt is confirmed, the earliest of the rights; none where the law asks for none."""
    calendar = calendar_of(controller)
    received_on = calendar.local_date(received_at)
    found = [rules_for(Regime(regime), Right(right), received_on).get(Clock.ACKNOWLEDGEMENT) for right in rights]
    deadlines = [compute(rule, received_at, calendar) for rule in found if rule is not None]
    return min(deadlines, key=lambda deadline: deadline.due_on, default=None)


def extended(request: SubjectRequest, row: RequestRight, reason: str) -> RequestRight:
    """Derive the extended clock of one right, as told to the person now; raises DeadlineRefused."""
    calendar, now, pauses = calendar_of(request.controller), timezone.now(), pauses_of(request)
    rule = rule_by_id(row.rule_id, row.rule_version)
    first = compute(rule, request.received_at, calendar, pauses=pauses, extension=_granted(row))
    decided = Extension(reason=ExtensionReason(reason), decided_at=now, notice_sent_at=now)
    deadline = extend(first, decided, rule=rule, calendar=calendar, pauses=pauses)
    row.extended_until, row.extension_reason = deadline.due_on, reason
    return _written(row, deadline)


def with_pauses(request: SubjectRequest, rows: Iterable[RequestRight], pauses: Sequence[Pause]) -> bool:
    """Derive the clocks again with these pauses; answers whether one of them stands still now."""
    calendar, stands = calendar_of(request.controller), False
    for row in rows:
        rule = rule_by_id(row.rule_id, row.rule_version)
        deadline = compute(rule, request.received_at, calendar, pauses=pauses, extension=_granted(row))
        stands = stands or not deadline.clock_runs
        if row.extended_until is not None:
            row.extended_until = deadline.due_on
        _written(row, deadline)
    return stands


def pauses_of(request: SubjectRequest) -> list[Pause]:
    """Read the pauses of a request, the open one last."""
    ended = [
        Pause(
            reason=PauseReason(each["reason"]),
            started_on=date.fromisoformat(each["started_on"]),
            ended_on=date.fromisoformat(each["ended_on"]),
        )
        for each in request.pauses
    ]
    return [*ended, open_pause(request)] if request.paused_at is not None else ended


def open_pause(request: SubjectRequest, ended_on: date | None = None) -> Pause:
    """Read the pause that a request is in; raises DeadlineRefused where there is none or the day lies outside it."""
    if request.paused_at is None:
        raise DeadlineRefused(gettext("The clock of this request runs."))
    calendar = calendar_of(request.controller)
    started_on = calendar.local_date(request.paused_at)
    if ended_on is not None and not started_on <= ended_on <= calendar.local_date(timezone.now()):
        raise DeadlineRefused(gettext("The answer came after the question, and not in the future."))
    return Pause(reason=PauseReason(request.pause_reason), started_on=started_on, ended_on=ended_on)


def kept(ended: Pause) -> dict[str, str]:
    """Write a pause that is over the way the request keeps it."""
    last = ended.ended_on or ended.started_on
    return {"reason": ended.reason, "started_on": ended.started_on.isoformat(), "ended_on": last.isoformat()}


def is_held(request: SubjectRequest) -> bool:
    """Whether nothing may be erased for this request today."""
    today = calendar_of(request.controller).local_date(timezone.now())
    return request.held_until is not None and today <= request.held_until


def _written(row: RequestRight, deadline: Deadline) -> RequestRight:
    row.due_on, row.due_at, row.derivation = deadline.due_on, deadline.due_at, deadline.as_json()
    return row


def _granted(row: RequestRight) -> Extension | None:
    if row.extended_until is None:
        return None
    return Extension(reason=ExtensionReason(row.extension_reason), decided_at=row.due_on, notice_sent_at=None)
