"""People: find one by an identifier, see what is known as sealed lozenges, reveal one value for a named purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance import access, subjects, vault
from governance.console import pages
from governance.console.forms import IDENTIFIER_WORDS, LookUpForm, RevealForm, words
from governance.errors import BadInput, NotFound
from governance.keys import data_keys, pseudonyms
from governance.models import DataSubject, LedgerEntry, SubjectIdentifier
from governance.policy.vocabulary import Action
from governance.subjects.registering import known, scope_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

#: After this the page with the value gives way to the page without it.
SHOWN_SECONDS = 60
_TIMELINE = 50


@dataclass(frozen=True, slots=True)
class _Line:
    """One identifier as the page shows it: sealed, or open once."""

    id: UUID
    kind: str
    is_verified: bool
    value: Any = None


@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: DeskRequest) -> HttpResponse:
    """Find a person. The identifier travels in the body of a POST and is not kept."""
    form = LookUpForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return pages.render(request, "console/people.html", {"form": form})
    try:
        found = subjects.find(request.desk.controller, [(form.cleaned_data["type"], form.cleaned_data["value"])])
    except BadInput as unusable:
        for error in unusable.errors:
            form.add_error("value", error.detail)
        return pages.render(request, "console/people.html", {"form": form})
    if found is None:
        return pages.render(request, "console/people.html", {"form": form, "is_absent": True})
    return redirect("admin:person", subject_id=found.pk)


@require_safe
def person(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Show one person: reference, standing, sealed identifiers and what happened."""
    return _page(request, _person(request, subject_id))


@require_POST
def reveal(request: DeskRequest, subject_id: UUID, identifier_id: UUID) -> HttpResponse:
    """Open one value for a purpose. It is in this response alone, which no cache keeps."""
    subject = _person(request, subject_id)
    access.require(request.desk.principal, Action.SUBJECT_REVEAL, subject)
    identifier = SubjectIdentifier.objects.filter(subject=subject, pk=identifier_id).first()
    if identifier is None:
        raise NotFound
    form = RevealForm(request.POST)
    if not form.is_valid():
        return _page(request, subject, form=form, asked=identifier_id)
    value = vault.reveal(identifier.value, principal=request.desk.principal, purpose=form.cleaned_data["purpose"])
    response = _page(request, subject, opened={identifier_id: value})
    response["Cache-Control"] = "no-store"
    return response


def register() -> None:
    """Put the pages into the console."""
    pages.register("people/", look_up, "people", label="Look up", section="People", action=Action.SUBJECT_FIND)
    pages.register(
        "people/<uuid:subject_id>/", person, "person", label="", section="People", action=Action.SUBJECT_FIND
    )
    pages.register(
        "people/<uuid:subject_id>/identifiers/<uuid:identifier_id>/",
        reveal,
        "reveal_identifier",
        label="",
        section="People",
        action=Action.SUBJECT_REVEAL,
    )


def _person(request: DeskRequest, subject_id: UUID) -> DataSubject:
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    return subject


def _page(
    request: DeskRequest,
    subject: DataSubject,
    *,
    opened: dict[UUID, Any] | None = None,
    form: RevealForm | None = None,
    asked: UUID | None = None,
) -> HttpResponse:
    lines = [
        _Line(row.pk, words(row.type, IDENTIFIER_WORDS), row.verified_at is not None, (opened or {}).get(row.pk))
        for row in subject.identifiers.defer("value").order_by("type", "created_at")
    ]
    context = {
        "subject": subject,
        "lines": lines,
        "is_open": bool(opened),
        "form": form or RevealForm(),
        "asked": asked,
        "may_reveal": request.desk.may(Action.SUBJECT_REVEAL) and subject.status != DataSubject.Status.ERASED,
        "timeline": _timeline(subject) if request.desk.may(Action.AUDIT_READ) else None,
        "shown_seconds": SHOWN_SECONDS,
    }
    return pages.render(request, "console/person.html", context)


def _timeline(subject: DataSubject) -> list[LedgerEntry]:
    """What the ledger holds under this person's pseudonym; nothing once the key is gone, and that is the point."""
    scope = scope_of(subject)
    key = data_keys.opener([scope])[scope]
    if key is None:
        return []
    rows = LedgerEntry.objects.filter(subject_ref=pseudonyms.of_key(key.pseudonym_key))
    return list(rows.defer("payload", "leaf").order_by("-recorded_at", "-id")[:_TIMELINE])
