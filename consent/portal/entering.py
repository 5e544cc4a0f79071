"""The way into the preference centre: address, code, choices; the same pages and work for anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from consent.portal import visits
from consent.portal.forms import AddressForm
from governance.console.origin import source_of
from governance.console.portal import CodeForm, answered_with
from governance.errors import BadInput, CodeRefused, TooManyRequests
from governance.subjects import proving

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


answered = answered_with("consent/refused.html")


@never_cache
@sensitive_post_parameters("address")
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def start(request: HttpRequest) -> HttpResponse:
    """Ask for the address, and send a code to whatever address it is."""
    controller = visits.controller_of(request)
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            proof = proving.start(
                controller,
                form.cleaned_data["address"],
                purpose="preferences",
                language=controller.language,
                source=source_of(request),
                replaces=visits.pending(request),
            )
        except (BadInput, TooManyRequests) as refused:
            form.add_error("address", refused.errors[0].detail if refused.errors else refused.detail)
        else:
            visits.begin(request, proof.pk)
            return redirect("preferences_code")
    status = 422 if form.errors else 200
    return render(request, "consent/start.html", {"form": form, **visits.face_of(request)}, status=status)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def code(request: HttpRequest) -> HttpResponse:
    """Take the code; every refusal looks the same."""
    asked = visits.pending(request)
    if asked is None:
        return redirect("preferences")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            proven = proving.confirm(asked, form.cleaned_data["code"])
        except CodeRefused:
            form.add_error("code", gettext("This code does not work. Check it, or have a new one sent."))
        else:
            visits.enter(request, proven)
            return redirect("preferences_choices")
    context = {"form": form, **visits.face_of(request)}
    return render(request, "consent/code.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@answered
def leave(request: HttpRequest) -> HttpResponse:
    """End the visit, for a computer that others use as well."""
    visits.leave(request)
    return redirect("preferences")
