"""What people decide about a request: approve the plan, refuse, extend, withdraw; nothing is carried out here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar import letters
from dsar.errors import IllegalTransition
from dsar.lifecycle import Event, Status, is_open
from dsar.models import SubjectRequest
from dsar.services.carrying_out import open_next
from dsar.services.clocks import extended
from dsar.services.moving import end, locked, move, note, owned
from dsar.services.pausing import require_running
from dsar.services.planning import newest
from dsar.services.posting import post
from dsar.verification import contact_of
from governance.errors import AccessDenied, BadInput, Conflict, FieldError
from governance.policy.principal import STAFF, Principal, worker

if TYPE_CHECKING:
    from dsar.letters import Letter

_ENDINGS: Final = (Status.RECEIVED.value, Status.VERIFYING.value)


@transaction.atomic(durable=True)
def approve(request: SubjectRequest, plan_digest: str, *, principal: Principal) -> SubjectRequest:
    """Approve exactly the plan with this digest, and start carrying it out.

    1. a member of staff; 2. another one than who recorded the request, unless one officer works here; 3. the newest,
    fully counted plan; 4. the one that was shown. Raises AccessDenied, Conflict, IllegalTransition.
    """
    request = locked(request.pk)
    if principal.kind != STAFF:  # (1)
        raise AccessDenied(gettext("A plan is approved by a member of staff"))
    if request.created_by == principal.ref and not request.controller.single_officer:  # (2)
        raise AccessDenied(gettext("Another officer than the one who recorded the request approves its plan"))
    require_running(request)
    current = newest(request)
    if current is None or not current.digest:  # (3)
        raise Conflict(gettext("The plan is still being made; try again when every system was searched."))
    if current.digest != plan_digest:  # (4)
        raise Conflict(gettext("The plan has changed since it was shown; read the new one and approve that."))
    current.approved_by_id, current.approved_at = UUID(principal.id), timezone.now()
    current.approved_digest = plan_digest
    current.save(update_fields=["approved_by", "approved_at", "approved_digest"])
    move(request, Event.APPROVE, principal=principal, details={"plan": plan_digest})
    open_next(request, current)
    return request


def refuse(request: SubjectRequest, reason: str, *, principal: Principal) -> SubjectRequest:
    """Refuse with a reason of the list; the letter names it, and where to complain. Raises IllegalTransition."""
    if reason not in SubjectRequest.RefusalReason.values:
        known = ", ".join(SubjectRequest.RefusalReason.values)
        raise BadInput(
            gettext("A refusal needs its reason"),
            errors=[FieldError("/reason", gettext("Use one of: %(known)s") % {"known": known})],
        )
    address = _address(request)
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        request.refusal_reason = reason
        end(request, Event.REFUSE, principal=principal, details={"reason": reason}, also=("refusal_reason",))
        request.rights.recorded().update(outcome="refused")
        _write(request, letters.refused(request, reason), address)
    return request


def withdraw(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Stop at the person's wish, while nothing has been changed yet. Raises IllegalTransition."""
    address = _address(request)
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        was_proven = request.status not in _ENDINGS
        end(request, Event.WITHDRAW, principal=principal)
        if was_proven:
            _write(request, letters.withdrawn(request), address)
    return request


def extend(request: SubjectRequest, reason: str, *, principal: Principal) -> SubjectRequest:
    """Take longer, for a reason the law knows; the person is told in the same transaction.

    Raises IllegalTransition unless the request is open and its address proven, DeadlineRefused.
    """
    _require_running(request)
    address = _address(request)
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        _require_running(request)
        rows = [extended(request, row, reason) for row in request.rights.all()]
        for row in rows:
            row.save(update_fields=["due_on", "due_at", "derivation", "extended_until", "extension_reason"])
        request.due_at = min(row.due_at for row in rows)
        request.save(update_fields=["due_at", *owned(request, principal)])
        until = min(row.due_on for row in rows)
        note(
            request,
            principal=principal,
            details={"event": "extended", "reason": reason, "until": until.isoformat()},
        )
        _write(request, letters.extended(request, reason, until), address)
    return request


def _require_running(request: SubjectRequest) -> None:
    require_running(request)
    if request.verified_at is None or not is_open(request.status):
        raise IllegalTransition(gettext("A deadline is extended while the request is open and its address is proven."))


def _address(request: SubjectRequest) -> str:
    # Revealed first: a reveal commits its audit row and cannot run inside the change.
    return contact_of(request, principal=worker(request.controller_id.hex)).email


def _write(request: SubjectRequest, letter: Letter, address: str) -> None:
    post(request, letter, address)
