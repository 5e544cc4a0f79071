"""Break-glass: one member of staff, one person's data in clear, for a short while, reviewed after; it opens nothing.

An elevation is a fact that the table of forms is asked with, never a right of its own: what it gives ends with its
time, with its end, or with the role that allowed it, on the next question.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.access.enforcement import STALE_FACTOR, deny, permitting, require, visible_to
from governance.errors import AccessDenied, BadInput, Conflict, FieldError, NotFound
from governance.models import DataSubject, Elevation, StaffUser
from governance.policy import fingerprint
from governance.policy.principal import STAFF, Principal, worker
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

#: However the installation sets it: longer than this nothing is an emergency.
LONGEST_MINUTES = 60


def minutes() -> int:
    """Answer for how long an elevation lasts here."""
    wished: int = settings.GOVERNANCE_BREAK_GLASS_MINUTES
    return max(1, min(wished, LONGEST_MINUTES))


def break_glass(subject: DataSubject, *, reason: str, principal: Principal, is_factor_fresh: bool) -> Elevation:
    """Let a member of staff see this person's data in clear for a while, alone. Refuses to run inside a transaction.

    Raises AccessDenied without the right or a second factor shown just now, NotFound for a person of another
    controller, BadInput for a reason that is none of ours, Conflict while the last elevation waits for its review.
    """
    require(principal, Action.ACCESS_ELEVATE, subject)
    controller = subject.controller_id.hex
    if not is_factor_fresh:
        # The door asks for it as well: whoever finds an open desk, or takes a session, has no second factor to show.
        place = subject.controller_id
        deny(principal, Action.ACCESS_ELEVATE, controller_id=place, resource=subject, rule=STALE_FACTOR)
        raise AccessDenied(gettext("Show your second factor again, then break the glass"))
    if reason not in Elevation.Reason.values:
        raise BadInput(
            errors=[
                FieldError("/reason", gettext("Use one of: %(known)s") % {"known": ", ".join(Elevation.Reason.values)})
            ]
        )
    if principal.may(Action.SUBJECT_REVEAL, controller):
        raise Conflict(gettext("Your role sees this person's data in clear already: there is no glass to break"))
    return _take(subject, reason, principal)


@transaction.atomic(durable=True)
def end(elevation_id: UUID, *, principal: Principal) -> Elevation:
    """End an elevation before its time: whoever took it, or an officer. Raises Conflict where it has ended."""
    row = _known(elevation_id, principal, or_own=True)
    if row.ended_at is not None or row.until <= timezone.now():
        raise Conflict(gettext("This elevation has ended already"))
    _close(row, timezone.now(), principal)
    return row


@transaction.atomic(durable=True)
def review(elevation_id: UUID, *, finding: str, principal: Principal) -> Elevation:
    """Say what an elevation was. Another person than the one who took it does, and only once it has ended."""
    row = _known(elevation_id, principal, or_own=False)
    if row.staff_id.hex == principal.id:
        raise Conflict(gettext("You took this elevation: somebody else must review it"))
    if row.reviewed_at is not None:
        raise Conflict(gettext("Somebody reviewed this elevation already"))
    if finding not in Elevation.Finding.values:
        raise BadInput(
            errors=[
                FieldError(
                    "/finding", gettext("Use one of: %(known)s") % {"known": ", ".join(Elevation.Finding.values)}
                )
            ]
        )
    if row.ended_at is None:
        if row.until > timezone.now():
            raise Conflict(gettext("This elevation still runs: end it first, then review it"))
        _close(row, row.until, worker(row.controller_id.hex))
    row.reviewed_at, row.reviewed_by_id, row.finding = timezone.now(), UUID(principal.id), finding
    row.save(update_fields=["reviewed_at", "reviewed_by", "finding"])
    _note(AuditType.ACCESS_ELEVATION_REVIEWED, row, principal, {"finding": finding})
    return row


def work() -> int:
    """Note the end of elevations whose time is over. They stopped counting on their own: this is for the record."""
    done = 0
    for pk in Elevation.objects.filter(ended_at=None, until__lte=timezone.now()).values_list("pk", flat=True):
        with transaction.atomic(durable=True):
            row = Elevation.objects.select_for_update().filter(pk=pk, ended_at=None).first()
            if row is not None:
                _close(row, row.until, worker(row.controller_id.hex))
                done += 1
    return done


def running(principal: Principal, people: Iterable[UUID]) -> dict[UUID, str]:
    """Answer this principal's own elevations that run now, as person to the elevation's id in hex; one query."""
    if principal.kind != STAFF:
        return {}
    rows = _running(principal).filter(subject__in=list(people)).values_list("subject_id", "pk")
    return {subject: pk.hex for subject, pk in rows}


def standing(principal: Principal, subject: DataSubject) -> Elevation | None:
    """Answer what stands between this principal and the next elevation here: one that runs, or waits for review."""
    rows = Elevation.objects.filter(controller=subject.controller_id, staff=UUID(principal.id), reviewed_at=None)
    found: Elevation | None = rows.first()
    return found


def _running(principal: Principal) -> QuerySet[Elevation]:
    served = [UUID(each) for each in principal.controllers_where(Action.ACCESS_ELEVATE)]
    mine = Elevation.objects.filter(staff=UUID(principal.id), controller__in=served)
    return mine.filter(ended_at=None, until__gt=timezone.now())


@transaction.atomic(durable=True)
def _take(subject: DataSubject, reason: str, principal: Principal) -> Elevation:
    # One after the other: two at the same moment would both find nothing that waits for its review.
    StaffUser.objects.select_for_update().get(pk=principal.id)
    if DataSubject.objects.get(pk=subject.pk).status == DataSubject.Status.ERASED:
        raise Conflict(gettext("The person was erased; there is nothing left to see"))
    if standing(principal, subject) is not None:
        raise Conflict(
            gettext("Your last elevation here was not reviewed yet; ask a privacy officer to review it first")
        )
    now = timezone.now()
    row: Elevation = Elevation.objects.create(
        controller_id=subject.controller_id,
        subject=subject,
        staff_id=UUID(principal.id),
        reason=reason,
        taken_at=now,
        until=now + timedelta(minutes=minutes()),
    )
    _note(AuditType.ACCESS_ELEVATED, row, principal, {"reason": reason, "minutes": minutes()})
    return row


def _known(elevation_id: UUID, principal: Principal, *, or_own: bool) -> Elevation:
    """Answer a locked elevation that this principal may act on; what they may not is as absent as what is not there."""
    rows = Elevation.objects.filter(pk=elevation_id)
    found: Elevation | None = visible_to(principal, Action.ACCESS_REVIEW, rows).select_for_update().first()
    if found is None and or_own and principal.kind == STAFF:
        served = [UUID(each) for each in principal.controllers]
        found = rows.filter(staff=UUID(principal.id), controller__in=served).select_for_update().first()
    if found is None:
        raise NotFound
    return found


def _close(row: Elevation, instant: datetime, principal: Principal) -> None:
    row.ended_at, row.ended_by = instant, principal.ref
    row.save(update_fields=["ended_at", "ended_by"])
    is_own = row.staff_id.hex == principal.id
    how = "expired" if principal.kind != STAFF else "by_taker" if is_own else "by_officer"
    _note(AuditType.ACCESS_ELEVATION_ENDED, row, principal, {"how": how})


def _note(type_: AuditType, row: Elevation, principal: Principal, details: dict[str, str | int]) -> None:
    taken = type_ is AuditType.ACCESS_ELEVATED
    audit.record(
        type_,
        actor=principal,
        controller_id=row.controller_id,
        subject_id=row.subject_id,
        object_ref=f"elevation:{row.pk.hex}",
        decision="allow" if taken else "",
        rules=permitting(principal, Action.ACCESS_ELEVATE, row.controller_id.hex) if taken else [],
        ruleset=fingerprint.roles() if taken else "",
        details=details,
    )
