"""The audit explorer: the ledger by filters, by person, and each event with its place in the tree; it only reads."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance import access, subjects
from governance.audit import watching
from governance.console import explorer, pages
from governance.console.forms import LedgerFilterForm, LookUpForm
from governance.console.words import (
    DETAIL_NAMES,
    DETAIL_WORDS,
    EVENT_WORDS,
    REASON_WORDS,
    actor_words,
    words,
)
from governance.errors import BadInput, NotFound
from governance.keys import data_keys, pseudonyms
from governance.policy.principal import SERVICE, STAFF
from governance.policy.vocabulary import Action
from governance.subjects.registering import known, scope_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse
    from django_stubs_ext import StrPromise

    from governance.console.desk import Desk, DeskRequest
    from governance.models import DataSubject, LedgerEntry


#: The list has two forms with a field `type`; no two elements of a page have the same id.
_LOOK_UP_ID = "person_%s"


@require_http_methods(["GET", "HEAD", "POST"])
def ledger(request: DeskRequest) -> HttpResponse:
    """List events, newest first. Filters are posted and checked, and only opaque ones go into the address."""
    return _list(request, reverse("admin:ledger"))


@require_http_methods(["GET", "HEAD", "POST"])
def person_ledger(request: DeskRequest, subject_id: UUID) -> HttpResponse:
    """List the events about one person: those under their pseudonym, which nobody can find once the key is gone."""
    subject = known(request.desk.controller.pk, subject_id)
    if subject is None:
        raise NotFound
    access.require(request.desk.principal, Action.SUBJECT_FIND, subject)
    return _list(request, reverse("admin:person_ledger", args=[subject_id]), subject)


@require_POST
def find_person(request: DeskRequest) -> HttpResponse:
    """Lead from an identifier to the events about that person. It travels in the body of a POST and is not kept."""
    access.require(request.desk.principal, Action.SUBJECT_FIND, controller_id=request.desk.controller.pk)
    form = LookUpForm(request.POST, auto_id=_LOOK_UP_ID)
    found = None
    if form.is_valid():
        try:
            found = subjects.look_up(
                request.desk.controller,
                [(form.cleaned_data["type"], form.cleaned_data["value"])],
                principal=request.desk.principal,
            )
        except BadInput as unusable:
            for error in unusable.errors:
                form.add_error("value", error.detail)
        else:
            if found is None:
                form.add_error("value", _("Nobody is known here by this identifier."))
    if found is None:
        return _list(request, reverse("admin:ledger"), look_up=form)
    return redirect("admin:person_ledger", subject_id=found.pk)


@require_safe
def event(request: DeskRequest, event_id: UUID) -> HttpResponse:
    """Show one event: what was recorded, and whether it stands unchanged under the signed head."""
    row = explorer.visible(request.desk).filter(pk=event_id).select_related("leaf_row", "body_row").first()
    if row is None:
        raise NotFound
    leaf = getattr(row, "leaf_row", None)
    checkpoint = explorer.checkpoint_facts()
    context = {
        "row": row,
        "said": words(row.type, EVENT_WORDS),
        "facts": _facts(row, request.desk),
        "payload": json.dumps(json.loads(row.payload), indent=2, ensure_ascii=False),
        "has_body": getattr(row, "body_row", None) is not None,
        "position": None if leaf is None else leaf.position,
        # RFC 6962 §2.1; a changed payload no longer gives the recorded leaf.
        "is_unchanged": sha256(b"\x00" + row.payload.encode()).digest()
        == bytes(row.leaf)
        == (bytes(leaf.hash) if leaf is not None else bytes(row.leaf)),
        "checkpoint": checkpoint,
        "is_covered": leaf is not None and checkpoint is not None and leaf.position < checkpoint["size"],
    }
    return pages.render(request, "console/event.html", context)


def pseudonym_of(subject: DataSubject) -> str:
    """Answer the reference under which the ledger speaks of this person; empty once their key is gone."""
    scope = scope_of(subject)
    key = data_keys.opener([scope])[scope]
    return "" if key is None else pseudonyms.of_key(key.pseudonym_key)


def register() -> None:
    """Put the pages into the console."""
    for path, view, name, label in (
        ("ledger/", ledger, "ledger", _("Events")),
        ("ledger/find/", find_person, "ledger_find", ""),
        ("ledger/people/<uuid:subject_id>/", person_ledger, "person_ledger", ""),
        ("ledger/<uuid:event_id>/", event, "event", ""),
    ):
        pages.register(path, view, name, label=label, section="Ledger", action=Action.AUDIT_READ)


def _list(
    request: DeskRequest, here: str, subject: DataSubject | None = None, look_up: LookUpForm | None = None
) -> HttpResponse:
    is_filtering = request.method == "POST" and look_up is None
    actors = explorer.actors(request.desk)
    form = LedgerFilterForm(actors, request.POST if is_filtering else request.GET)
    if is_filtering and form.is_valid():
        return redirect(f"{here}?{_query(form)}".rstrip("?"))
    subject_ref = pseudonym_of(subject) if subject else ""
    rows: list[LedgerEntry] = []
    cursor = ""
    if form.is_valid() and (subject is None or subject_ref):
        rows, cursor = explorer.page(request.desk, form.cleaned_data, request.GET.get("after", ""), subject_ref)
    names = {ref: name for ref, name in actors if ref.startswith((f"{STAFF}:", f"{SERVICE}:"))}
    context = {
        "form": form,
        "here": here,
        "subject": subject,
        "look_up": (look_up or LookUpForm(auto_id=_LOOK_UP_ID)) if request.desk.may(Action.SUBJECT_FIND) else None,
        "rows": [
            (row, words(row.type, EVENT_WORDS), names.get(row.actor_ref) or actor_words(row.actor_ref)) for row in rows
        ],
        "older": _query(form, after=cursor) if cursor else "",
        "is_first": "after" not in request.GET,
        "has_filters": any(form.cleaned_data.values()) if form.is_valid() else True,
        "checkpoint": explorer.checkpoint_facts(),
        "standing": explorer.standing(request.desk),
        "alarms": watching.alarms(),
    }
    return pages.render(request, "console/ledger.html", context)


def _facts(row: LedgerEntry, desk: Desk) -> list[tuple[StrPromise | str, str, str]]:
    """Say what an event tells, as name, words and, where the words hide one, the code as it was recorded."""
    payload = json.loads(row.payload)
    purpose = payload.get("purpose", "")
    facts: list[tuple[StrPromise | str, str, str]] = [
        (_("Who"), dict(explorer.actors(desk)).get(row.actor_ref) or actor_words(row.actor_ref), row.actor_ref),
        (_("About"), str(_("a person") if row.subject_ref else _("no person")), row.subject_ref),
        (_("Reference"), row.object_ref, ""),
        (_("Purpose"), words(purpose, REASON_WORDS) if purpose else "", purpose),
        (_("Decision"), payload.get("decision", ""), ""),
        (_("Rules"), _plain(payload.get("rules", [])), ""),
    ]
    facts.extend(_detail(key, value) for key, value in payload["details"].items())
    return [fact for fact in facts if fact[1]]


def _detail(key: str, value: Any) -> tuple[StrPromise | str, str, str]:
    name = DETAIL_NAMES.get(key) or key.replace("_", " ").capitalize()
    known = DETAIL_WORDS.get(key, {})
    if isinstance(value, str) and value in known:
        return name, str(known[value]), value
    return name, "" if value is None else _plain(value), ""


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return ", ".join(value) if isinstance(value, list) else str(value)


def _query(form: LedgerFilterForm, **more: str) -> str:
    kept = {name: str(value) for name, value in form.cleaned_data.items() if value}
    return urlencode({**kept, **more})
