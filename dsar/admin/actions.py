"""What officers do to a request: one POST, one service, back to the page that shows what became of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from dsar import services
from dsar.admin.forms import ExtendForm, HoldForm, PauseForm, RefuseForm, ResumeForm, WithoutForm
from dsar.admin.showing import found, may_follow, show
from dsar.verification import contact_of
from governance import access
from governance.api.downloads import text_file
from governance.console.people import SHOWN_SECONDS
from governance.console.words import IDENTIFIER_WORDS, words
from governance.errors import BadInput, Conflict
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from dsar.models import SubjectRequest
    from governance.console.desk import DeskRequest


@require_POST
def certificate(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Try every value of the erased person once more, and hand out the signed certificate."""
    row = found(request, request_id)
    text = services.certificate(row, principal=request.desk.principal)
    return text_file(text, f"certificate-{row.reference}.txt")


@require_POST
def approve(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Approve the plan that was on the page."""
    digest = request.POST.get("plan_digest", "")
    return _done(request, request_id, _("The plan is approved. It is being carried out."), services.approve, digest)


@require_POST
def refuse(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Refuse with a reason."""
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return show(request, found(request, request_id), refuse_form=form)
    return _done(
        request,
        request_id,
        _("The request is refused, and the person told."),
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
        _("The deadline is extended, and the person told."),
        services.extend,
        form.cleaned_data["reason"],
    )


@require_POST
def go_on(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Have the work that stopped tried again."""
    return _done(request, request_id, _("The work goes on."), services.go_on)


@require_POST
def without(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Prepare the answer without a system that cannot be reached."""
    row = found(request, request_id)
    form = WithoutForm(request.POST, refuses_only=not may_follow(row))
    if not form.is_valid():
        return show(request, row, without_form=form)
    said = _("The answer is being prepared without it. Review it, and send it.")
    return _done(request, request_id, said, services.go_without, form.cleaned_data["follows"])


@require_POST
def pause(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Ask the person something; the clock stands still where the law lets it."""
    form = PauseForm(request.POST)
    if not form.is_valid():
        return show(request, found(request, request_id), pause_form=form)
    said = _("The person is asked, and the clock stands still.")
    return _done(request, request_id, said, services.pause, form.cleaned_data["reason"])


@require_POST
def resume(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Let the clock run again."""
    form = ResumeForm(request.POST)
    if not form.is_valid():
        return show(request, found(request, request_id), resume_form=form)
    service = partial(services.resume, answered_on=form.cleaned_data["answered_on"])
    return _done(request, request_id, _("The clock runs again."), service)


@require_POST
def hold(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Keep an erasure from starting."""
    form = HoldForm(request.POST)
    row = found(request, request_id)
    if form.is_valid():
        try:
            return _done(
                request,
                request_id,
                _("Nothing is erased until then."),
                services.hold,
                form.cleaned_data["reason"],
                form.cleaned_data["until"],
            )
        except BadInput as unusable:
            for error in unusable.errors:
                form.add_error(error.pointer.lstrip("/"), error.detail)
    return show(request, row, hold_form=form)


@require_POST
def release(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Let a held erasure go on."""
    return _done(request, request_id, _("The erasure is held no longer."), services.release)


@require_POST
def keep(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """End a held request with everything kept, so that the person can be answered."""
    said = _("Everything is kept. Review the outcome and send the answer.")
    return _done(request, request_id, said, services.keep)


@require_POST
def merge(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Let an earlier request of the person answer this one."""
    into = request.POST.get("into", "")
    return _done(
        request, request_id, _("The earlier request answers this one; the person is told."), services.merge, into
    )


@require_POST
def acknowledge(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Confirm the receipt."""
    return _done(request, request_id, _("The receipt is confirmed."), services.acknowledge)


@require_POST
def plan(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Make the plan again."""
    return _done(request, request_id, _("The plan is being made again."), services.plan)


@require_POST
def retry(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Try failed steps again."""
    return _done(request, request_id, _("The failed steps are being tried again."), services.retry)


@require_POST
def respond(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Send the answer."""
    return _done(request, request_id, _("The answer is on its way."), services.respond)


@require_POST
def close(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Close an answered request."""
    return _done(request, request_id, _("The request is closed."), services.close)


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
def evidence(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Hand out the evidence of the request."""
    row = found(request, request_id)
    content = services.evidence(row, principal=request.desk.principal)
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="evidence-{row.reference}.zip"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def purge(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Destroy the request's own key before its day."""
    return _done(request, request_id, _("The request's key is destroyed."), services.purge)


def _done(
    request: DeskRequest, request_id: UUID, said: str, service: Callable[..., Any], *more: object
) -> HttpResponse:
    row: SubjectRequest = found(request, request_id)
    try:
        service(row, *more, principal=request.desk.principal)
    except Conflict as refused:
        # Somebody else was quicker, or a system failed meanwhile: the page shows how things stand now.
        return show(request, found(request, request_id), problem=refused.detail or refused.title, status=refused.status)
    messages.success(request, said)
    return redirect("admin:request", request_id=request_id)
