"""Withholding an erasure for a legal reason until a day: the clock runs on, nothing is erased, the person is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.errors import IllegalTransition
from dsar.lifecycle import Event, Status, is_open
from dsar.models import SubjectRequest
from dsar.services import packing
from dsar.services.carrying_out import approved_plan
from dsar.services.clocks import calendar_of, is_held
from dsar.services.moving import locked, move, note, owned
from dsar.services.outcomes import Withholding, keep_outcomes
from dsar.services.wording import HOLD_WORDS
from governance.errors import BadInput, Conflict, FieldError
from governance.models import SystemStep
from governance.systems import runtime

if TYPE_CHECKING:
    from governance.policy.principal import Principal

_LONGEST: Final = timedelta(days=3660)
_CITATION: Final = "GDPR Art. 17(3)"


@transaction.atomic(durable=True)
def hold(request: SubjectRequest, reason: str, until: date, *, principal: Principal) -> SubjectRequest:
    """Keep an erasure from starting until the end of a day; set again, it replaces reason and day.

    Raises BadInput, and IllegalTransition for a request that erases nothing or has begun to.
    """
    request = locked(request.pk)
    _require_day(request, reason, until)
    if why_not := _too_late(request):
        raise IllegalTransition(why_not)
    request.held_until, request.hold_reason = until, reason
    request.save(update_fields=["held_until", "hold_reason", *owned(request, principal)])
    details = {"event": "held", "reason": reason, "until": until.isoformat()}
    note(request, principal=principal, details=details)
    return request


def may_hold(request: SubjectRequest) -> bool:
    """Whether a hold would still keep something from being erased for this request."""
    return not _too_late(request)


@transaction.atomic(durable=True)
def release(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Let an approved erasure go on."""
    request = locked(request.pk)
    if request.held_until is None:
        raise Conflict(gettext("This request is not held."))
    request.held_until, request.hold_reason = None, ""
    request.save(update_fields=["held_until", "hold_reason", *owned(request, principal)])
    note(request, principal=principal, details={"event": "released"})
    return request


@transaction.atomic(durable=True)
def keep(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """End the carrying out of a held request with everything kept, so that the person is answered in time.

    Raises Conflict unless the request is held and waits for nothing but the hold.
    """
    request = locked(request.pk)
    row, made = approved_plan(request)
    if not is_held(request) or request.status != Status.EXECUTING or request.held_until is None:
        raise Conflict(gettext("Only a held request that was approved can be answered with what is kept."))
    steps = runtime.steps_of(request.pk, "collect")
    if not all(map(runtime.has_ended, steps)) or ("access" in made.rights and packing.wants_copy(request)):
        raise Conflict(gettext("The copy is still being made; try again when it is there."))
    kept = Withholding(str(HOLD_WORDS[request.hold_reason]), _CITATION, request.held_until)
    counts = keep_outcomes(request, row, made, kept)
    move(request, Event.COMPLETE, principal=principal, details={"held": True, **counts})
    return request


def _too_late(request: SubjectRequest) -> str:
    """Say why a hold would keep nothing; empty when it would."""
    if not is_open(request.status) or request.verified_at is None:
        return gettext("Only an open request whose address is proven can be held.")
    if all(row.right != "erasure" for row in request.rights.all()):
        return gettext("A hold keeps data from being erased, and this request erases none.")
    if SystemStep.objects.filter(job=request.pk, kind=SystemStep.Kind.ERASE).exists():
        return gettext("Erasing has begun; a hold would come too late.")
    return ""


def _require_day(request: SubjectRequest, reason: str, until: date) -> None:
    today, errors = calendar_of(request.controller).local_date(timezone.now()), []
    if reason not in SubjectRequest.HoldReason.values:
        errors.append(
            FieldError(
                "/reason", gettext("Use one of: %(known)s") % {"known": ", ".join(SubjectRequest.HoldReason.values)}
            )
        )
    if not today <= until <= today + _LONGEST:
        errors.append(FieldError("/until", gettext("Give a day from today on, within ten years")))
    if errors:
        raise BadInput(gettext("The request cannot be held like this"), errors=errors)
