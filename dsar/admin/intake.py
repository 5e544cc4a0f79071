"""The page on which an officer records a request that reached the controller in another way."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from dsar import services
from dsar.admin.forms import NewRequestForm
from dsar.models import SubjectRequest
from governance.console import pages
from governance.errors import BadInput, TooManyRequests
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest
    from governance.models import Controller


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: DeskRequest) -> HttpResponse:
    """Record a request; the person proves the address by a code before anything is looked for."""
    brands = {brand.slug: brand for brand in request.desk.controller.brands.order_by("slug")}
    names = [(slug, brand.name) for slug, brand in brands.items()]
    typed = request.POST if request.method == "POST" else None
    form = NewRequestForm(typed, today=request.desk.controller.day_of(), brands=names)
    if request.method == "POST" and form.is_valid():
        asked, controller = form.cleaned_data, request.desk.controller
        intake = services.Intake(
            rights=tuple(asked["rights"]),
            email=asked["email"],
            manner=SubjectRequest.Manner.OFFICER.value,
            language=controller.language,
            brand=brands.get(asked["brand"]),
            received_at=_moment(controller, asked["received_on"]),
        )
        try:
            row = services.receive(controller, intake, principal=request.desk.principal)
        except (BadInput, TooManyRequests) as refused:
            form.add_error(None, refused.detail or refused.title)
        else:
            return _recorded(request, row)
    may_read = request.desk.may(Action.REQUEST_READ)
    return pages.render(request, "dsar/console/new.html", {"form": form, "may_read": may_read})


def _recorded(request: DeskRequest, row: SubjectRequest) -> HttpResponse:
    """Go on to the request; whoever records requests and may not read them learns the reference for the person."""
    if request.desk.may(Action.REQUEST_READ):
        return redirect("admin:request", request_id=row.pk)
    words = gettext("Recorded as %(reference)s. The person gets a code now; tell them the reference.")
    messages.success(request, words % {"reference": row.reference})
    return redirect("admin:request_new")


def _moment(controller: Controller, day: date | None) -> datetime | None:
    """Take the middle of the day in the controller's zone, or now where that has not come yet."""
    if day is None:
        return None
    return min(datetime.combine(day, time(12), tzinfo=ZoneInfo(controller.time_zone)), timezone.now())
