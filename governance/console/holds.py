"""What keeps a person from being erased, on their page: holds placed and released, an erasure taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from governance import subjects
from governance.console import pages
from governance.console.forms import HOLD_WORDS, UNDO_WORDS, LegalHoldForm, UndoForm
from governance.console.words import words
from governance.errors import BadInput, Conflict, NotFound
from governance.models import DataSubject, Erasure, LegalHold
from governance.policy.vocabulary import Action
from governance.subjects import holding
from governance.subjects.registering import known

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

#: The page of a person, which shows these forms; it is put here by console/people.py, which imports this.
_page_of: list[Callable[..., HttpResponse]] = []
_OPEN = (Erasure.State.REQUESTED, Erasure.State.HELD, Erasure.State.DISABLED)
_SECTION = "People"


@require_POST
def place(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Keep a person's data by law."""
    subject = _person(request, subject_id)
    form = LegalHoldForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            subjects.place_hold(subject, reason=asked["reason"], until=asked["until"], principal=request.desk.principal)
        except BadInput as refused:
            for error in refused.errors:
                form.add_error(error.pointer.strip("/"), error.detail)
        except Conflict as refused:
            form.add_error(None, refused.detail)
        else:
            messages.success(request, _("The hold is placed: nothing of this person is erased while it stands."))
            return redirect("admin:person", subject_id=subject.pk)
    return _page_of[0](request, subject, hold_form=form, form=form)


@require_POST
def release(request: DeskRequest, subject_id: UUID, hold_id: UUID) -> HttpResponse:
    """Release a hold."""
    subject = _person(request, subject_id)
    subjects.release_hold(hold_id, subject, principal=request.desk.principal)
    messages.success(request, _("The hold is released. Erasures that waited for it go on by themselves."))
    return redirect("admin:person", subject_id=subject.pk)


@require_POST
def undo(request: DeskRequest, subject_id: UUID, erasure_id: UUID) -> HttpResponse:
    """Take an erasure back."""
    subject = _person(request, subject_id)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _page_of[0](request, subject, undo_form=form, form=form)
    subjects.undo_erasure(erasure_id, subject, reason=form.cleaned_data["reason"], principal=request.desk.principal)
    messages.success(request, _("The erasure is taken back: the person's data can be opened again."))
    return redirect("admin:person", subject_id=subject.pk)


def facts(request: DeskRequest, subject: DataSubject) -> dict[str, Any]:
    """Answer what the page of a person shows of this; a constant number of queries."""
    standing = holding.standing_on(subject)
    holds = LegalHold.objects.filter(subject=subject).order_by("released_at", "-placed_at")
    return {
        "holds": [(hold, words(hold.reason, HOLD_WORDS), hold.released_at is None) for hold in holds],
        "standing_hold": standing,
        "waiting_erasures": list(Erasure.objects.filter(subject=subject, state__in=_OPEN).order_by("requested_at")),
        "undone": [
            (row, words(row.undo_reason, UNDO_WORDS))
            for row in Erasure.objects.filter(subject=subject, state=Erasure.State.UNDONE).order_by("-ended_at")
        ],
        "may_hold": request.desk.may(Action.SUBJECT_HOLD) and subject.status != DataSubject.Status.ERASED,
        "hold_form": LegalHoldForm(auto_id="hold_%s"),
        "undo_form": UndoForm(auto_id="undo_%s"),
    }


def register(page: Callable[..., HttpResponse]) -> None:
    """Put the doors into the console; `page` renders the person."""
    _page_of[:] = [page]
    for path, view, name in (
        ("people/<uuid:subject_id>/holds/", place, "hold_place"),
        ("people/<uuid:subject_id>/holds/<uuid:hold_id>/release/", release, "hold_release"),
        ("people/<uuid:subject_id>/erasures/<uuid:erasure_id>/undo/", undo, "erasure_undo"),
    ):
        pages.register(path, view, name, label="", section=_SECTION, action=Action.SUBJECT_HOLD)


def _person(request: DeskRequest, subject_id: UUID) -> DataSubject:
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    return subject
