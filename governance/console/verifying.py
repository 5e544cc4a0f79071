"""The page on which staff verify an identifier: what convinced them and why; it opens no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance import subjects
from governance.console import pages
from governance.console.forms import VerifyForm
from governance.console.words import IDENTIFIER_WORDS, words
from governance.errors import NotFound
from governance.models import DataSubject, SubjectIdentifier
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: DeskRequest, subject_id: UUID, identifier_id: UUID) -> HttpResponse:
    """Ask how the officer knows that an identifier is the person's, and take it as theirs."""
    row = _identifier(request, subject_id, identifier_id)
    form = VerifyForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {"subject": row.subject, "row": row, "form": form, "kind": words(row.type, IDENTIFIER_WORDS)}
        return pages.render(request, "console/verify.html", context)
    subjects.verify_identifier(
        row.subject,
        row.pk,
        reason=form.cleaned_data["reason"],
        evidence=form.cleaned_data["evidence"],
        principal=request.desk.principal,
    )
    messages.success(request, _("The identifier is verified. Make the plan of an open request again to search by it."))
    return redirect("admin:person", subject_id=subject_id)


def register() -> None:
    """Put the page into the console."""
    pages.register(
        "people/<uuid:subject_id>/identifiers/<uuid:identifier_id>/verify/",
        verify,
        "verify_identifier",
        label="",
        section="People",
        action=Action.SUBJECT_VERIFY,
    )


def _identifier(request: DeskRequest, subject_id: UUID, identifier_id: UUID) -> SubjectIdentifier:
    rows = SubjectIdentifier.objects.filter(controller_id=request.desk.controller.pk, subject=subject_id)
    row: SubjectIdentifier | None = (
        rows.exclude(subject__status=DataSubject.Status.ERASED)
        .select_related("subject")
        .defer("value")
        .filter(pk=identifier_id)
        .first()
    )
    if row is None:
        raise NotFound
    return row
