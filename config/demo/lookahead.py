"""The demonstration's look ahead: the queue as another day will find it, if nothing is done until then; it only reads.

The clock itself is never moved: decisions, letters and the ledger keep real time, here as everywhere. The day is an
argument of the same selectors that the queue and the home page use, so what it shows is what will be seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from consent.lifecycle import State
from consent.models import ConsentState
from dsar.selectors import queue
from governance.console import pages
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

_FARTHEST: Final = 366
_SHOWN: Final = 30
_STEPS: Final = (-7, -1, 1, 7, 30)


@require_safe
def look_ahead(request: DeskRequest) -> HttpResponse:
    """Show how deadlines stand on the day that is asked for."""
    if not settings.GOVERNANCE_DEMO:
        raise Http404
    days = _days(request.GET.get("days", ""))
    now = timezone.now()
    then = now + timedelta(days=days)
    controller = request.desk.controller
    principal = replace(request.desk.principal, controllers=frozenset({controller.pk.hex}))
    context = {
        "days": days,
        "day": then.astimezone(ZoneInfo(controller.time_zone)).date(),
        "steps": [(step, days + step) for step in _STEPS if 0 <= days + step <= _FARTHEST],
        "counts": queue.counts(principal, then),
        "rows": queue.first(principal, then, _SHOWN),
        "run_out": _run_out(request, now, then) if request.desk.may(Action.CONSENT_READ) else None,
        "here": reverse("admin:requests_ahead"),
    }
    return pages.render(request, "demo/look_ahead.html", context)


def register() -> None:
    """Put the page into the console."""
    pages.register(
        "demonstration/", look_ahead, "requests_ahead", label="Look ahead", section="Today", action=Action.REQUEST_READ
    )


def _days(text: str) -> int:
    """Read how far ahead to look; today for anything that is no number."""
    return min(int(text), _FARTHEST) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _run_out(request: DeskRequest, now: datetime, then: datetime) -> int:
    rows = ConsentState.objects.filter(controller=request.desk.controller, state=State.GIVEN)
    return rows.filter(expires_at__gt=now, expires_at__lte=then).count()
