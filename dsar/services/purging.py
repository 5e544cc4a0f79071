"""The end of a request: closing it, and destroying its own key so that contact, package and letters are gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import Event, Status, is_terminal
from dsar.models import PackagePart, SubjectRequest
from dsar.services import turns
from dsar.services.moving import end, locked, note
from dsar.services.retaining import put_aside_one
from dsar.verification import reference_of, scope_of
from governance import audit
from governance.errors import Conflict
from governance.keys import data_keys
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType
from governance.subjects import letters
from governance.systems import runtime

if TYPE_CHECKING:
    from uuid import UUID

    from governance.policy.principal import Principal

#: How long an answered request stays readable to the person before it closes by itself.
ANSWERED_FOR = timedelta(days=14)


@transaction.atomic(durable=True)
def close(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Close an answered request."""
    request = locked(request.pk)
    end(request, Event.CLOSE, principal=principal)
    return request


def close_answered() -> int:
    """Close what was answered long enough ago; answers how many."""
    due = SubjectRequest.objects.filter(status=Status.RESPONDED, responded_at__lte=timezone.now() - ANSWERED_FOR)
    return turns.each(due, _close_answered, broke="request.not_closed")


def _close_answered(request_id: UUID) -> int:
    request = SubjectRequest.objects.only("pk", "controller_id").get(pk=request_id)
    close(request, principal=worker(request.controller_id.hex))
    return 1


def purge_due() -> int:
    """Purge what ended long enough ago; answers how many."""
    due = SubjectRequest.objects.filter(purge_after__lte=timezone.now(), purged_at=None)
    return turns.each(due, _purge_due, broke="request.not_purged")


def _purge_due(request_id: UUID) -> int:
    request = SubjectRequest.objects.only("pk", "controller_id").get(pk=request_id)
    purge(request, principal=worker(request.controller_id.hex))
    return 1


def purge(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Destroy the request's own key and everything sealed under it; what was done stays on record. Idempotent.

    What a law keeps until a date is put aside first. Raises Conflict while the request is not at its end.
    """
    put_aside_one(request.pk)
    return _purge(request, principal)


@transaction.atomic(durable=True)
def _purge(request: SubjectRequest, principal: Principal) -> SubjectRequest:
    request = locked(request.pk)
    if not is_terminal(request.status):
        raise Conflict(gettext("Close the request first; until then its contact is needed for the answer."))
    if request.purged_at is not None:
        return request
    runtime.forget(request.pk)
    PackagePart.objects.filter(package__request=request).delete()
    letters.forget(scope_of(request))
    data_keys.destroy(scope_of(request))
    request.contact, request.contact_digest, request.purged_at = None, None, timezone.now()
    request.save(update_fields=["contact", "contact_digest", "purged_at"])
    audit.record(
        AuditType.KEY_DESTROYED,
        actor=principal,
        controller_id=request.controller_id,
        object_ref=reference_of(request),
        details={"scope": "request"},
    )
    note(request, principal=principal, details={"event": "purged"})
    return request
