"""The home page: figures that link, then the panels that rooms and apps plug in; it decides nothing about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from governance.console import charts, clock, pages
from governance.console.desk import CONTROLLER_KEY, DeskRequest
from governance.errors import NotFound
from governance.models import Erasure, LedgerPending, System, SystemStep
from governance.policy.vocabulary import Action
from governance.registry import Panel, register_panel, sockets
from governance.systems import silence

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from governance.policy.principal import Principal

#: Rows of a panel: `label` and, as needed, `url`, `detail`, `status` and `tone` ("ok", "info", "warn", "danger").
#: A row with `figure` (a number) goes to the strip on top.
Row = Mapping[str, Any]

LATE_SECONDS = 300
_MOST_LATE = 1000
_SHOWN = 10


@require_safe
def today(request: DeskRequest) -> HttpResponse:
    """One screen about the controller in view: what is due, what waits, what is late."""
    principal, instant = request.desk.principal, request.desk.instant
    panels = sorted((panel(principal, instant) for panel in sockets.panels), key=lambda panel: panel.order)
    figures = [row for panel in panels for row in panel.rows if "figure" in row]
    boxes = [
        {
            "title": panel.title,
            "rows": [row for row in panel.rows if "figure" not in row][:_SHOWN],
            "empty": panel.empty,
            "more": panel.more,
        }
        for panel in panels
        if panel.empty or any("figure" not in row for row in panel.rows)
    ]
    drawings = [charts.drawn(panel.chart) for panel in panels if panel.chart is not None]
    context = {
        "figures": figures,
        "boxes": boxes,
        "drawings": drawings,
        "may_requests": request.desk.may(Action.REQUEST_READ),
        "places": [place for place in request.desk.sections if not place.is_current],
    }
    return pages.render(request, "console/today.html", context)


@require_POST
def switch(request: DeskRequest) -> HttpResponse:
    """Look at another of the controllers this person works for."""
    wanted = request.POST.get("controller", "")
    if wanted not in {controller.pk.hex for controller in request.desk.controllers}:
        raise NotFound
    request.session[CONTROLLER_KEY] = wanted
    return redirect("admin:index")


@require_POST
def turn_clock(request: DeskRequest) -> HttpResponse:
    """Look at another day, in the demonstration."""
    clock.turn(request, request.POST.get("days", ""))
    return redirect(_here(request.POST.get("here", "")))


def alarms(principal: Principal, _instant: datetime) -> Panel:
    """Name what does not move by itself: steps that failed and events that nobody sequences; always as it is now."""
    rows: list[Row] = []
    # Whoever may see neither is not told that all is well.
    empty = gettext("Nothing is amiss: connected systems answer and the ledger is up to date.")
    if not principal.may(Action.SYSTEM_READ) and not principal.may(Action.AUDIT_READ):
        empty = ""
    if principal.may(Action.SYSTEM_READ):
        served = [UUID(each) for each in principal.controllers_where(Action.SYSTEM_READ)]
        rows.extend(_silent(served))
        rows.extend(_failed(served))
    if principal.may(Action.AUDIT_READ):
        rows.extend(_refuted(principal))
        rows.extend(_late_events())
    return Panel(gettext("Systems and ledger"), rows, empty, order=50)


def register() -> None:
    """Put the page and the panel into the console."""
    pages.register("", today, "index", label=_("Today"), section="Today", action=Action.CONSOLE_ENTER)
    pages.register("controller/", switch, "switch_controller", label="", section="Today", action=Action.CONSOLE_ENTER)
    pages.register("clock/", turn_clock, "turn_clock", label="", section="Today", action=Action.CONSOLE_ENTER)
    register_panel(alarms)


def _here(wanted: str) -> str:
    """Answer the page of this console to return to: no form may send anybody elsewhere."""
    home = reverse("admin:index")
    is_ours = wanted.startswith(home) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else home


def _silent(served: list[UUID]) -> list[Row]:
    """Name the systems that work waits for: whoever can bring them back should know before a deadline does."""
    return [
        {
            "label": system.name,
            "detail": gettext("It is asked again by itself; requests wait for it meanwhile."),
            "status": gettext("does not answer"),
            "tone": "danger",
            "url": reverse("admin:system", args=[system.pk]),
        }
        for system in silence.among(System.objects.filter(controller__in=served)).only("pk", "name")
    ]


def _failed(served: list[UUID]) -> list[Row]:
    failed = SystemStep.objects.filter(controller__in=served, state=SystemStep.State.FAILED).count()
    if not failed:
        return []
    return [
        {
            "label": ngettext("A step on a connected system failed", "%(n)d steps failed", failed) % {"n": failed},
            "detail": gettext(
                "Look at the request that it belongs to; failed steps are not tried again by themselves."
            ),
            "status": gettext("failed"),
            "tone": "danger",
            "url": reverse("admin:systems"),
        }
    ]


def _refuted(principal: Principal) -> list[Row]:
    """Tell of erased people of whom something still opened: their key is back, so somebody has to look."""
    served = [UUID(each) for each in principal.controllers_where(Action.AUDIT_READ)]
    count = Erasure.objects.filter(controller__in=served, certificate="").exclude(refused_at=None).count()
    if not count:
        return []
    return [
        {
            "label": ngettext("Data of an erased person still opens", "Data of %(n)d erased people still open", count)
            % {"n": count},
            "detail": gettext("No certificate was given. Carry the erasures out again: manage.py restore --replay"),
            "status": gettext("not destroyed"),
            "tone": "danger",
            "url": reverse("admin:ledger"),
        }
    ]


def _late_events() -> list[Row]:
    since = timezone.now() - timedelta(seconds=LATE_SECONDS)
    # Oldest first, because ids grow with time; and no more than tells that the worker stands still.
    oldest = LedgerPending.objects.order_by("pk").values_list("entry__recorded_at", flat=True)[:_MOST_LATE]
    late = sum(recorded_at < since for recorded_at in oldest)
    if not late:
        return []
    return [
        {
            "label": ngettext("One event waits for its place", "%(n)d events wait for their place", late) % {"n": late},
            "detail": gettext("The worker may have stopped: events are safe, and are signed once it runs again."),
            "status": gettext("waiting"),
            "tone": "warn",
            "url": reverse("admin:ledger"),
        }
    ]
