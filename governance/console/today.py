"""The home page: figures that link, then the panels that rooms and apps plug in; it decides nothing about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from governance.console import charts, pages
from governance.console.desk import CONTROLLER_KEY, DeskRequest
from governance.errors import NotFound
from governance.models import LedgerPending, SystemStep
from governance.policy.vocabulary import Action, permits
from governance.registry import Panel, register_panel, sockets

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.policy.principal import Principal

#: Rows of a panel: `label` and, as needed, `url`, `detail`, `status` and `tone` ("ok", "info", "warn", "danger").
#: A row with `figure` (a number) goes to the strip on top.
Row = Mapping[str, Any]

LATE_SECONDS = 300
_SHOWN = 10


@require_safe
def today(request: DeskRequest) -> HttpResponse:
    """One screen about the controller in view: what is due, what waits, what is late."""
    principal = replace(request.desk.principal, controllers=frozenset({request.desk.controller.pk.hex}))
    panels = sorted((panel(principal) for panel in sockets.panels), key=lambda panel: panel.order)
    figures = [row for panel in panels for row in panel.rows if "figure" in row]
    boxes = [
        {
            "title": panel.title,
            "rows": [row for row in panel.rows if "figure" not in row][:_SHOWN],
            "empty": panel.empty,
        }
        for panel in panels
        if panel.empty or any("figure" not in row for row in panel.rows)
    ]
    drawings = [charts.drawn(panel.chart) for panel in panels if panel.chart is not None]
    return pages.render(request, "console/today.html", {"figures": figures, "boxes": boxes, "drawings": drawings})


@require_POST
def switch(request: DeskRequest) -> HttpResponse:
    """Look at another of the controllers this person works for."""
    wanted = request.POST.get("controller", "")
    if wanted not in {controller.pk.hex for controller in request.desk.controllers}:
        raise NotFound
    request.session[CONTROLLER_KEY] = wanted
    return redirect("admin:index")


def alarms(principal: Principal) -> Panel:
    """Name what does not move by itself: steps that failed and events that nobody sequences."""
    rows: list[Row] = []
    if permits(principal.roles, Action.SYSTEM_READ):
        failed = SystemStep.objects.filter(
            controller__in=[UUID(each) for each in principal.controllers], state=SystemStep.State.FAILED
        ).count()
        if failed:
            rows.append(
                {
                    "label": "A step on a connected system failed" if failed == 1 else f"{failed} steps failed",
                    "detail": "Look at the request that it belongs to; failed steps are not tried again by themselves.",
                    "status": "failed",
                    "tone": "danger",
                    "url": reverse("admin:systems"),
                }
            )
    if permits(principal.roles, Action.AUDIT_READ):
        rows.extend(_late_events())
    return Panel("Alarms", rows, "No alarms: connected systems answer and the ledger is up to date.", order=50)


def register() -> None:
    """Put the page and the panel into the console."""
    pages.register("", today, "index", label="Today", section="Today", action=Action.CONSOLE_ENTER)
    pages.register("controller/", switch, "switch_controller", label="", section="Today", action=Action.CONSOLE_ENTER)
    register_panel(alarms)


def _late_events() -> list[Row]:
    since = timezone.now() - timedelta(seconds=LATE_SECONDS)
    late = LedgerPending.objects.filter(entry__recorded_at__lt=since).count()
    if not late:
        return []
    return [
        {
            "label": f"{late} events wait for their place in the ledger",
            "detail": "The worker may have stopped: events are safe, and are signed once it runs again.",
            "status": "waiting",
            "tone": "warn",
            "url": reverse("admin:ledger"),
        }
    ]
