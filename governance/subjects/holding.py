"""Legal holds on a person: placed and released by officers, for a reason in law; while one stands nothing is erased."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.errors import BadInput, Conflict, FieldError, Held, NotFound
from governance.models import DataSubject, Erasure, LegalHold
from governance.policy.vocabulary import AuditType
from governance.subjects.grace import leave_grace

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from governance.policy.principal import Principal


def standing_on(subject: DataSubject) -> LegalHold | None:
    """Answer the hold that stands longest, or None. One without an end outlasts all others."""
    today = subject.controller.day_of()
    rows = LegalHold.objects.filter(Q(until__isnull=True) | Q(until__gte=today), subject=subject, released_at=None)
    return rows.order_by(F("until").desc(nulls_first=True), "placed_at").first()


def held_still() -> Exists:
    """Say in SQL, for rows that belong to a person, that a hold stands wherever on earth today is counted."""
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    standing = LegalHold.objects.filter(subject=OuterRef("subject"), released_at=None)
    return Exists(standing.filter(Q(until__isnull=True) | Q(until__gt=tomorrow)))


def require_none(subject: DataSubject) -> None:
    """Raise Held while a hold stands; the reason is a code and the date its last day."""
    hold = standing_on(subject)
    if hold is not None:
        facts = {"reason": hold.reason, "until": hold.until and hold.until.isoformat()}
        told = (
            gettext("A legal hold (%(reason)s) keeps this person's data until %(until)s; an officer can release it")
            if hold.until
            else gettext("A legal hold (%(reason)s) keeps this person's data; an officer can release it")
        )
        raise Held(told % facts)


@transaction.atomic(durable=True)
def place_hold(subject: DataSubject, *, reason: str, until: date | None, principal: Principal) -> LegalHold:
    """Keep a person's data from being erased. An erasure in its grace is held too, and the data opens again.

    Raises Conflict for a person who was erased or is held for this reason already, BadInput for a day that has passed.
    """
    locked = DataSubject.objects.select_for_update(of=("self",)).select_related("controller").get(pk=subject.pk)
    _require_placeable(locked, reason, until)
    hold: LegalHold = LegalHold.objects.create(
        controller_id=locked.controller_id,
        subject=locked,
        reason=reason,
        until=until,
        placed_at=timezone.now(),
        placed_by=principal.ref,
    )
    for erasure in Erasure.objects.filter(subject=locked, state=Erasure.State.DISABLED):
        leave_grace(locked, erasure)
        erasure.state, erasure.due_at = Erasure.State.HELD, None
        erasure.save(update_fields=["state", "due_at"])
    details = {"reason": reason, "until": until.isoformat() if until else None}
    _note(AuditType.HOLD_PLACED, hold, principal, details)
    return hold


@transaction.atomic(durable=True)
def release_hold(hold_id: UUID, subject: DataSubject, *, principal: Principal) -> LegalHold:
    """Release a hold. Erasures that waited for it go on by themselves once no other hold stands."""
    locked = DataSubject.objects.select_for_update().get(pk=subject.pk)
    hold: LegalHold | None = LegalHold.objects.filter(pk=hold_id, subject=locked).first()
    if hold is None:
        raise NotFound
    if hold.released_at is not None:
        raise Conflict(gettext("This hold was released already"))
    hold.released_at, hold.released_by = timezone.now(), principal.ref
    hold.save(update_fields=["released_at", "released_by"])
    _note(AuditType.HOLD_RELEASED, hold, principal, {"reason": hold.reason})
    return hold


def _require_placeable(subject: DataSubject, reason: str, until: date | None) -> None:
    if subject.status == DataSubject.Status.ERASED:
        raise Conflict(gettext("The person was erased; there is nothing left to hold"))
    if reason not in LegalHold.Reason.values:
        raise BadInput(
            errors=[
                FieldError("/reason", gettext("Use one of: %(known)s") % {"known": ", ".join(LegalHold.Reason.values)})
            ]
        )
    if until is not None and until < subject.controller.day_of():
        raise BadInput(errors=[FieldError("/until", gettext("Give a day that has not passed, or none"))])
    if LegalHold.objects.filter(subject=subject, reason=reason, released_at=None).exists():
        raise Conflict(gettext("A hold for this reason was placed already; release it first"))


def _note(type_: AuditType, hold: LegalHold, principal: Principal, details: dict[str, str | None]) -> None:
    audit.record(
        type_,
        actor=principal,
        controller_id=hold.controller_id,
        subject_id=hold.subject_id,
        object_ref=f"hold:{hold.pk.hex}",
        details=details,
    )
