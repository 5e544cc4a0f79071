"""Stopping the clock while the person is asked something, where the law lets it stop; it carries out nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar import letters
from dsar.deadlines import PauseReason
from dsar.errors import DeadlineRefused, IllegalTransition
from dsar.lifecycle import Status, is_open
from dsar.services.clocks import WRITTEN, calendar_of, kept, open_pause, pauses_of, with_pauses
from dsar.services.moving import locked, note, owned
from dsar.services.posting import post
from dsar.verification import contact_of
from governance.errors import BadInput, FieldError
from governance.policy.principal import worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from dsar.models import RequestRight, SubjectRequest
    from governance.policy.principal import Principal

#: Where a question to the person can still be waited for. What is being carried out is not stopped half way.
PAUSABLE: Final = frozenset({Status.PLANNING.value, Status.AWAITING_APPROVAL.value, Status.REVIEWING.value})


def pause(request: SubjectRequest, reason: str, *, principal: Principal) -> SubjectRequest:
    """Ask the person something and let the clock stand still until the answer, in the law's name.

    Raises IllegalTransition unless the request can wait, DeadlineRefused where its law stops no clock for this reason.
    """
    if reason not in list(PauseReason):
        known = ", ".join(PauseReason)
        raise BadInput(
            gettext("A pause needs its reason"),
            errors=[FieldError("/reason", gettext("Use one of: %(known)s") % {"known": known})],
        )
    address = contact_of(request, principal=worker(request.controller_id.hex)).email
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        _require_waiting(request)
        before = pauses_of(request)
        request.paused_at, request.pause_reason = timezone.now(), reason
        rows = list(request.rights.all())
        if not with_pauses(request, rows, [*before, open_pause(request)]):
            msg = gettext("%(law)s stops no clock for this reason, or the clock has run out.")
            raise DeadlineRefused(msg % {"law": request.get_regime_display()})
        _save(request, rows, principal, "paused_at", "pause_reason")
        note(request, principal=principal, details={"event": "paused", "reason": reason})
        post(request, letters.question(request, reason), address)
    return request


@transaction.atomic(durable=True)
def resume(request: SubjectRequest, *, principal: Principal, answered_on: date | None = None) -> SubjectRequest:
    """Let the clock run again from the day the answer came, today unless named.

    Raises DeadlineRefused, and IllegalTransition once the request has ended.
    """
    request = locked(request.pk)
    if not is_open(request.status):
        raise IllegalTransition(gettext("This request has ended; no clock of it runs."))
    day = answered_on or calendar_of(request.controller).local_date(timezone.now())
    ended = open_pause(request, day)
    before = pauses_of(request)[:-1]
    rows = list(request.rights.all())
    with_pauses(request, rows, [*before, ended])
    request.pauses = [*request.pauses, kept(ended)]
    request.paused_at, request.pause_reason = None, ""
    _save(request, rows, principal, "paused_at", "pause_reason", "pauses")
    note(request, principal=principal, details={"event": "resumed", "until": min(r.due_on for r in rows).isoformat()})
    return request


def require_running(request: SubjectRequest) -> None:
    """Raise DeadlineRefused while the person is asked something: the answer may change what is to be done."""
    if request.paused_at is not None:
        raise DeadlineRefused(gettext("The person was asked something; record the answer first."))


def _require_waiting(request: SubjectRequest) -> None:
    if request.status not in PAUSABLE or request.paused_at is not None:
        raise IllegalTransition(
            gettext("The clock is paused once at a time, and not while the request is being carried out.")
        )


def _save(request: SubjectRequest, rows: Sequence[RequestRight], principal: Principal, *columns: str) -> None:
    for row in rows:
        row.save(update_fields=WRITTEN)
    request.due_at = min(row.due_at for row in rows)
    request.save(update_fields=["due_at", *columns, *owned(request, principal)])
