"""Reading the ledger by filters, a page at a time, and how it stands; one index range a page, never a count of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from governance.access import grants
from governance.audit import proving
from governance.audit.checkpoint import open_checkpoint
from governance.errors import BadInput
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerPending, LedgerVerification, ServiceAccount
from governance.policy.event_classes import class_of
from governance.policy.principal import SERVICE, STAFF
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from governance.console.desk import Desk

PAGE = 50
#: Waiting events are counted so far and no further: a stopped sequencer can leave millions.
_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """How the ledger stands: what waits, since when, and when it was last verified as a whole."""

    waiting: int
    is_more: bool
    oldest: datetime | None
    verified: LedgerVerification | None


def visible(desk: Desk) -> QuerySet[LedgerEntry]:
    """Events of the controller in view; those of none (sign-ins, refused foreign calls) only to who audits all."""
    mine = Q(controller=desk.controller.pk)
    if desk.may_everywhere(Action.AUDIT_READ):
        mine |= Q(controller__isnull=True)
    return LedgerEntry.objects.filter(mine)


def page(desk: Desk, asked: Mapping[str, Any], after: str, subject_ref: str = "") -> tuple[list[LedgerEntry], str]:
    """Answer a page of events, newest first, and the cursor of the next one, empty at the end.

    Two ranges are read and merged: one condition over both (this controller or none) would use no index.
    """
    ranges = [LedgerEntry.objects.filter(controller=desk.controller.pk)]
    if not subject_ref and desk.may_everywhere(Action.AUDIT_READ):
        ranges.append(LedgerEntry.objects.filter(controller__isnull=True))
    last = _last(desk, after)
    found = [list(_narrowed(rows, asked, last, subject_ref)[: PAGE + 1]) for rows in ranges]
    rows = list(islice(merge(*found, key=lambda row: (row.recorded_at, row.pk), reverse=True), PAGE + 1))
    return rows[:PAGE], rows[PAGE - 1].pk.hex if len(rows) > PAGE else ""


def actors(desk: Desk) -> list[tuple[str, str]]:
    """Name who may have acted: staff and services of the controller in view, and this service itself."""
    people = [(f"{STAFF}:{each.pk.hex}", each.name or each.email) for each in grants.staff_of(desk.controller)]
    services = ServiceAccount.objects.filter(controller=desk.controller).order_by("name")
    return [*people, *((f"{SERVICE}:{each.pk.hex}", each.name) for each in services), ("worker:worker", "worker")]


def standing(desk: Desk) -> Standing:
    """Answer how the ledger stands for what this person may see: others' pace is none of theirs."""
    pending = LedgerPending.objects.filter(entry__in=visible(desk)).order_by("pk")
    times = list(pending.values_list("entry__recorded_at", flat=True)[: _COUNTED + 1])
    verified = LedgerVerification.objects.order_by("-pk").first()
    return Standing(min(len(times), _COUNTED), len(times) > _COUNTED, times[0] if times else None, verified)


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


def _narrowed(
    rows: QuerySet[LedgerEntry], asked: Mapping[str, Any], last: LedgerEntry | None, subject_ref: str
) -> QuerySet[LedgerEntry]:
    exact = {"type": "type", "object": "object_ref", "actor": "actor_ref"}
    rows = rows.filter(**{column: asked[name] for name, column in exact.items() if asked.get(name)})
    if asked.get("kind"):
        rows = rows.filter(type__in=[each.value for each in AuditType if class_of(each) == asked["kind"]])
    if asked.get("since"):
        rows = rows.filter(recorded_at__gte=_start(asked["since"]))
    if asked.get("until"):
        rows = rows.filter(recorded_at__lt=_start(asked["until"] + timedelta(days=1)))
    if subject_ref:
        rows = rows.filter(subject_ref=subject_ref)
    if last is not None:  # the first condition is the range that the index reads, the second settles equal times
        below = Q(recorded_at__lt=last.recorded_at) | Q(pk__lt=last.pk)
        rows = rows.filter(below, recorded_at__lte=last.recorded_at)
    return rows.defer("payload", "leaf").order_by("-recorded_at", "-id")


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _last(desk: Desk, cursor: str) -> LedgerEntry | None:
    """Look a cursor up among visible rows alone: another's event must not be told from one that never was."""
    try:
        return visible(desk).filter(pk=UUID(cursor)).defer("payload", "leaf").first() if cursor else None
    except ValueError:
        return None
