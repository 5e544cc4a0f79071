"""The audit viewer: the ledger by pages and filters, and one event with its place in the signed tree; it only reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from governance.audit import proving
from governance.audit.checkpoint import open_checkpoint
from governance.console import pages
from governance.console.forms import LedgerFilterForm
from governance.errors import BadInput, NotFound
from governance.models import Controller, LedgerCheckpoint, LedgerEntry, LedgerPending
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.console.desk import Desk, DeskRequest

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def ledger(request: DeskRequest) -> HttpResponse:
    """List events, newest first. Filters are posted and checked, and only opaque ones go into the address."""
    form = LedgerFilterForm(request.POST if request.method == "POST" else request.GET)
    if request.method == "POST" and form.is_valid():
        return redirect(f"{reverse('admin:ledger')}?{_query(form)}".rstrip("?"))
    rows: list[LedgerEntry] = []
    older = ""
    if form.is_valid():
        found = list(_after(_filtered(visible(request.desk), form), request.GET.get("after", ""))[: PAGE + 1])
        rows = found[:PAGE]
        if len(found) > PAGE:
            older = _query(form, after=rows[-1].pk.hex)
    context = {
        "form": form,
        "rows": rows,
        "older": older,
        "is_first": "after" not in request.GET,
        "has_filters": any(form.cleaned_data.values()) if form.is_valid() else True,
        "checkpoint": checkpoint_facts(),
        "waiting": LedgerPending.objects.count(),
    }
    return pages.render(request, "console/ledger.html", context)


@require_safe
def event(request: DeskRequest, event_id: UUID) -> HttpResponse:
    """Show one event: what was recorded, and whether it stands unchanged under the signed head."""
    row = visible(request.desk).filter(pk=event_id).select_related("leaf_row", "body_row").first()
    if row is None:
        raise NotFound
    leaf = getattr(row, "leaf_row", None)
    checkpoint = checkpoint_facts()
    context = {
        "row": row,
        "facts": _facts(row),
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


def visible(desk: Desk) -> QuerySet[LedgerEntry]:
    """Events of the controller in view; those of none (sign-ins, refused foreign calls) only to who serves all."""
    mine = Q(controller=desk.controller.pk)
    if len(desk.controllers) >= Controller.objects.count():
        mine |= Q(controller__isnull=True)
    return LedgerEntry.objects.filter(mine).order_by("-recorded_at", "-id")


def checkpoint_facts() -> dict[str, Any] | None:
    """Answer the newest signed head and whether our key signed exactly this."""
    head: LedgerCheckpoint | None = proving.latest_checkpoint()
    if head is None:
        return None
    try:
        signed = open_checkpoint(head.note)
        is_signed = (signed.size, signed.root) == (head.size, bytes(head.root))
    except BadInput:
        is_signed = False
    return {
        "size": head.size,
        "root": bytes(head.root).hex(),
        "created_at": head.created_at,
        "is_signed": is_signed,
        "note": head.note,
    }


def register() -> None:
    """Put the pages into the console."""
    pages.register("ledger/", ledger, "ledger", label="Events", section="Ledger", action=Action.AUDIT_READ)
    pages.register("ledger/<uuid:event_id>/", event, "event", label="", section="Ledger", action=Action.AUDIT_READ)


def _facts(row: LedgerEntry) -> list[tuple[str, str]]:
    payload = json.loads(row.payload)
    facts = [
        ("Who", row.actor_ref),
        ("About", row.subject_ref or "no person"),
        ("Reference", row.object_ref),
        ("Purpose", payload.get("purpose", "")),
        ("Decision", payload.get("decision", "")),
    ]
    facts.extend((key.replace("_", " ").capitalize(), _plain(value)) for key, value in payload["details"].items())
    return [(label, value) for label, value in facts if value not in {"", None}]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _filtered(rows: QuerySet[LedgerEntry], form: LedgerFilterForm) -> QuerySet[LedgerEntry]:
    asked = form.cleaned_data
    if asked["type"]:
        rows = rows.filter(type=asked["type"])
    if asked["object"]:
        rows = rows.filter(object_ref=asked["object"])
    if asked["since"]:
        rows = rows.filter(recorded_at__gte=datetime.combine(asked["since"], time.min, tzinfo=UTC))
    if asked["until"]:
        rows = rows.filter(recorded_at__lt=datetime.combine(asked["until"] + timedelta(days=1), time.min, tzinfo=UTC))
    return rows.defer("payload", "leaf")


def _after(rows: QuerySet[LedgerEntry], cursor: str) -> QuerySet[LedgerEntry]:
    """Go on below the last event seen: one index range, however far back."""
    try:
        # Looked for among these rows alone: another controller's event must not be told from one that never was.
        last = rows.filter(pk=UUID(cursor)).first() if cursor else None
    except ValueError:
        last = None
    if last is None:
        return rows
    return rows.filter(Q(recorded_at__lt=last.recorded_at) | Q(recorded_at=last.recorded_at, pk__lt=last.pk))


def _query(form: LedgerFilterForm, **more: str) -> str:
    kept = {name: str(value) for name, value in form.cleaned_data.items() if value}
    return urlencode({**kept, **more})
