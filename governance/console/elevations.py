"""Broken glasses: taken and ended on the page of a person, listed, ended and reviewed by officers; services decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.db.models import F
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from governance.access import elevation, second_factor
from governance.access.second_factor import Standing
from governance.console import pages
from governance.console.forms import ConsoleForm
from governance.console.words import words
from governance.errors import Conflict, NotFound
from governance.models import DataSubject, Elevation
from governance.policy.vocabulary import Action
from governance.subjects.registering import known

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest

_PAGE: Final = 50
#: The page of a person, which shows the form; it is put here by console/people.py, which imports this.
_page_of: list[Callable[..., HttpResponse]] = []
GLASS_WORDS: Final = {
    "caller_check": _("The person is on the line, and I must tell them from somebody else"),
    "danger": _("Somebody's life or health is in danger"),
    "security_incident": _("A security incident that cannot wait"),
    "outage": _("The system where I would see this does not answer"),
}
VERDICT_WORDS: Final = {"justified": _("Justified"), "not_justified": _("Not justified")}


class GlassForm(ConsoleForm):
    """Why the glass is broken."""

    reason = forms.ChoiceField(
        label=_("Why can this not wait?"),
        choices=[("", _("Choose a reason")), *GLASS_WORDS.items()],
        error_messages={"required": _("Choose why this cannot wait")},
    )


class VerdictForm(ConsoleForm):
    """What a review came to."""

    finding = forms.ChoiceField(
        label=_("What was it?"),
        choices=[("", _("Choose what it was")), *VERDICT_WORDS.items()],
        error_messages={"required": _("Choose what it was")},
    )


@require_POST
def take(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """Break the glass for one person."""
    subject = _person(request, subject_id)
    form = GlassForm(request.POST, auto_id="glass_%s")
    if form.is_valid():
        is_fresh = second_factor.standing(request, request.user) is Standing.FRESH
        try:
            elevation.break_glass(
                subject, principal=request.desk.principal, is_factor_fresh=is_fresh, **form.cleaned_data
            )
        except Conflict as refused:
            form.add_error(None, refused.detail)
        else:
            messages.success(request, gettext("The glass is broken: this person's data opens in clear, for you alone."))
            return redirect("admin:person", subject_id=subject.pk)
    return _page_of[0](request, subject, glass_form=form, form=form)


@require_POST
def leave(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """End one's own before its time."""
    subject = _person(request, subject_id)
    row = elevation.standing(request.desk.principal, subject)
    if row is None or row.subject_id != subject.pk:
        raise NotFound
    elevation.end(row.pk, principal=request.desk.principal)
    messages.success(request, gettext("It has ended: values are behind their masks again."))
    return redirect("admin:person", subject_id=subject.pk)


@require_safe
def elevations(request: DeskRequest) -> HttpResponse:
    """List broken glasses, those that wait for a review first."""
    return _list(request)


@require_POST
def end(request: DeskRequest, elevation_id: UUID) -> HttpResponse:
    """End somebody else's."""
    elevation.end(elevation_id, principal=request.desk.principal)
    messages.success(request, gettext("It has ended: values are behind their masks again."))
    return redirect("admin:elevations")


@require_POST
def review(request: DeskRequest, elevation_id: UUID) -> HttpResponse:
    """Say what one was."""
    form = VerdictForm(request.POST, auto_id=f"verdict_{elevation_id.hex}_%s")
    if not form.is_valid():
        return _list(request, asked=elevation_id, form=form)
    elevation.review(elevation_id, principal=request.desk.principal, **form.cleaned_data)
    messages.success(request, gettext("The review is noted."))
    return redirect("admin:elevations")


def facts(request: DeskRequest, subject: DataSubject) -> dict[str, Any]:
    """Answer what the page of a person shows of this; one query for whoever may, none for others."""
    desk = request.desk
    is_theirs = desk.may(Action.ACCESS_ELEVATE) and not desk.may(Action.SUBJECT_REVEAL)
    if not is_theirs or subject.status == DataSubject.Status.ERASED:
        return {"may_break_glass": False}
    row = elevation.standing(desk.principal, subject)
    runs = row is not None and row.ended_at is None and row.until > desk.instant
    return {
        "may_break_glass": True,
        "glass": row if row is not None and runs and row.subject_id == subject.pk else None,
        "glass_waits": row is not None,
        "glass_minutes": elevation.minutes(),
        "glass_form": GlassForm(auto_id="glass_%s"),
    }


def register(page: Callable[..., HttpResponse]) -> None:
    """Put the pages into the console; `page` renders the person."""
    _page_of[:] = [page]
    section, review_ = "People", Action.ACCESS_REVIEW
    at = "people/<uuid:subject_id>/glass/"
    pages.register(at, take, "glass_break", label="", section=section, action=Action.ACCESS_ELEVATE)
    # To end asks for no fresh factor: what closes must never be harder than what opens. The service knows whose it is.
    pages.register(f"{at}end/", leave, "glass_leave", label="", section=section, action=Action.SUBJECT_FIND)
    label = _("Broken glass")
    pages.register("glass/", elevations, "elevations", label=label, section=section, action=review_)
    at = "glass/<uuid:elevation_id>/"
    pages.register(f"{at}end/", end, "elevation_end", label="", section=section, action=review_)
    pages.register(f"{at}review/", review, "elevation_review", label="", section=section, action=review_)


def _list(request: DeskRequest, *, asked: UUID | None = None, form: VerdictForm | None = None) -> HttpResponse:
    rows = Elevation.objects.filter(controller=request.desk.controller).select_related("staff", "reviewed_by")
    newest = rows.order_by(F("reviewed_at").desc(nulls_first=True), "-taken_at")[:_PAGE]
    lines = [_line(request, row, form if row.pk == asked else None) for row in newest]
    status = 400 if form is not None else 200
    return pages.render(request, "console/elevations.html", {"lines": lines, "form": form}, status=status)


def _line(request: DeskRequest, row: Elevation, form: VerdictForm | None) -> dict[str, Any]:
    return {
        "row": row,
        "why": words(row.reason, GLASS_WORDS),
        "runs": row.ended_at is None and row.until > request.desk.instant,
        "over": row.ended_at or row.until,
        "is_own": row.staff_id == request.user.pk,
        "verdict": words(row.finding, VERDICT_WORDS) if row.finding else "",
        "form": form or VerdictForm(auto_id=f"verdict_{row.pk.hex}_%s"),
    }


def _person(request: DeskRequest, subject_id: UUID) -> DataSubject:
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    return subject
