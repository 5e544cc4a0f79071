"""What officers do to a request: one POST, one service, back to the page that shows what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dsar import services
from dsar.admin.forms import ExtendForm, RefuseForm
from dsar.admin.showing import found, show
from dsar.verification import contact_of
from governance import access
from governance.console.forms import IDENTIFIER_WORDS, words
from governance.console.people import SHOWN_SECONDS
from governance.errors import Conflict
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpResponse

    from dsar.models import SubjectRequest
    from governance.console.desk import DeskRequest


@require_POST
def approve(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Approve the plan that was on the page."""
    digest = request.POST.get("plan_digest", "")
    return _done(request, request_id, "The plan is approved. It is being carried out.", services.approve, digest)


@require_POST
def refuse(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Refuse with a reason."""
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return show(request, found(request, request_id), refuse_form=form)
    return _done(
        request,
        request_id,
        "The request is refused, and the person told.",
        services.refuse,
        form.cleaned_data["reason"],
    )


@require_POST
def extend(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Take longer with a reason."""
    form = ExtendForm(request.POST)
    if not form.is_valid():
        return show(request, found(request, request_id), extend_form=form)
    return _done(
        request,
        request_id,
        "The deadline is extended, and the person told.",
        services.extend,
        form.cleaned_data["reason"],
    )


@require_POST
def plan(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Make the plan again."""
    return _done(request, request_id, "The plan is being made again.", services.plan)


@require_POST
def retry(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Try failed steps again."""
    return _done(request, request_id, "The failed steps are being tried again.", services.retry)


@require_POST
def respond(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Send the answer."""
    return _done(request, request_id, "The answer is on its way.", services.respond)


@require_POST
def close(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Close an answered request."""
    return _done(request, request_id, "The request is closed.", services.close)


@require_POST
def reveal(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Open what the person named beside the address. It is in this response alone, which no cache keeps."""
    row = found(request, request_id)
    access.require(request.desk.principal, Action.SUBJECT_REVEAL, row)
    contact = contact_of(row, principal=request.desk.principal)
    opened = [(words(kind, IDENTIFIER_WORDS), value) for kind, value in contact.claimed]
    response = show(request, row, opened=opened, shown_seconds=SHOWN_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def purge(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Destroy the request's own key before its day."""
    return _done(request, request_id, "The request's key is destroyed.", services.purge)


def _done(request: DeskRequest, request_id: UUID, said: str, service: Callable[..., Any], *more: str) -> HttpResponse:
    row: SubjectRequest = found(request, request_id)
    try:
        service(row, *more, principal=request.desk.principal)
    except Conflict as refused:
        # Somebody else was quicker, or a system failed meanwhile: the page shows how things stand now.
        return show(request, found(request, request_id), problem=refused.detail or refused.title, status=refused.status)
    messages.success(request, said)
    return redirect("admin:request", request_id=request_id)
