"""The console's pages of consent: what counts for a person and why, their history, the notices; they only show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from consent import selectors
from consent.lifecycle import UNKNOWN
from consent.models import PrivacyNotice
from consent.selectors import centre
from consent.selectors.words import METHOD_WORDS, OUTCOME_WORDS, REASON_WORDS, STATE_WORDS
from governance import subjects
from governance.console import pages
from governance.console.forms import LookUpForm
from governance.console.readonly import ReadOnlyAdmin
from governance.console.words import STANDING_WORDS, words
from governance.errors import BadInput, NotFound
from governance.policy.vocabulary import Action
from governance.subjects.registering import known

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from consent.selectors.centre import Line
    from governance.console.desk import DeskRequest

_EVENTS: Final = 100


@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: DeskRequest) -> HttpResponse:
    """Find a person. The identifier travels in the body of a POST and is not kept."""
    form = LookUpForm(request.POST or None)
    found, is_absent = None, False
    if request.method == "POST" and form.is_valid():
        try:
            found = subjects.look_up(
                request.desk.controller,
                [(form.cleaned_data["type"], form.cleaned_data["value"])],
                principal=request.desk.principal,
            )
            is_absent = found is None
        except BadInput as unusable:
            for error in unusable.errors:
                form.add_error("value", error.detail)
    if found is not None:
        return redirect("admin:consent_person", subject_id=found.pk)
    return pages.render(request, "consent/console_look_up.html", {"form": form, "is_absent": is_absent})


@require_safe
def person(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Show what the one decision answers for each purpose and channel, on what evidence, and how it came to that."""
    controller = request.desk.controller
    subject = known(controller.pk, subject_id)
    if subject is None:
        raise NotFound
    purposes = centre.purposes_of(controller)
    groups = centre.lines_of(controller, subject, purposes, timezone.now())
    context = {
        "subject": subject,
        "standing": words(subject.status, STANDING_WORDS),
        "lines": [_told(line) for group in groups for line in group],
        "events": [
            {"row": row, "state": words(row.state, STATE_WORDS), "method": words(row.method, METHOD_WORDS)}
            for row in selectors.events_of(subject.pk)[:_EVENTS]
        ],
        "most_events": _EVENTS,
        "contacts": list(selectors.contacts_of(subject.pk)[:_EVENTS]),
    }
    return pages.render(request, "consent/console_person.html", context)


def _told(line: Line) -> dict[str, Any]:
    """Put one line into words; the codes stay beside them, as services get them."""
    return {
        "line": line,
        "outcome": words(line.decision.outcome, OUTCOME_WORDS),
        "reasons": [(words(code, REASON_WORDS), code) for code in line.decision.reasons],
        "state": words(line.fact.state if line.fact else UNKNOWN, STATE_WORDS),
        "method": words(line.fact.method, METHOD_WORDS) if line.fact else "",
    }


def register() -> None:
    """Put the pages into the console."""
    pages.register(
        "consent/",
        look_up,
        "consent",
        label=_("What counts for a person"),
        section="Consent",
        action=Action.CONSENT_READ,
    )
    pages.register(
        "consent/<uuid:subject_id>/", person, "consent_person", label="", section="Consent", action=Action.CONSENT_READ
    )


@admin.register(PrivacyNotice)
class PrivacyNoticeAdmin(ReadOnlyAdmin):
    """Privacy notices."""

    action = Action.CATALOGUE_READ
    list_display = ("key", "controller", "title", "material_version", "created_at")
    related = ("controller",)
    order = ("key",)
