"""Reads and writes the clocks of a request's rights; the arithmetic is in dsar.deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from dsar.deadlines import Calendar, Extension, ExtensionReason, Regime, Right, compute, extend, rule_by_id, rule_for
from dsar.models import RequestRight

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from dsar.models import SubjectRequest
    from governance.models import Controller


def calendar_of(controller: Controller) -> Calendar:
    """Give the calendar of the place where the controller acts."""
    return Calendar(country=controller.country, zone=controller.time_zone)


def clocks(controller: Controller, regime: str, rights: Iterable[str], received_at: datetime) -> list[RequestRight]:
    """Derive one unsaved clock a right; raises RightNotCovered."""
    calendar = calendar_of(controller)
    rows = []
    for right in dict.fromkeys(rights):
        rule = rule_for(Regime(regime), Right(right), calendar.local_date(received_at))
        deadline = compute(rule, received_at, calendar)
        rows.append(
            RequestRight(
                right=right,
                rule_id=deadline.rule_id,
                rule_version=deadline.version,
                due_on=deadline.due_on,
                due_at=deadline.due_at,
                derivation=deadline.as_json(),
            )
        )
    return rows


def extended(request: SubjectRequest, row: RequestRight, reason: str) -> RequestRight:
    """Derive the extended clock of one right, as told to the person now; raises DeadlineRefused."""
    calendar, now = calendar_of(request.controller), timezone.now()
    rule = rule_by_id(row.rule_id, row.rule_version)
    first = compute(rule, request.received_at, calendar, extension=_granted(row))
    decided = Extension(reason=ExtensionReason(reason), decided_at=now, notice_sent_at=now)
    deadline = extend(first, decided, rule=rule, calendar=calendar)
    row.due_on, row.due_at, row.derivation = deadline.due_on, deadline.due_at, deadline.as_json()
    row.extended_until, row.extension_reason = deadline.due_on, reason
    return row


def _granted(row: RequestRight) -> Extension | None:
    if row.extended_until is None:
        return None
    return Extension(reason=ExtensionReason(row.extension_reason), decided_at=row.due_on, notice_sent_at=None)
