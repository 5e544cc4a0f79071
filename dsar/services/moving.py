"""The one way a request changes its status: locked, asked of the lifecycle, written, recorded and told, together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from dsar.errors import IllegalTransition
from dsar.lifecycle import Event, allowed_events, next_status
from dsar.models import SubjectRequest
from dsar.services.clocks import calendar_of, kept, open_pause
from dsar.verification import reference_of
from governance import audit, outbox
from governance.policy.principal import STAFF
from governance.policy.vocabulary import AuditType
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.policy.opaque import Detail
    from governance.policy.principal import Principal


#: Ends before anything was changed: what was found is not looked at any more, and nothing else is looked for.
_STOPS: Final = frozenset({Event.WITHDRAW, Event.REFUSE, Event.MERGE})


def possible(request: SubjectRequest) -> frozenset[Event]:
    """Name what can happen to a request now. What was answered in part cannot end as if nothing had been changed."""
    events = frozenset(allowed_events(request.status))
    return events if request.part_answered_at is None else events - _STOPS


def locked(request_id: UUID) -> SubjectRequest:
    """Read the request for change, in the caller's transaction."""
    rows = SubjectRequest.objects.select_for_update(of=("self",)).select_related("controller", "brand")
    return rows.get(pk=request_id)


def move(
    request: SubjectRequest,
    event: Event,
    *,
    principal: Principal,
    details: Mapping[str, Detail] | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Let the event happen to a locked request, saving the columns in `also` with it; raises IllegalTransition."""
    before = request.status
    request.status = next_status(before, event).value
    request.save(update_fields=["status", *owned(request, principal), *also])
    note(request, principal=principal, details={"event": event.value, "before": before, **(details or {})})


def end(
    request: SubjectRequest,
    event: Event,
    *,
    principal: Principal,
    details: Mapping[str, Detail] | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Let a locked request end, stop what is queued for it, and set the day on which its own key is destroyed."""
    next_status(request.status, event)
    if event not in possible(request):
        raise IllegalTransition(gettext("The request was answered in part; the rest is answered, or refused, as well."))
    request.closed_at = timezone.now()
    request.purge_after = request.closed_at + timedelta(days=settings.GOVERNANCE_REQUEST_PURGE_DAYS)
    columns = ("closed_at", "purge_after", *_unpaused(request), *also)
    move(request, event, principal=principal, details=details, also=columns)
    if event in _STOPS:
        runtime.clear(request.pk)


def _unpaused(request: SubjectRequest) -> tuple[str, ...]:
    """End the pause that a request ends in, on the same day: nobody waits for that answer any more."""
    if request.paused_at is None:
        return ()
    today = calendar_of(request.controller).local_date(timezone.now())
    request.pauses = [*request.pauses, kept(open_pause(request, today))]
    request.paused_at, request.pause_reason = None, ""
    return "pauses", "paused_at", "pause_reason"


def owned(request: SubjectRequest, principal: Principal) -> tuple[str, ...]:
    """Give a proven request that nobody owns to the member of staff who acts on it; answers the column to save."""
    if request.owner_id is not None or request.verified_at is None or principal.kind != STAFF:
        return ()
    request.owner_id = UUID(principal.id)
    return ("owner",)


def note(
    request: SubjectRequest,
    *,
    principal: Principal,
    details: Mapping[str, Detail],
    type_: AuditType = AuditType.REQUEST_CHANGED,
) -> None:
    """Record what happened to a request, in the ledger and for the outside, in the caller's transaction."""
    audit.record(
        type_,
        actor=principal,
        controller_id=request.controller_id,
        subject_id=request.subject_id,
        object_ref=reference_of(request),
        details={"status": request.status, **details},
    )
    outbox.append(
        type_.value,
        controller_id=request.controller_id,
        subject_id=request.subject_id,
        payload={"request": request.pk.hex, "reference": request.reference, "status": request.status},
    )
