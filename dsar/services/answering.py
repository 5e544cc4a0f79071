"""The answer: letters out, clocks stopped, the package opened to a fresh code; personal data is in no letter."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext

from dsar import letters
from dsar.errors import PackageExpired
from dsar.lifecycle import Event, Status, next_status
from dsar.models import RequestPackage, SubjectRequest
from dsar.services import parcels, reaching
from dsar.services.moving import locked, move, note
from dsar.services.pausing import require_running
from dsar.services.posting import post
from dsar.services.wording import told
from dsar.verification import contact_of, reference_of, scope_of
from governance.errors import Conflict, NotFound
from governance.policy.principal import SERVICE, worker
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import QuerySet

    from dsar.letters import Letter
    from governance.policy.principal import Principal

#: How long the package can be fetched.
AVAILABLE_FOR: Final = timedelta(days=14)


def respond(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Send the answer of a reviewed request. Raises IllegalTransition, and Conflict while any of it failed.

    A system that was not searched is no system with nothing in it: it is searched, disabled, or named in the answer
    as left out. Where the rest follows, the request and its clock stay open for it.
    """
    address = contact_of(request, principal=worker(request.controller_id.hex)).email
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        require_running(request)
        next_status(request.status, Event.RESPOND)
        missing = reaching.unreached(request)
        _require_ready(request, missing)
        now = timezone.now()
        _release(request, now)
        rest = letters.Rest(
            systems=tuple(missing.values()),
            follows=reaching.is_part(request, missing),
            told_on=request.controller.day_of(request.part_answered_at) if request.part_answered_at else None,
            due_on=request.controller.day_of(request.due_at) if request.due_at > now else None,
        )
        for letter in _letters(request, rest):
            post(request, letter, address)
        if rest.follows:
            request.part_answered_at, request.part_told = now, _told_now(request)
            reaching.wait_for_rest(request, missing, principal=principal)
            return request
        request.responded_at = now
        outcomes = _settle_rights(request, missing)
        move(request, Event.RESPOND, principal=principal, details=outcomes, also=("responded_at",))
    return request


def download(request: SubjectRequest, *, principal: Principal) -> BinaryIO:
    """Give the package once more, audited, and count it, as an open file. Raises NotFound, PackageExpired.

    The caller has seen a fresh proof of the address. Counted before it opens: parallel calls never share a download.
    """
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        found = _sent(request).filter(parts__position=0).first()
        if found is None or not is_answered(request):
            raise NotFound(gettext("There is nothing to download"))
        now = timezone.now()
        live = RequestPackage.objects.filter(pk=found.pk, expires_at__gt=now, attempts_left__gt=0)
        if not live.update(attempts_left=F("attempts_left") - 1, downloaded_at=now):
            raise PackageExpired(gettext("The copy can no longer be downloaded; ask for a new one."))
        details = {"digest": found.digest, "attempts_left": found.attempts_left - 1}
        note(request, principal=principal, details=details, type_=AuditType.REQUEST_DELIVERED)
    # A service carries the sealed parcel to the person it has just seen prove the address; it has no reveal of its own.
    opener = worker(request.controller_id.hex) if principal.kind == SERVICE else principal
    file = parcels.opened(found, scope=scope_of(request), principal=opener, object_ref=reference_of(request))
    if file is None:
        raise PackageExpired
    return file


def is_available(request: SubjectRequest) -> bool:
    """Whether a package can be fetched now."""
    return RequestPackage.objects.filter(
        request=request, expires_at__gt=timezone.now(), attempts_left__gt=0, parts__position=0
    ).exists()


def open_package(request: SubjectRequest, *, until: datetime) -> None:
    """Let the service that passed a fresh code on fetch the package for a while."""
    _sent(request).update(open_until=until)


def _sent(request: SubjectRequest) -> QuerySet[RequestPackage]:
    return RequestPackage.objects.filter(request=request, expires_at__isnull=False)


def _release(request: SubjectRequest, instant: datetime) -> None:
    """Let the newest package be fetched from now on, in the place of a first part."""
    newest = RequestPackage.objects.filter(request=request).first()
    if newest is not None:
        _sent(request).exclude(pk=newest.pk).delete()
        newest.expires_at = instant + AVAILABLE_FOR
        newest.save(update_fields=["expires_at"])


def is_answered(request: SubjectRequest) -> bool:
    """Whether an answer went out, be it the first part of it."""
    return request.part_answered_at is not None or request.status in {Status.RESPONDED.value, Status.CLOSED.value}


def _require_ready(request: SubjectRequest, missing: Mapping[str, str]) -> None:
    """Raise Conflict while something is lacking that no officer left out."""
    if not reaching.goes_without(request, missing) and (unsearched := _unsearched(request)):
        names = ", ".join(unsearched)
        msg = gettext("%(names)s could not be searched; make the plan again, answer without it, or disable it first.")
        raise Conflict(msg % {"names": names})
    failed = request.outcomes.filter(outcome="failed").exclude(system__key__in=request.left_out)
    if failed.exists() or not reaching.goes_without(request, missing) or _is_unpacked(request):
        raise Conflict(
            gettext(
                "Something failed in a connected system; try it again, make the plan again, "
                "or answer without the system."
            )
        )


def _unsearched(request: SubjectRequest) -> list[str]:
    current = request.plans.order_by("-pk").first()
    return sorted({count["system"] for count in current.counts.values() if count["error"]}) if current else []


def _is_unpacked(request: SubjectRequest) -> bool:
    wants = request.rights.filter(right="access").exists()
    return wants and not RequestPackage.objects.filter(request=request).exists()


def _told_now(request: SubjectRequest) -> dict[str, Any]:
    """Keep what a first part says: the outcomes are written anew before the next letter tells them."""
    with translation.override(request.language):
        return asdict(told(request))


def _settle_rights(request: SubjectRequest, missing: Mapping[str, str]) -> dict[str, str]:
    outcomes = {}
    for row in request.rights.all():
        row.outcome = _outcome_of(request, row.right, missing)
        row.save(update_fields=["outcome"])
        outcomes[row.right] = row.outcome
    return outcomes


def _outcome_of(request: SubjectRequest, right: str, missing: Mapping[str, str]) -> str:
    if missing:
        return "refused" if _found_nothing(request) else "partly_granted"
    if _found_nothing(request):
        return "not_found"
    if right == "erasure" and request.outcomes.filter(outcome="retained").exists():
        return "partly_granted" if request.outcomes.filter(outcome="erased").exists() else "refused"
    return "granted"


def _found_nothing(request: SubjectRequest) -> bool:
    current = request.plans.order_by("-pk").first()
    rows = sum(count["rows"] for count in current.counts.values()) if current else 0
    erased = request.outcomes.filter(outcome="erased").exists()
    return rows == 0 and request.subject_id is None and not erased


def _letters(request: SubjectRequest, rest: letters.Rest) -> Iterator[Letter]:
    rights = {row.right for row in request.rights.all()}
    if "access" in rights:
        found = RequestPackage.objects.filter(request=request).first()
        withheld = [f"{each['what']}: {each['reason']}" for each in found.summary["withheld"]] if found else []
        until = cast("RequestPackage", found).expires_at.date()
        yield letters.access_ready(request, until, withheld, rest)
    if "erasure" in rights:
        if _found_nothing(request):
            yield letters.not_found(request, rest)
        else:
            with translation.override(request.language):
                ends = told(request)
            write = letters.erasure_done if ends.deleted or not ends.kept else letters.erasure_withheld
            yield write(request, ends.deleted, ends.kept, rest)
