"""Reads the ledger for the rules: new events in their order, counts by hour, open requests; it judges nothing."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from governance.models import LedgerEntry, LedgerLeaf
from governance.policy.principal import SERVICE, STAFF
from governance.policy.vocabulary import AuditType

HOUR = timedelta(hours=1)
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
    controller: UUID
    actor: str
    subject: str
    size: int

    @property
    def hour(self) -> datetime:
        """The hour it happened in."""
        return self.at.replace(minute=0, second=0, microsecond=0)


def is_export(type_: str) -> bool:
    """Whether a type says that events or evidence left in bulk."""
    return type_ == AuditType.EXPORT_MADE


def size() -> int:
    """Answer how many events have a position."""
    last = LedgerLeaf.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def since(position: int, most: int) -> tuple[int, list[Seen]]:
    """Answer the next position to read, and what people and services did from this one on."""
    leaves = LedgerLeaf.objects.filter(position__gte=position).order_by("position").select_related("entry")[:most]
    seen, following = [], position
    for leaf in leaves:
        following = leaf.position + 1
        entry = leaf.entry
        if entry.controller is None or not entry.actor_ref.startswith((f"{STAFF}:", f"{SERVICE}:")):
            continue
        if entry.type in _TAKEN or is_export(entry.type):
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


def opened_by_hour(
    controller: UUID, actors: Collection[str], start: datetime, end: datetime
) -> Mapping[str, Counter[datetime]]:
    """Answer for each of these actors how many openings there were in each hour; hours without any are left out."""
    rows = LedgerEntry.objects.filter(
        type=AuditType.SUBJECT_REVEALED,
        controller=controller,
        actor_ref__in=actors,
        recorded_at__gte=start,
        recorded_at__lt=end,
    ).values_list("actor_ref", "recorded_at")
    found: dict[str, Counter[datetime]] = {actor: Counter() for actor in actors}
    for actor, at in rows.iterator():
        found[actor][at.replace(minute=0, second=0, microsecond=0)] += 1
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


def events_in(controller: UUID, actor: str, hour: datetime, most: int) -> Sequence[UUID]:
    """Answer the first openings of one actor in one hour."""
    rows = LedgerEntry.objects.filter(
        type=AuditType.SUBJECT_REVEALED,
        controller=controller,
        actor_ref=actor,
        recorded_at__gte=hour,
        recorded_at__lt=hour + HOUR,
    )
    return list(rows.order_by("recorded_at", "id").values_list("id", flat=True)[:most])


def _size(entry: LedgerEntry) -> int:
    if not is_export(entry.type):
        return 1
    details = json.loads(entry.payload)["details"]
    return max((value for name in _SIZES if isinstance(value := details.get(name), int)), default=1)
