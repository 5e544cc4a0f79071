"""The pages of a request that exists: code, status, withdraw, return, download; each bound to a proven address."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dsar import services
from dsar.lifecycle import Event
from dsar.models import RequestPackage, SubjectRequest
from dsar.portal import visits
from dsar.portal.asking import answered
from dsar.portal.forms import ReturnForm
from dsar.selectors.story import story
from dsar.services.wording import Told, told
from dsar.verification import reference_of
from governance import access
from governance.console import faces, portal
from governance.console import looked as disclosures
from governance.console.origin import source_of
from governance.console.portal import CodeForm
from governance.errors import BadInput, CodeRefused, NotFound, TooManyRequests
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from django.http import HttpRequest


def _require(row: SubjectRequest, action: Action) -> None:
    access.require(visits.principal_of(row), action, row)


#: Pages of the request in this visitor's hand.
of_proven = portal.opener(visits.request_in_hand, _require, "privacy_return", answered)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def code(request: HttpRequest) -> HttpResponse:
    """Take the code. The page and its refusals are the same for everybody."""
    if not {"asked", "reference"} & visits.pending(request).keys():
        return redirect("privacy_return")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = _proven(request, form.cleaned_data["code"])
        except CodeRefused:
            form.add_error("code", gettext("This code does not work. Check it, or have a new one sent."))
        else:
            visits.enter(request, row)
            return redirect("privacy_status")
    return render(request, "dsar/portal/code.html", {"form": form, **visits.face_of(request)})


@never_cache
@require_POST
@answered
def code_again(request: HttpRequest) -> HttpResponse:
    """Send a new code for the request in hand; a person who came back types the address again."""
    asked = visits.pending(request).get("asked")
    row = (
        SubjectRequest.objects.filter(pk=UUID(asked), controller=visits.controller_of(request)).first()
        if asked
        else None
    )
    if row is None:
        return redirect("privacy_return")
    try:
        services.send_code(row, principal=visits.principal_of(row), source=source_of(request))
    except TooManyRequests as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, gettext("We sent a new code. The old one no longer works."))
    return redirect("privacy_code")


@never_cache
@sensitive_post_parameters("email")
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def come_back(request: HttpRequest) -> HttpResponse:
    """Take reference and address; a code goes to the address whatever they are."""
    form = ReturnForm(request.POST if request.method == "POST" else None)
    controller = visits.controller_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            proof_id = services.start_again(
                controller, form.cleaned_data["email"], controller.language, source_of(request)
            )
        except (BadInput, TooManyRequests) as refused:
            form.add_error("email", refused.errors[0].detail if refused.errors else refused.detail)
        else:
            visits.begin(request, reference=form.cleaned_data["reference"], proof=proof_id.hex)
            return redirect("privacy_code")
    return render(request, "dsar/portal/return.html", {"form": form, **visits.face_of(request)})


@require_safe
@of_proven(Action.REQUEST_READ)
def status(request: HttpRequest, row: SubjectRequest) -> HttpResponse:
    """Tell how far the request is, and what the person can do now."""
    context = {
        "row": row,
        "rights": list(row.rights.all()),
        "steps": story(row),
        "told": _told(row),
        "may_withdraw": Event.WITHDRAW in services.possible(row),
        "may_download": services.is_available(row),
        **_face(row),
    }
    return render(request, "dsar/portal/status.html", context)


@require_safe
@of_proven(Action.REQUEST_READ)
def looked(request: HttpRequest, row: SubjectRequest) -> HttpResponse:
    """Tell who opened this person's data, and why."""
    context = {
        **disclosures.context(row.controller, row.subject, [reference_of(row)]),
        **_face(row),
        "back": reverse("privacy_status"),
    }
    return render(request, "portal/looked.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_proven(Action.REQUEST_CREATE)
def withdraw(request: HttpRequest, row: SubjectRequest) -> HttpResponse:
    """Ask once more, then stop."""
    if request.method != "POST":
        return render(request, "dsar/portal/withdraw.html", {"row": row, **_face(row)})
    services.withdraw(row, principal=visits.principal_of(row))
    messages.success(request, gettext("Your request is withdrawn. Nothing was changed."))
    return redirect("privacy_status")


@require_http_methods(["GET", "HEAD", "POST"])
@of_proven(Action.REQUEST_READ)
def download(request: HttpRequest, row: SubjectRequest) -> HttpResponse:
    """Say what is in the copy and what is not; give it on POST, because scanners and previews follow links."""
    if request.method == "POST":
        return _attachment(services.download(row, principal=visits.principal_of(row)), row.reference)
    package = RequestPackage.objects.filter(request=row, expires_at__isnull=False).first()
    if package is None:
        raise NotFound(gettext("There is nothing to download"))
    context = {"row": row, "package": package, "is_open": services.is_available(row), **_face(row)}
    return render(request, "dsar/portal/download.html", context)


@require_POST
@of_proven(Action.REQUEST_READ)
def receipt(request: HttpRequest, row: SubjectRequest) -> HttpResponse:
    """Hand out the proof that the request was answered, for the person to keep."""
    return portal.receipt(request, services.receipt(row), row.reference, "privacy_status")


@never_cache
@require_POST
@answered
def leave(request: HttpRequest) -> HttpResponse:
    """End the visit, for a computer that others use as well."""
    visits.leave(request)
    return redirect("privacy")


def _face(row: SubjectRequest) -> dict[str, object]:
    return faces.face(row.controller, row.brand)


def _told(row: SubjectRequest) -> Told | None:
    """Say what was deleted and what is kept, once the person was told so by letter, and no more than it told."""
    if row.responded_at is not None:
        return told(row)
    return Told(**row.part_told) if row.part_told else None


def _proven(request: HttpRequest, typed: str) -> SubjectRequest:
    ids, controller = visits.pending(request), visits.controller_of(request)
    if "reference" in ids:
        return services.find_again(controller, ids["reference"], UUID(ids["proof"]), typed)
    row = SubjectRequest.objects.filter(pk=UUID(ids["asked"]), controller=controller).first()
    if row is None:
        raise CodeRefused
    return services.verify(row, typed, principal=visits.principal_of(row))


def _attachment(content: BinaryIO, reference: str) -> FileResponse:
    response = FileResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="your-data-{reference}.zip"'
    response["Cache-Control"] = "no-store"
    return response
