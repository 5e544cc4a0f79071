"""The breach register in the console: the list with its clocks, one breach from top to bottom, what is done to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance import access, incidents, vault
from governance.console import pages
from governance.console.incident_forms import (
    DELAY_WORDS,
    GROUND_WORDS,
    KIND_WORDS,
    NOTICED_WORDS,
    AuthorityForm,
    CountForm,
    DecideForm,
    NoteForm,
    OpenForm,
    PeopleDecisionForm,
)
from governance.console.words import EVENT_WORDS, actor_words, words
from governance.errors import BadInput, Conflict, NotFound
from governance.incidents import counting, register
from governance.models import Incident, IncidentEntry
from governance.policy.vocabulary import Action, RevealPurpose
from governance.registry import Panel, register_panel

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django import forms
    from django.http import HttpResponse

    from governance.console.desk import DeskRequest
    from governance.policy.principal import Principal

_PAGE: Final = 50
_SECTION: Final = "Ledger"
_HOUR: Final = 3600
#: Details that the head of the page says better.
_ON_TOP: Final = frozenset({"due_at"})


@require_safe
def listed(request: DeskRequest) -> HttpResponse:
    """List breaches: open ones first, the least time left on top."""
    rows = access.visible_to(request.desk.principal, Action.INCIDENT_READ, Incident.objects.all())
    rows = rows.filter(controller=request.desk.controller).order_by("closed_at", "due_at")
    shown = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    context = {
        "page_of_rows": shown,
        "rows": [(row, _clock(row, now), ", ".join(row.kinds)) for row in shown],
        "may_open": request.desk.may(Action.INCIDENT_OPEN),
    }
    return pages.render(request, "console/incidents.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: DeskRequest) -> HttpResponse:
    """Put a breach on record."""
    controller = request.desk.controller
    form = OpenForm(request.POST or None, controller=controller)
    if request.method == "POST" and form.is_valid():
        opening = incidents.Opening(**{**form.cleaned_data, "kinds": form.cleaned_data["kinds"]})
        try:
            made = incidents.open_incident(controller, opening, principal=request.desk.principal)
        except BadInput as refused:
            _complain(form, refused)
        else:
            return redirect("admin:incident", incident_id=made.pk)
    return pages.render(request, "console/incident_new.html", {"form": form})


@require_safe
def one(request: DeskRequest, incident_id: UUID) -> HttpResponse:
    """Show one incident."""
    return _show(request, _found(request, incident_id))


@require_POST
def note(request: DeskRequest, incident_id: UUID) -> HttpResponse:
    """Add to the timeline."""
    row, form = _found(request, incident_id), NoteForm(request.POST, auto_id="note_%s")
    return _done(
        request, row, form, "note_form", lambda typed: incidents.note(row, typed["note"], principal=_who(request))
    )


@require_POST
def count(request: DeskRequest, incident_id: UUID) -> HttpResponse:
    """Count whom it touched."""
    row = _found(request, incident_id)
    form = CountForm(request.POST, controller=row.controller, auto_id="count_%s")

    def carry_out(typed: dict[str, Any]) -> None:
        affected = _counted(row, typed)
        incidents.record_count(row, affected, typed["by"], principal=_who(request))

    return _done(request, row, form, "count_form", carry_out)


@require_POST
def decide(request: DeskRequest, incident_id: UUID, about: str) -> HttpResponse:
    """Decide about the authority or the people."""
    row, form = _found(request, incident_id), _decision_form(about, request.POST)

    def carry_out(typed: dict[str, Any]) -> None:
        decision, _colon, ground = typed["choice"].partition(":")
        text: dict[str, str] = {key: typed[key] for key in ("why", "consequences", "measures") if key in typed}
        incidents.decide(row, about=about, decision=decision, ground=ground, text=text, principal=_who(request))

    return _done(request, row, form, f"{about}_decision_form", carry_out)


@require_POST
def tell(request: DeskRequest, incident_id: UUID) -> HttpResponse:
    """Send a letter to the authority."""
    row, form = _found(request, incident_id), AuthorityForm(request.POST, auto_id="tell_%s")

    def carry_out(typed: dict[str, Any]) -> None:
        text = {key: typed[key] for key in ("what", "consequences", "measures")}
        incidents.tell_authority(row, typed["to"], text, delay_reason=typed["delay_reason"], principal=_who(request))

    return _done(request, row, form, "tell_form", carry_out)


@require_POST
def close(request: DeskRequest, incident_id: UUID) -> HttpResponse:
    """Close an incident."""
    row = _found(request, incident_id)
    incidents.close(row, principal=_who(request))
    return redirect("admin:incident", incident_id=row.pk)


@require_POST
def reveal(request: DeskRequest, incident_id: UUID, entry_id: UUID) -> HttpResponse:
    """Open what somebody wrote, in this response alone."""
    row = _found(request, incident_id)
    entry = IncidentEntry.objects.filter(incident=row, pk=entry_id).first()
    if entry is None or entry.text is None:
        raise NotFound
    opened = vault.reveal(
        entry.text,
        principal=_who(request),
        purpose=RevealPurpose.SECURITY_INCIDENT,
        object_ref=f"incident:{row.pk.hex}",
    )
    response = _show(request, row, opened={entry.pk: opened})
    response["Cache-Control"] = "no-store"
    return response


def panel(principal: Principal, now: datetime) -> Panel:
    """Show open breaches whose 72 hours run or have run out; one query."""
    if not principal.may(Action.INCIDENT_READ):
        return Panel(gettext("Breaches"), (), "", order=20)
    rows = Incident.objects.filter(
        controller__in=[UUID(each) for each in principal.controllers_where(Action.INCIDENT_READ)], closed_at=None
    )
    found = []
    for row in rows.order_by("due_at")[:5]:
        clock = _clock(row, now)
        url = reverse("admin:incident", args=[row.pk])
        found.append(
            {"label": row.reference, "detail": clock["detail"], "status": clock["words"], "tone": clock["tone"]}
        )
        found[-1]["url"] = url
    return Panel(gettext("Breaches"), found, "", order=20)


def register_pages() -> None:
    """Put the pages and the panel into the console."""
    here = "incidents/<uuid:incident_id>/"
    authority, people = partial(decide, about="authority"), partial(decide, about="persons")
    for path, view, name, label, action in (
        ("incidents/", listed, "incidents", "Breaches", Action.INCIDENT_READ),
        ("incidents/new/", new, "incident_new", "", Action.INCIDENT_OPEN),
        (here, one, "incident", "", Action.INCIDENT_READ),
        (f"{here}note/", note, "incident_note", "", Action.INCIDENT_OPEN),
        (f"{here}count/", count, "incident_count", "", Action.INCIDENT_OPEN),
        (f"{here}authority/", _named(authority, "decide_authority"), "incident_authority", "", Action.INCIDENT_DECIDE),
        (f"{here}people/", _named(people, "decide_people"), "incident_people", "", Action.INCIDENT_DECIDE),
        (f"{here}tell/", tell, "incident_tell", "", Action.INCIDENT_DECIDE),
        (f"{here}close/", close, "incident_close", "", Action.INCIDENT_DECIDE),
        (f"{here}entries/<uuid:entry_id>/", reveal, "incident_reveal", "", Action.SUBJECT_REVEAL),
    ):
        pages.register(path, view, name, label=label, section=_SECTION, action=action)
    register_panel(panel)


def _named(view: Any, name: str) -> Any:
    view.__name__ = name  # a partial has none, and the guard around a view copies it
    return view


def _who(request: DeskRequest) -> Principal:
    return request.desk.principal


def _found(request: DeskRequest, incident_id: UUID) -> Incident:
    rows = Incident.objects.filter(pk=incident_id, controller=request.desk.controller).select_related("controller")
    row: Incident | None = rows.first()
    if row is None:
        raise NotFound
    access.require(request.desk.principal, Action.INCIDENT_READ, row)
    return row


def _decision_form(about: str, data: Any = None) -> DecideForm:
    if about == "authority":
        return DecideForm(data, grounds=register.AUTHORITY_GROUNDS, auto_id="authority_%s")
    return PeopleDecisionForm(data, grounds=register.PERSONS_GROUNDS, auto_id="people_%s")


def _counted(row: Incident, typed: dict[str, Any]) -> counting.Affected:
    if typed["by"] == "reveals":
        return counting.revealed_between(row.controller, typed["since"], typed["until"], typed["actor"])
    if typed["by"] == "label":
        return counting.holding_label(row.controller, typed["label"])
    if typed["by"] == "system":
        return counting.in_system(row.controller, typed["system"])
    if typed["by"] == "key":
        return counting.under_key(row.controller, typed["key"])
    return counting.everybody(row.controller)


def _done(
    request: DeskRequest, row: Incident, form: forms.Form, name: str, carry_out: Callable[[dict[str, Any]], object]
) -> HttpResponse:
    """Carry out what a form asks for and go back to the page, or show the page with what is wrong."""
    if form.is_valid():
        try:
            carry_out(form.cleaned_data)
        except (BadInput, Conflict) as refused:
            _complain(form, refused)
        else:
            return redirect("admin:incident", incident_id=row.pk)
    shown: dict[str, Any] = {name: form, "form": form}
    return _show(request, row, **shown)


def _complain(form: forms.Form, refused: BadInput | Conflict) -> None:
    for error in refused.errors:
        name = error.pointer.strip("/")
        form.add_error(name if name in form.fields else None, error.detail)
    if not refused.errors:
        form.add_error(None, refused.detail or refused.title)


def _show(request: DeskRequest, row: Incident, *, opened: dict[UUID, Any] | None = None, **more: Any) -> HttpResponse:
    decides = request.desk.may(Action.INCIDENT_DECIDE) and row.closed_at is None
    context = {
        "row": row,
        "clock": _clock(row, timezone.now()),
        "facts": _facts(row),
        "told": row.subjects.aggregate(
            linked=Count("pk"),
            queued=Count("pk", filter=Q(outcome="queued")),
            waiting=Count("pk", filter=Q(outcome="")),
        ),
        "entries": [_line(entry, (opened or {}).get(entry.pk)) for entry in row.entries.order_by("at", "pk")],
        "is_open": bool(opened),
        "may_reveal": request.desk.may(Action.SUBJECT_REVEAL),
        "may_add": request.desk.may(Action.INCIDENT_OPEN) and row.closed_at is None,
        "may_decide": decides,
        "may_tell": decides and row.authority_decision == Incident.Decision.TELL,
        "may_close": decides and bool(row.authority_decision and row.persons_decision),
        "note_form": NoteForm(auto_id="note_%s"),
        "count_form": CountForm(controller=row.controller, auto_id="count_%s"),
        "authority_decision_form": _decision_form("authority"),
        "persons_decision_form": _decision_form("persons"),
        "tell_form": AuthorityForm(auto_id="tell_%s"),
        **more,
    }
    return pages.render(request, "console/incident.html", context)


def _facts(row: Incident) -> dict[str, Any]:
    return {
        "kinds": [words(kind, KIND_WORDS) for kind in row.kinds],
        "noticed_by": words(row.noticed_by, NOTICED_WORDS),
        "authority_ground": words(row.authority_ground, GROUND_WORDS) if row.authority_ground else "",
        "persons_ground": words(row.persons_ground, GROUND_WORDS) if row.persons_ground else "",
        "delay": words(row.delay_reason, DELAY_WORDS) if row.delay_reason else "",
    }


def _line(entry: IncidentEntry, opened: Any) -> dict[str, Any]:
    return {
        "entry": entry,
        "what": EVENT_WORDS[f"incident.{entry.event}"],
        "who": actor_words(entry.actor_ref),
        "details": ", ".join(
            f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in entry.details.items() if key not in _ON_TOP
        ),
        "opened": list(opened.items()) if isinstance(opened, dict) else None,
        "is_sealed": entry.text is not None,
    }


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).replace("_", " ")


def _clock(row: Incident, now: datetime) -> dict[str, str]:
    """Say how the 72 hours stand: words first, then the tone."""
    if row.authority_told_at is not None:
        return {"words": gettext("authority told"), "tone": "ok", "detail": gettext("The authority was told.")}
    if row.authority_decision == Incident.Decision.DO_NOT_TELL:
        return {"words": gettext("no notification"), "tone": "ok", "detail": gettext("A risk is unlikely.")}
    if row.closed_at is not None:
        return {"words": gettext("closed"), "tone": "", "detail": ""}
    hours = int((row.due_at - now).total_seconds() // _HOUR)
    detail = gettext("Decide, and tell the authority within 72 hours (GDPR Art. 33).")
    if hours < 0:
        return {"words": gettext("overdue"), "tone": "danger", "detail": detail}
    left = ngettext("%d hour left", "%d hours left", hours) % hours
    return {"words": left, "tone": "warn" if hours < 24 else "info", "detail": detail}
