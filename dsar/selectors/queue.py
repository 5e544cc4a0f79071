"""The queue of requests: tabs, figures and rows, sorted by least time left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dsar.lifecycle import OPEN, TERMINAL, Status
from dsar.models import RequestRight, SubjectRequest
from dsar.selectors.due import SOON_DAYS, due
from dsar.selectors.words import RIGHT_WORDS, rights_words
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
    "resting": (_("Paused or held"), OPEN - {Status.RECEIVED, Status.VERIFYING}),
    "unverified": (_("Not yet verified"), frozenset({Status.RECEIVED, Status.VERIFYING})),
    "answered": (_("Answered"), frozenset({Status.RESPONDED})),
    "ended": (_("Ended"), frozenset(TERMINAL)),
}
#: What the second tab is called for whoever cannot decide.
WAITING_WORDS: Final = _("Waiting for an officer")
#: The one thing to do, or why there is none.
NEXT_WORDS: Final = {
    Status.AWAITING_APPROVAL.value: _("Read the plan and approve it"),
    Status.REVIEWING.value: _("Review and answer"),
}
WORKING_WORDS: Final = {
    Status.PLANNING.value: _("The connected systems are being searched"),
    Status.EXECUTING.value: _("The plan is being carried out"),
    Status.RECEIVED.value: _("The person has yet to prove the address"),
    Status.VERIFYING.value: _("The person has yet to prove the address"),
}
_WEEK: Final = timedelta(days=7)
_ORDER: Final = ("due_at", "received_at", "pk")
_HEX: Final = 32


def visible(principal: Principal) -> QuerySet[SubjectRequest]:
    """Give the requests that this principal may read."""
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.all())
    return rows.select_related("controller", "brand", "owner").defer("contact")


def tab(principal: Principal, controller: Any, name: str, now: datetime) -> QuerySet[SubjectRequest]:
    """Give the rows of one tab of one controller, least time left first."""
    rows = visible(principal).filter(controller=controller, status__in=TABS[name][1])
    return rows.filter(_condition(name, now)).order_by(*_ORDER)


def page_of(rows: QuerySet[SubjectRequest], after: str, size: int) -> tuple[list[SubjectRequest], str]:
    """Give one page of a tab and where the next one starts, empty for the last; three queries wherever it lies.

    Which rows they are is read from the index; the rows themselves are fetched for this page alone. `after` is the id
    of the last row that was seen; an unknown one is the beginning.
    """
    start = rows.filter(pk=after).values_list(*_ORDER).first() if _is_id(after) else None
    if start is not None:
        due_at, received_at, pk = start
        later = Q(due_at=due_at, received_at__gt=received_at) | Q(due_at=due_at, received_at=received_at, pk__gt=pk)
        rows = rows.filter(Q(due_at__gt=due_at) | later, due_at__gte=due_at)
    keys = list(rows.values_list("pk", flat=True)[: size + 1])
    found = rows.model.objects.filter(pk__in=keys[:size]).select_related("brand").defer("contact")
    shown = list(found.prefetch_related("rights").order_by(*_ORDER))
    return shown, keys[size - 1].hex if len(keys) > size else ""


def of_person(principal: Principal, controller: Any, person: str) -> QuerySet[SubjectRequest]:
    """Give the requests of one person, newest first; none for what is no id."""
    rows = visible(principal).filter(controller=controller)
    hexed = person.replace("-", "")
    rows = rows.filter(subject=UUID(hexed)) if _is_id(hexed) else rows.none()
    return rows.prefetch_related("rights").order_by("-received_at", "pk")


def _is_id(text: str) -> bool:
    return len(text) == _HEX and set(text) <= set("0123456789abcdef")


def tab_counts(principal: Principal, controller: Any, now: datetime) -> dict[str, int]:
    """Count every tab; two queries: by status from the index, and what asks for more among the open ones."""
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.filter(controller=controller))
    by_status = dict(rows.order_by().values_list("status").annotate(n=Count("*")))
    found = {
        name: sum(by_status.get(status.value, 0) for status in statuses) for name, (_words, statuses) in TABS.items()
    }
    asking = {
        name: Count("pk", filter=Q(status__in=TABS[name][1]) & _condition(name, now))
        for name in ("overdue", "resting", "waiting")
    }
    return found | rows.filter(status__in=OPEN).aggregate(**asking)


def _condition(name: str, now: datetime) -> Q:
    """Say what a tab asks of a row beside its status. A clock that stands still is not overdue."""
    if name == "waiting":
        return Q(paused_at__isnull=True)  # it waits for the person's answer, for nobody here
    if name == "overdue":
        return Q(due_at__lt=now, paused_at__isnull=True)
    if name == "resting":
        return Q(paused_at__isnull=False) | Q(held_until__gte=now.date())
    return Q()


def counts(principal: Principal, now: datetime) -> dict[str, int]:
    """Count what the home page shows; one query."""
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.filter(status__in=OPEN))
    return rows.aggregate(
        open=Count("pk", filter=Q(status__in=TABS["open"][1])),
        due_this_week=Count("pk", filter=Q(due_at__gte=now, due_at__lt=now + _WEEK, paused_at=None)),
        waiting=Count("pk", filter=Q(status__in=TABS["waiting"][1], paused_at=None)),
        overdue=Count("pk", filter=Q(due_at__lt=now, paused_at=None)),
    )


def first(principal: Principal, now: datetime, limit: int = 10) -> list[Mapping[str, Any]]:
    """Give the open requests with the least time left, each with the one thing to do; two queries."""
    rows = visible(principal).filter(status__in=TABS["open"][1], paused_at=None).prefetch_related("rights")
    return [
        {
            "label": f"{row.reference} · {words_of(row)}",
            "detail": next_words(row, now),
            "status": left.words,
            "tone": left.tone,
            "url": reverse("admin:request", args=[row.pk]),
        }
        for row in rows.order_by("due_at", "pk")[:limit]
        for left in [due(row.status, row.due_at, now, row.controller.time_zone)]
    ]


def next_words(row: SubjectRequest, now: datetime) -> str:
    """Say what is to be done about a request next, or what it waits for."""
    if row.stuck_code:
        return gettext("The work does not go on by itself; look at the request")
    if row.paused_at is not None and row.status in OPEN:
        return gettext("We wait for the person's answer")
    if row.status == Status.EXECUTING and row.held_until is not None and row.held_until >= now.date():
        return gettext("The erasure is held; answer in time with what is kept")
    return str(NEXT_WORDS.get(row.status) or WORKING_WORDS.get(row.status, ""))


def health(principal: Principal, now: datetime) -> list[tuple[str, tuple[int, int, int]]]:
    """Count open requests by right: on track, due soon, overdue; one query."""
    open_requests = access.visible_to(
        principal, Action.REQUEST_READ, SubjectRequest.objects.filter(status__in=TABS["open"][1], paused_at=None)
    )
    # Deadlines are ends of days: one that is so many days away, as the list says, ends within a day more.
    soon = now + timedelta(days=SOON_DAYS + 1)
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
    return [(str(RIGHT_WORDS[right]), (on_track, due_soon, late)) for right, on_track, due_soon, late in rows]


def words_of(row: SubjectRequest) -> str:
    """Name the rights of a row with prefetched rights."""
    return rights_words(row.rights.all())
