"""The choices of somebody whose address is proven: see them, say yes or no, stop everything; GET changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from consent import selectors, services
from consent.portal import visits, words
from consent.portal.entering import answered
from consent.portal.forms import ChoiceForm, ReceiptForm
from consent.selectors import centre
from governance import access
from governance.console import looked as disclosures
from governance.console import portal
from governance.errors import BadInput, Conflict
from governance.policy.vocabulary import Action
from governance.subjects import proving

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_HISTORY: Final = 50


def _require(visit: visits.Visit, action: Action) -> None:
    access.require(visit.principal, action, controller_id=visit.controller.pk)


#: Pages for somebody who has proven an address.
at_visit = portal.opener(visits.visit_of, _require, "preferences", answered)


@require_safe
@at_visit(Action.CONSENT_READ)
def choices(request: HttpRequest, visit: visits.Visit) -> HttpResponse:
    """Show every purpose with what counts for it now."""
    controller = visit.controller
    purposes = centre.purposes_of(controller)
    shown = centre.shown_to(controller, controller.language, purposes)
    history = selectors.events_of(visit.subject.pk)[:_HISTORY] if visit.subject else []
    cards = [words.card_of(lines) for lines in centre.lines_of(controller, visit.subject, purposes, timezone.now())]
    context = {
        "cards": sorted(cards, key=lambda card: not card.can_choose),
        **visits.face_of(request),
        "history": [(words.past(event), event.pk) for event in history],
        "shown": shown,
    }
    return render(request, "consent/choices.html", context)


@require_POST
@at_visit(Action.CONSENT_RECORD)
def choose(request: HttpRequest, visit: visits.Visit) -> HttpResponse:
    """Record one press of Yes or No, and say what changed."""
    form = ChoiceForm(request.POST)
    if not form.is_valid():
        raise BadInput(gettext("This cannot be chosen here"))
    data = form.cleaned_data
    pressed = services.Pressed(
        purpose=data["purpose"],
        channel=data["channel"],
        is_yes=data["choice"] == "yes",
        shown=data["shown"],
        language=visit.controller.language,
    )
    try:
        recorded = services.choose(_visitor(visit), pressed, principal=visit.principal)
    except Conflict as changed:
        messages.warning(request, changed.detail)
        return redirect("preferences_choices")
    event = recorded.event
    visits.know(request, event.subject)
    messages.success(request, words.changed(event.purpose, event.channel, is_yes=pressed.is_yes))
    return redirect("preferences_choices")


@require_POST
@at_visit(Action.CONSENT_RECORD)
def stop(request: HttpRequest, visit: visits.Visit) -> HttpResponse:
    """Stop everything that can be stopped, at once and without another question."""
    subject, recorded = services.stop_everything(_visitor(visit), principal=visit.principal)
    visits.know(request, subject)
    names = sorted({each.event.purpose.name for each in recorded})
    messages.success(request, words.stopped(names))
    return redirect("preferences_choices")


@require_safe
@at_visit(Action.CONSENT_READ)
def looked(request: HttpRequest, visit: visits.Visit) -> HttpResponse:
    """Tell who opened this person's data, and why."""
    context = {
        **disclosures.context(visit.controller, visit.subject),
        **visits.face_of(request),
        "back": reverse("preferences_choices"),
    }
    return render(request, "portal/looked.html", context)


@require_POST
@at_visit(Action.CONSENT_READ)
def receipt(request: HttpRequest, visit: visits.Visit) -> HttpResponse:
    """Hand out the proof of one of their own choices. Posted, so that no address names the choice."""
    if visit.subject is None:
        return redirect("preferences")
    form = ReceiptForm(request.POST)
    own = selectors.events_of(visit.subject.pk)
    event = own.filter(pk=form.cleaned_data["event"]).first() if form.is_valid() else None
    if event is None:
        raise BadInput(gettext("There is no such choice of yours"))
    return portal.receipt(request, services.receipt(event), event.pk.hex[:12], "preferences_choices")


def _visitor(visit: visits.Visit) -> services.Visitor:
    if visit.subject is not None:
        return services.Visitor(visit.controller, visit.subject)
    proven = proving.address_of(visit.proof_id)
    return services.Visitor(visit.controller, None, ((proven.type, proven.value),))
