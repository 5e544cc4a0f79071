"""Restriction (GDPR Art. 18): data is kept and not used, on a ground of the law, until it is lifted and people told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.errors import BadInput, Conflict, Erased, FieldError
from governance.models import DataSubject
from governance.policy.vocabulary import AuditType
from governance.subjects import grace

if TYPE_CHECKING:
    from governance.policy.principal import Principal

_Status = DataSubject.Status


@transaction.atomic
def restrict(subject: DataSubject, *, principal: Principal, ground: str = "", object_ref: str = "") -> None:
    """Freeze processing and keep the data. Repeating it changes the ground alone.

    Raises Erased for a person who was erased, BadInput for a ground that the law does not know.
    """
    if ground and ground not in DataSubject.Ground.values:
        raise BadInput(
            errors=[
                FieldError(
                    "/ground", gettext("Use one of: %(known)s") % {"known": ", ".join(DataSubject.Ground.values)}
                )
            ]
        )
    locked = _locked(subject)
    # Consent given after the restriction lifts it for that use: a second asking must not make such a consent older.
    since = locked.restricted_at if stands_on(locked) else None
    locked.status, locked.restricted_at, locked.restriction = _Status.RESTRICTED, since or timezone.now(), ground
    locked.save(update_fields=["status", "restricted_at", "restriction"])
    grace.keep_restricted(locked)
    _note(AuditType.SUBJECT_RESTRICTED, locked, principal, ground, object_ref)


@transaction.atomic(durable=True)
def lift_restriction(subject: DataSubject, *, principal: Principal, was_told: bool, object_ref: str = "") -> None:
    """Let the data be used again. Raises Conflict where no restriction stands, BadInput before the person was told.

    The person is told before it is lifted (GDPR Art. 18(3)); `was_told` is the word of whoever lifts it, and recorded.
    """
    if not was_told:
        complaint = FieldError(
            "/was_told", gettext("Tell the person first: they are told before a restriction is lifted")
        )
        raise BadInput(errors=[complaint])
    locked = _locked(subject)
    if not stands_on(locked):
        raise Conflict(gettext("No restriction stands on this person"))
    ground, locked.restriction = locked.restriction, ""
    if not grace.let_go_on(locked):
        locked.status, locked.restricted_at = _Status.ACTIVE, None
    locked.save(update_fields=["status", "restricted_at", "restriction"])
    _note(AuditType.SUBJECT_RESTRICTION_LIFTED, locked, principal, ground, object_ref)


def stands_on(subject: DataSubject) -> bool:
    """Whether the person is restricted for a reason of its own, not only because their erasure waits in its grace."""
    return subject.status == _Status.RESTRICTED and not grace.alone_restricts(subject)


def _locked(subject: DataSubject) -> DataSubject:
    locked: DataSubject = DataSubject.objects.select_for_update().get(pk=subject.pk)
    if locked.status == _Status.ERASED:
        raise Erased
    return locked


def _note(type_: AuditType, subject: DataSubject, principal: Principal, ground: str, object_ref: str) -> None:
    audit.record(
        type_,
        actor=principal,
        controller_id=subject.controller_id,
        subject_id=subject.pk,
        object_ref=object_ref,
        details={"ground": ground} if ground else {},
    )
