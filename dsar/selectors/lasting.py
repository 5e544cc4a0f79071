"""What is kept longer than it should be: past its date, or past the hold that kept it; it changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from dsar.lifecycle import OPEN, Status
from dsar.models import FieldOutcome, SubjectRequest
from governance import access
from governance.models import DataSubject, LegalHold, SystemStep
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.policy.principal import Principal

_ANSWERED: Final = frozenset({Status.RESPONDED, Status.CLOSED})
_MOST: Final = 5


def past_their_date(principal: Principal, now: datetime) -> list[Mapping[str, Any]]:
    """Give requests of which something could not be erased when a law kept it no longer; one query."""
    missed = SystemStep.objects.filter(job=OuterRef("kept_job"), spec__missed=True)
    rows = _free(principal, now).filter(Exists(missed), kept_job__isnull=False)
    words = gettext("What a law kept could not be erased on its date. It is tried again; look at the system.")
    return _lines(rows, words, gettext("kept too long"))


def past_their_hold(principal: Principal, now: datetime) -> list[Mapping[str, Any]]:
    """Give answered requests whose hold is over while nobody asked again to erase what it kept; one query."""
    kept = FieldOutcome.objects.filter(by_hold=True, outcome=FieldOutcome.Outcome.RETAINED).values("request_id")
    again = SubjectRequest.objects.filter(
        subject=OuterRef("subject"),
        rights__right="erasure",
        received_at__gt=OuterRef("received_at"),
        status__in=OPEN | _ANSWERED,
    )
    rows = _free(principal, now).filter(~Exists(again), pk__in=kept, status__in=_ANSWERED, subject__isnull=False)
    words = gettext("What the hold kept is still there. Record a new request of this person to delete it.")
    return _lines(rows.exclude(subject__status=DataSubject.Status.ERASED), words, gettext("hold over"))


def _free(principal: Principal, now: datetime) -> QuerySet[SubjectRequest]:
    """Give the requests on which, and on whose person, no hold stands any more, wherever the day is counted."""
    day = (now - timedelta(days=1)).date()
    standing = LegalHold.objects.filter(subject=OuterRef("subject"), released_at=None)
    standing = standing.filter(Q(until=None) | Q(until__gte=day))
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.all())
    return rows.filter(Q(held_until=None) | Q(held_until__lt=day), ~Exists(standing))


def _lines(rows: QuerySet[SubjectRequest], words: str, status: str) -> list[Mapping[str, Any]]:
    return [
        {
            "label": row.reference,
            "detail": words,
            "status": status,
            "tone": "danger",
            "url": reverse("admin:request", args=[row.pk]),
        }
        for row in rows.order_by("due_at", "pk").only("pk", "reference")[:_MOST]
    ]
