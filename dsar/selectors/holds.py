"""Holds that are over: what they alone kept is still there, and somebody is to erase it now; it changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext

from dsar.lifecycle import OPEN, Status
from dsar.models import FieldOutcome, SubjectRequest
from governance import access
from governance.models import DataSubject
from governance.policy.vocabulary import Action
from governance.subjects.holding import held_still

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.policy.principal import Principal

#: What an outcome cites that a hold on the request caused, or a legal hold on the person, by its reason.
CITATION: Final = "GDPR Art. 17(3)"
PERSON_CITATIONS: Final = {
    "legal_claim": "GDPR Art. 17(3)(e)",
    "legal_obligation": "GDPR Art. 17(3)(b)",
    "authority_order": "GDPR Art. 17(3)(b)",
    "subject_asked": "GDPR Art. 18(1)",
}
_ANSWERED: Final = frozenset({Status.RESPONDED, Status.CLOSED})
_MOST: Final = 3


def over(principal: Principal, now: datetime) -> list[Mapping[str, Any]]:
    """Give answered requests whose hold is over while nobody asked again to erase what it kept; one query."""
    cited = [CITATION, *PERSON_CITATIONS.values()]
    kept = FieldOutcome.objects.filter(request=OuterRef("pk"), outcome="retained", citation__in=cited)
    # A request's day ends where its controller is; a day later it has ended everywhere.
    day = (now - timedelta(days=1)).date()
    later = SubjectRequest.objects.filter(
        subject=OuterRef("subject"),
        rights__right="erasure",
        received_at__gt=OuterRef("received_at"),
        status__in=OPEN | _ANSWERED,
    )
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.filter(status__in=_ANSWERED))
    rows = rows.filter(Q(held_until=None) | Q(held_until__lt=day), Exists(kept), ~Exists(later), ~held_still())
    rows = rows.filter(subject__isnull=False).exclude(subject__status=DataSubject.Status.ERASED)
    return [
        {
            "label": row.reference,
            "detail": gettext("What the hold kept is still there. Record a new request of this person to delete it."),
            "status": gettext("hold over"),
            "tone": "danger",
            "url": reverse("admin:request", args=[row.pk]),
        }
        for row in rows.order_by("due_at", "pk").only("pk", "reference")[:_MOST]
    ]
