"""The pages of a new request: start, what, address, check, submit; the address travels in POST bodies only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dsar import services
from dsar.models import SubjectRequest
from dsar.portal import visits
from dsar.portal.forms import CHOICE_WORDS, CHOICES, AddressForm, ChoiceForm
from governance.console import faces
from governance.console.origin import source_of
from governance.console.portal import answered_with
from governance.errors import BadInput, TooManyRequests
from governance.policy.principal import data_subject

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


answered = answered_with("dsar/portal/refused.html")


@require_safe
@answered
def start(request: HttpRequest, brand: str = "") -> HttpResponse:
    """Say what can be asked, how long it takes and what is needed; under a brand's own address, in its name."""
    if brand:
        faces.note_brand(request, brand)
    return render(request, "dsar/portal/start.html", visits.face_of(request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def choose(request: HttpRequest) -> HttpResponse:
    """Ask what the person wants."""
    form = ChoiceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return redirect(f"{reverse('privacy_address')}?ask={form.cleaned_data['ask']}")
    cards = [(key, *words) for key, words in CHOICE_WORDS.items()]
    context = {"form": form, "cards": cards, **visits.face_of(request)}
    return render(request, "dsar/portal/choose.html", context)


@never_cache
@sensitive_post_parameters("email", "customer_number")
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def address(request: HttpRequest) -> HttpResponse:
    """Ask where the answer goes; then show all answers to be checked."""
    ask = request.POST.get("ask") or request.GET.get("ask", "")
    if ask not in CHOICES:
        return redirect("privacy_choose")
    if request.method != "POST":
        return _address_page(request, AddressForm(initial={"ask": ask}), ask)
    form = AddressForm(request.POST)
    if not form.is_valid() or "change" in request.POST:
        return _address_page(request, form, ask)
    context = {"form": form, "asked": CHOICE_WORDS[ask], "ask": ask, **visits.face_of(request)}
    return render(request, "dsar/portal/check.html", {**context, "answers": form.cleaned_data})


@never_cache
@sensitive_post_parameters("email", "customer_number")
@require_POST
@answered
def submit(request: HttpRequest) -> HttpResponse:
    """Record the request and send a code; the next page is the same for everybody."""
    form = AddressForm(request.POST)
    ask = request.POST.get("ask", "")
    if ask not in CHOICES:
        return redirect("privacy_choose")
    if not form.is_valid():
        return _address_page(request, form, ask)
    controller, answers = visits.controller_of(request), form.cleaned_data
    intake = services.Intake(
        id=uuid4(),
        rights=CHOICES[ask],
        email=answers["email"],
        manner=SubjectRequest.Manner.PORTAL.value,
        claimed=(("customer_id", answers["customer_number"]),) if answers["customer_number"] else (),
        language=controller.language,
        brand=faces.brand_of(request, controller),
        source=source_of(request),
    )
    try:
        row = services.receive(controller, intake, principal=data_subject(intake.id.hex, controller.pk.hex))
    except (BadInput, TooManyRequests) as refused:
        form.add_error("email", refused.errors[0].detail if refused.errors else refused.detail)
        return _address_page(request, form, ask)
    visits.begin(request, asked=row.pk.hex)
    return redirect("privacy_code")


def _address_page(request: HttpRequest, form: AddressForm, ask: str) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "ask": ask, **visits.face_of(request)}
    return render(request, "dsar/portal/address.html", context)
