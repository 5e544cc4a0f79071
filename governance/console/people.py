"""People: find one by an identifier, see what is known as sealed lozenges, reveal one value for a named purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance import access, subjects, vault
from governance.console import elevations, holds, pages, restrictions, verifying
from governance.console.forms import LookUpForm, RevealForm
from governance.console.ledger import pseudonym_of
from governance.console.words import EVENT_WORDS, IDENTIFIER_WORDS, STANDING_WORDS, actor_words, words
from governance.errors import BadInput, NotFound, Restricted
from governance.models import DataSubject, LedgerEntry, SubjectIdentifier
from governance.policy.vocabulary import Action
from governance.subjects.registering import known

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

#: After this the page with the value gives way to the page without it.
SHOWN_SECONDS = 60
_TIMELINE = 50
#: Of people found by a part of an identifier.
_MOST = 10


@dataclass(frozen=True, slots=True)
class _Line:
    """One identifier as the page shows it: sealed, or open once."""

    id: UUID
    kind: str
    is_verified: bool
    value: Any = None


@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: DeskRequest) -> HttpResponse:
    """Find a person, or people by a part of an identifier. What was typed travels in a POST's body and is not kept."""
    form = LookUpForm(request.POST or None, parts=vault.kept())
    if request.method != "POST" or not form.is_valid():
        return pages.render(request, "console/people.html", {"form": form})
    try:
        found, has_more = _found(request, form.cleaned_data["type"], form.cleaned_data["value"])
    except BadInput as unusable:
        for error in unusable.errors:
            form.add_error("value", error.detail)
        return pages.render(request, "console/people.html", {"form": form})
    if len(found) == 1:
        return redirect("admin:person", subject_id=found[0].pk)
    people = [(each, words(each.status, STANDING_WORDS)) for each in found]
    context = {"form": form, "is_absent": not found, "people": people, "has_more": has_more}
    return pages.render(request, "console/people.html", context)


def _found(request: DeskRequest, kind: str, value: str) -> tuple[list[DataSubject], bool]:
    """Answer the one person of a whole identifier, or those of a part, and whether there are more than a page shows."""
    controller, principal = request.desk.controller, request.desk.principal
    type_, _separator, index = kind.partition(".")
    if index:
        return subjects.search(controller, type_, index, value, limit=_MOST, principal=principal)
    found = subjects.look_up(controller, [(type_, value)], principal=principal)
    return ([] if found is None else [found]), False


@require_safe
def person(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Show one person: reference, standing, sealed identifiers and what happened."""
    return page(request, _person(request, subject_id))


@require_POST
def reveal(request: DeskRequest, subject_id: UUID, identifier_id: UUID) -> HttpResponse:
    """Open one value for a purpose. It is in this response alone, which no cache keeps."""
    subject = _person(request, subject_id)
    access.require(request.desk.principal, Action.SUBJECT_VIEW, subject)
    identifier = SubjectIdentifier.objects.filter(subject=subject, pk=identifier_id).first()
    if identifier is None:
        raise NotFound
    form = RevealForm(request.POST)
    if not form.is_valid():
        return page(request, subject, form=form, asked=identifier_id)
    try:
        value = vault.reveal(identifier.value, principal=request.desk.principal, purpose=form.cleaned_data["purpose"])
    except Restricted as refused:
        form.add_error("purpose", refused.detail)
        return page(request, subject, form=form, asked=identifier_id)
    response = page(request, subject, opened={identifier_id: value})
    response["Cache-Control"] = "no-store"
    return response


def register() -> None:
    """Put the pages into the console."""
    holds.register(page)
    verifying.register()
    restrictions.register(page)
    pages.register("people/", look_up, "people", label=_("Look up"), section="People", action=Action.SUBJECT_FIND)
    pages.register(
        "people/<uuid:subject_id>/", person, "person", label="", section="People", action=Action.SUBJECT_FIND
    )
    pages.register(
        "people/<uuid:subject_id>/identifiers/<uuid:identifier_id>/",
        reveal,
        "reveal_identifier",
        label="",
        section="People",
        action=Action.SUBJECT_VIEW,
    )
    elevations.register(page)


def _person(request: DeskRequest, subject_id: UUID) -> DataSubject:
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    return subject


def page(
    request: DeskRequest,
    subject: DataSubject,
    *,
    opened: dict[UUID, Any] | None = None,
    form: Any = None,
    asked: UUID | None = None,
    **more: Any,
) -> HttpResponse:
    """Render the page of a person, with what was opened or typed."""
    lines = [
        _Line(row.pk, words(row.type, IDENTIFIER_WORDS), row.verified_at is not None, (opened or {}).get(row.pk))
        for row in subject.identifiers.defer("value").order_by("type", "created_at")
    ]
    context = {
        "subject": subject,
        "standing": words(subject.status, STANDING_WORDS),
        "lines": lines,
        "is_open": bool(opened),
        "form": form or RevealForm(),
        "reveal_form": RevealForm(),
        "asked": asked,
        "may_reveal": request.desk.may(Action.SUBJECT_VIEW) and subject.status != DataSubject.Status.ERASED,
        "may_verify": request.desk.may(Action.SUBJECT_VERIFY) and subject.status != DataSubject.Status.ERASED,
        "is_masked": not request.desk.may(Action.SUBJECT_REVEAL),
        "may_read_requests": request.desk.may(Action.REQUEST_READ),
        "timeline": _timeline(subject) if request.desk.may(Action.AUDIT_READ) else None,
        "shown_seconds": SHOWN_SECONDS,
        "may_read_consent": request.desk.may(Action.CONSENT_READ),
        **elevations.facts(request, subject),
        **holds.facts(request, subject),
        **restrictions.facts(request, subject),
        **more,
    }
    return pages.render(request, "console/person.html", context)


def _timeline(subject: DataSubject) -> list[tuple[LedgerEntry, str, str]]:
    """What the ledger holds under this person's pseudonym; nothing once the key is gone, and that is the point."""
    subject_ref = pseudonym_of(subject)
    if not subject_ref:
        return []
    rows = LedgerEntry.objects.filter(subject_ref=subject_ref).defer("payload", "leaf")
    newest = rows.order_by("-recorded_at", "-id")[:_TIMELINE]
    return [(row, words(row.type, EVENT_WORDS), actor_words(row.actor_ref)) for row in newest]
