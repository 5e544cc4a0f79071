"""Reads the ledger for the rules: new events in their order, what was opened when, open requests; it judges nothing."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from governance.alarms.windows import HOUR, Trail, hour_of
from governance.models import LedgerEntry, LedgerLeaf
from governance.policy.principal import SERVICE, STAFF
from governance.policy.vocabulary import AuditType, RevealPurpose

HISTORY = timedelta(days=28)
#: What opens or looks for a person's data.
LOOKS = frozenset({AuditType.SUBJECT_LOOKED_UP.value, AuditType.SUBJECT_REVEALED.value})
#: What the rules look at, exports aside.
_TAKEN = LOOKS | {AuditType.ACCESS_ELEVATED.value}
#: States in which a request has ended; the kernel knows them as codes of the ledger only.
_ENDED = frozenset({"closed", "duplicate", "lapsed", "refused", "withdrawn"})
#: What an export says of its size.
_SIZES = ("count", "entries", "events", "people", "rows")


class Seen(NamedTuple):
    """One event that concerns a rule."""

    id: UUID
    at: datetime
    type: str
    #: None for what was done to the whole ledger.
    controller: UUID | None
    actor: str
    subject: str
    size: int

    @property
    def hour(self) -> datetime:
        """The hour it happened in."""
        return hour_of(self.at)


def is_export(type_: str) -> bool:
    """Whether a type says that events or evidence left in bulk."""
    return type_ == AuditType.EXPORT_MADE


def is_rehearsal(entry: LedgerEntry) -> bool:
    """Whether somebody read the demonstration's own mailbox; there is none anywhere else."""
    purpose = RevealPurpose.DEMONSTRATION_MAILBOX.value
    return bool(settings.GOVERNANCE_DEMO) and json.loads(entry.payload).get("purpose") == purpose


def size() -> int:
    """Answer how many events have a position."""
    last = LedgerLeaf.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def since(position: int, most: int) -> tuple[int, list[Seen]]:
    """Answer the next position to read, and what people and services did from this one on, and who exported what."""
    leaves = LedgerLeaf.objects.filter(position__gte=position).order_by("position").select_related("entry")[:most]
    seen, following = [], position
    for leaf in leaves:
        following = leaf.position + 1
        entry = leaf.entry
        if _is_taken(entry):
            seen.append(
                Seen(
                    entry.pk,
                    entry.recorded_at,
                    entry.type,
                    entry.controller,
                    entry.actor_ref,
                    entry.subject_ref,
                    _size(entry),
                )
            )
    return following, seen


def openings(controller: UUID, actors: Collection[str], start: datetime, end: datetime) -> Mapping[str, Trail]:
    """Answer for each of these actors when they opened whose data."""
    rows = (
        _openings(controller, actors, start, end)
        .order_by("recorded_at")
        .values_list("actor_ref", "recorded_at", "subject_ref")
    )
    found = {actor: Trail() for actor in actors}
    for actor, at, person in rows.iterator():
        found[actor].add(at, person)
    return found


def exports(
    controller: UUID, actors: Collection[str], start: datetime, end: datetime, most: int
) -> Mapping[str, Trail]:
    """The same for exports of at most this size each, counted in what they hold; those of the whole ledger too."""
    rows = _exports(controller, actors, start, end).order_by("recorded_at")
    found = {actor: Trail() for actor in actors}
    for entry in rows.iterator():
        if (size := _size(entry)) <= most:
            found[entry.actor_ref].add(entry.recorded_at, "", size)
    return found


def looks_of(controller: UUID, actor: str, start: datetime, end: datetime) -> list[tuple[UUID, str]]:
    """Answer the looks of one actor as (event, person); a search that found nobody has no person."""
    rows = LedgerEntry.objects.filter(
        type__in=LOOKS, controller=controller, actor_ref=actor, recorded_at__gte=start, recorded_at__lt=end
    )
    return list(rows.order_by("recorded_at", "id").values_list("id", "subject_ref"))


def with_open_request(controller: UUID, people: Iterable[str], start: datetime) -> set[str]:
    """Answer which of these people have a request that has not ended, as their pseudonyms."""
    rows = LedgerEntry.objects.filter(
        controller=controller,
        subject_ref__in=[each for each in people if each],
        type__startswith="request.",
        recorded_at__gte=start,
    ).order_by("recorded_at", "id")
    latest: dict[tuple[str, str], str] = {}
    for person, reference, payload in rows.values_list("subject_ref", "object_ref", "payload"):
        latest[person, reference] = str(json.loads(payload)["details"].get("status", ""))
    return {person for (person, _reference), status in latest.items() if status not in _ENDED}


def openings_until(controller: UUID, actor: str, hour: datetime, most: int) -> Sequence[UUID]:
    """Answer the last openings of one actor in a clock hour and the one before, in their order."""
    rows = _openings(controller, [actor], hour - HOUR, hour + HOUR).order_by("-recorded_at", "-id")
    return list(rows.values_list("id", flat=True)[:most])[::-1]


def exports_until(controller: UUID, actor: str, hour: datetime, most: int) -> Sequence[UUID]:
    """The same for exports."""
    rows = _exports(controller, [actor], hour - HOUR, hour + HOUR).order_by("-recorded_at", "-id")
    return list(rows.values_list("id", flat=True)[:most])[::-1]


def _openings(controller: UUID, actors: Collection[str], start: datetime, end: datetime) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        type=AuditType.SUBJECT_REVEALED,
        controller=controller,
        actor_ref__in=actors,
        recorded_at__gte=start,
        recorded_at__lt=end,
    )


def _exports(controller: UUID, actors: Collection[str], start: datetime, end: datetime) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        Q(controller=controller) | Q(controller=None),
        type=AuditType.EXPORT_MADE,
        actor_ref__in=actors,
        recorded_at__gte=start,
        recorded_at__lt=end,
    )


def _is_taken(entry: LedgerEntry) -> bool:
    if is_export(entry.type):
        return True
    is_somebody = entry.actor_ref.startswith((f"{STAFF}:", f"{SERVICE}:"))
    return is_somebody and entry.controller is not None and entry.type in _TAKEN and not is_rehearsal(entry)


def _size(entry: LedgerEntry) -> int:
    if not is_export(entry.type):
        return 1
    details = json.loads(entry.payload)["details"]
    return max((value for name in _SIZES if isinstance(value := details.get(name), int)), default=1)
