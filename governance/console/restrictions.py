"""What keeps a person's data from being used, on their page: a restriction placed and lifted (GDPR Art. 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from governance import subjects
from governance.console import pages
from governance.console.forms import RESTRICTION_WORDS, LiftForm, RestrictForm
from governance.console.words import words
from governance.errors import NotFound
from governance.models import DataSubject
from governance.policy.vocabulary import Action
from governance.subjects import restricting
from governance.subjects.registering import known

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

#: The page of a person, which shows these forms; it is put here by console/people.py, which imports this.
_page_of: list[Callable[..., HttpResponse]] = []


@require_POST
def place(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Restrict the use of a person's data."""
    subject = _person(request, subject_id)
    form = RestrictForm(request.POST)
    if not form.is_valid():
        return _page_of[0](request, subject, restrict_form=form, form=form)
    with transaction.atomic(durable=True):
        subjects.restrict(subject, principal=request.desk.principal, ground=form.cleaned_data["ground"])
    messages.success(request, _("The data is restricted: it is kept, and used only as the law still allows."))
    return redirect("admin:person", subject_id=subject.pk)


@require_POST
def lift(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Let the data be used again."""
    subject = _person(request, subject_id)
    form = LiftForm(request.POST)
    if not form.is_valid():
        return _page_of[0](request, subject, lift_form=form, form=form)
    subjects.lift_restriction(subject, principal=request.desk.principal, was_told=form.cleaned_data["was_told"])
    messages.success(request, _("The restriction is lifted: the data may be used again."))
    return redirect("admin:person", subject_id=subject.pk)


def facts(request: DeskRequest, subject: DataSubject) -> dict[str, Any]:
    """Answer what the page of a person shows of this."""
    return {
        "is_restricted": restricting.stands_on(subject),
        "restriction": words(subject.restriction, RESTRICTION_WORDS) if subject.restriction else "",
        "may_restrict": request.desk.may(Action.SUBJECT_RESTRICT) and subject.status != DataSubject.Status.ERASED,
        "restrict_form": RestrictForm(auto_id="restrict_%s"),
        "lift_form": LiftForm(auto_id="lift_%s"),
    }


def register(page: Callable[..., HttpResponse]) -> None:
    """Put the doors into the console; `page` renders the person."""
    _page_of[:] = [page]
    for path, view, name in (
        ("people/<uuid:subject_id>/restriction/", place, "restriction_place"),
        ("people/<uuid:subject_id>/restriction/lift/", lift, "restriction_lift"),
    ):
        pages.register(path, view, name, label="", section="People", action=Action.SUBJECT_RESTRICT)


def _person(request: DeskRequest, subject_id: UUID) -> DataSubject:
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    return subject
