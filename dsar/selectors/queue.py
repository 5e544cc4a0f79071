"""The queue of requests: tabs, figures and rows, sorted by least time left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dsar.lifecycle import OPEN, TERMINAL, Status
from dsar.models import RequestRight, SubjectRequest
from dsar.selectors.due import SOON_DAYS, due
from governance import access
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrPromise

    from governance.policy.principal import Principal

#: Tabs of the queue, in order: their words, and the statuses they show.
TABS: Final[dict[str, tuple[StrPromise, frozenset[Status]]]] = {
    "open": (_("Open"), OPEN - {Status.RECEIVED, Status.VERIFYING}),
    "waiting": (_("Waiting for you"), frozenset({Status.AWAITING_APPROVAL, Status.REVIEWING})),
    "overdue": (_("Overdue"), OPEN),
    "unverified": (_("Not yet verified"), frozenset({Status.RECEIVED, Status.VERIFYING})),
    "answered": (_("Answered"), frozenset({Status.RESPONDED})),
    "ended": (_("Ended"), frozenset(TERMINAL)),
}
#: The one thing to do, or why there is none.
NEXT_WORDS: Final = {
    Status.AWAITING_APPROVAL.value: _("Read the plan and approve it"),
    Status.REVIEWING.value: _("Review and answer"),
}
WORKING_WORDS: Final = {
    Status.PLANNING.value: _("The connected systems are being searched"),
    Status.EXECUTING.value: _("The plan is being carried out"),
}
_WEEK: Final = timedelta(days=7)


def visible(principal: Principal) -> QuerySet[SubjectRequest]:
    """Give the requests that this principal may read."""
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.all())
    return rows.select_related("controller", "brand", "owner").defer("contact")


def tab(principal: Principal, controller: Any, name: str, now: datetime) -> QuerySet[SubjectRequest]:
    """Give the rows of one tab of one controller, least time left first."""
    rows = visible(principal).filter(controller=controller, status__in=TABS[name][1])
    if name == "overdue":
        rows = rows.filter(due_at__lt=now)
    return rows.prefetch_related("rights").order_by("due_at", "received_at", "pk")


def tab_counts(principal: Principal, controller: Any, now: datetime) -> dict[str, int]:
    """Count every tab; one query."""
    conditions = {
        name: Q(status__in=statuses, **({"due_at__lt": now} if name == "overdue" else {}))
        for name, (_words, statuses) in TABS.items()
    }
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.filter(controller=controller))
    return rows.aggregate(**{name: Count("pk", filter=condition) for name, condition in conditions.items()})


def counts(principal: Principal, now: datetime) -> dict[str, int]:
    """Count what the home page shows; one query."""
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.all())
    return rows.aggregate(
        due_this_week=Count("pk", filter=Q(status__in=OPEN, due_at__gte=now, due_at__lt=now + _WEEK)),
        waiting=Count("pk", filter=Q(status__in=TABS["waiting"][1])),
        overdue=Count("pk", filter=Q(status__in=OPEN, due_at__lt=now)),
    )


def first(principal: Principal, now: datetime, limit: int = 10) -> list[Mapping[str, Any]]:
    """Give the open requests with the least time left, each with the one thing to do; two queries."""
    rows = visible(principal).filter(status__in=TABS["open"][1]).prefetch_related("rights")
    return [
        {
            "label": f"{row.reference} · {words_of(row)}",
            "detail": NEXT_WORDS.get(row.status) or WORKING_WORDS.get(row.status, ""),
            "status": left.words,
            "tone": left.tone,
            "url": reverse("admin:request", args=[row.pk]),
        }
        for row in rows.order_by("due_at", "pk")[:limit]
        for left in [due(row.status, row.due_at, now, row.controller.time_zone)]
    ]


def health(principal: Principal, now: datetime) -> list[tuple[str, tuple[int, int, int]]]:
    """Count open requests by right: on track, due soon, overdue; one query."""
    open_requests = access.visible_to(
        principal, Action.REQUEST_READ, SubjectRequest.objects.filter(status__in=TABS["open"][1])
    )
    soon = now + timedelta(days=SOON_DAYS)
    rows = (
        RequestRight.objects.filter(request__in=open_requests)
        .values_list("right")
        .annotate(
            on_track=Count("pk", filter=Q(due_at__gte=soon)),
            due_soon=Count("pk", filter=Q(due_at__gte=now, due_at__lt=soon)),
            overdue=Count("pk", filter=Q(due_at__lt=now)),
        )
        .order_by("right")
    )
    return [(right.replace("_", " "), (on_track, due_soon, late)) for right, on_track, due_soon, late in rows]


def words_of(row: SubjectRequest) -> str:
    """Name the rights of a row with prefetched rights."""
    return ", ".join(right.right.replace("_", " ") for right in row.rights.all())
