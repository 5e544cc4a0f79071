"""Runs the rules over what is new in the ledger and raises alerts, each once; it tells nobody and changes no event.

The cursor, the alerts, their ledger rows and the letters to send are one transaction: a worker that is killed anywhere
raises nothing twice and skips nothing. Events are taken in the order of their positions, so none is overlooked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from django.db import transaction
from django.utils import timezone

from governance import audit, vault
from governance.access import grants
from governance.alarms import reading, telling
from governance.alarms.reading import HISTORY, LOOKS, Seen, is_export
from governance.alarms.rules import (
    AFTER_HOURS,
    BREAK_GLASS,
    LOOK_UP_WITHOUT_REQUEST,
    MASS_EXPORT,
    REVEAL_VOLUME,
    RULES,
    SELF_LOOK_UP,
    Limit,
    Settings,
    limit_of,
    settings_of,
)
from governance.alarms.windows import HOUR, Busy, Trail
from governance.fields import Scope
from governance.keys import data_keys, pseudonyms
from governance.models import AlarmCursor, AlarmRule, Alert, Controller, StaffUser
from governance.policy.principal import STAFF, worker
from governance.policy.vocabulary import AuditType

_BATCH = 2_000
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: one actor, one stretch of time."""

    rule: str
    actor: str
    bucket: str
    count: int
    limit: Limit
    events: Sequence[UUID]


def work() -> int:
    """Look at what is new; answers how many alerts were raised."""
    cursor = AlarmCursor.objects.first()
    if cursor is not None and cursor.position >= reading.size():
        return 0
    with transaction.atomic(durable=True):
        # An installation that gets alarms later begins with what happens from now on.
        locked, is_new = AlarmCursor.objects.select_for_update().get_or_create(
            pk=1, defaults={"position": reading.size()}
        )
        if is_new:
            return 0
        locked.position, seen = reading.since(locked.position, _BATCH)
        locked.save(update_fields=["position"])
        # What is done to the whole ledger, such as an export of it, concerns every controller.
        concerned = {each.controller for each in seen}
        places = Controller.objects.order_by("pk")
        if None not in concerned:
            places = places.filter(pk__in=concerned)
        return sum(_raise(place, [each for each in seen if each.controller in {None, place.pk}]) for place in places)


def thresholds(controller: Controller) -> dict[str, Settings]:
    """Answer every rule as this controller uses it."""
    own = {row.rule: row for row in AlarmRule.objects.filter(controller=controller)}
    return {
        rule: settings_of(rule, is_on=own[rule].is_on, values=own[rule].values) if rule in own else settings_of(rule)
        for rule in RULES
    }


def _raise(controller: Controller, seen: Sequence[Seen]) -> int:
    raised = 0
    for rule, settings in thresholds(controller).items():
        if settings.is_on:
            raised += sum(_store(controller, finding) for finding in _JUDGES[rule](controller, seen, settings))
    return raised


def _store(controller: Controller, finding: Finding) -> int:
    alert, is_new = Alert.objects.get_or_create(
        controller=controller,
        rule=finding.rule,
        actor_ref=finding.actor,
        bucket=finding.bucket,
        defaults={
            "count": finding.count,
            "limit": finding.limit.count,
            "basis": finding.limit.basis,
            "events": [str(each) for each in finding.events[:_SHOWN]],
            "raised_at": timezone.now(),
        },
    )
    if is_new:
        audit.record(
            AuditType.ALARM_RAISED,
            actor=worker(controller.pk.hex),
            controller_id=controller.pk,
            object_ref=f"alert:{alert.pk.hex}",
            details={"rule": finding.rule, "count": finding.count, "limit": finding.limit.count},
        )
        telling.queue(alert)
    return int(is_new)


def _reveal_volume(controller: Controller, seen: Sequence[Seen], settings: Settings) -> Iterable[Finding]:
    opened = _opened(seen, STAFF)
    trails = _around(controller, opened, reading.openings)
    for actor, hour, trailing in _busy(opened, trails):
        if trailing.count <= settings.values["floor"]:
            continue  # the past need not be read for what the floor lets pass; people are never more than openings
        busy = _untold(controller, REVEAL_VOLUME, actor, _hour(hour - HOUR), trailing)
        by_count, by_people = _usual(controller, actor, hour, settings)
        count, limit = (busy.count, by_count) if busy.count > by_count.count else (busy.people, by_people)
        if count > limit.count:
            events = reading.openings_until(controller.pk, actor, hour, _SHOWN)
            yield Finding(REVEAL_VOLUME, actor, _hour(hour), count, limit, events)


def _mass_export(controller: Controller, seen: Sequence[Seen], settings: Settings) -> Iterable[Finding]:
    limit = Limit(settings.values["people"], "fixed")
    opened = _opened(seen, "")
    trails = _around(controller, opened, reading.openings)
    for actor, hour, busy in _busy(opened, trails):
        if (count := _beyond(controller, actor, _hour(hour - HOUR), busy, limit)) > limit.count:
            events = reading.openings_until(controller.pk, actor, hour, _SHOWN)
            yield Finding(MASS_EXPORT, actor, _hour(hour), count, limit, events)
    yield from _large_exports(controller, [each for each in seen if is_export(each.type)], limit)


def _large_exports(controller: Controller, exported: Sequence[Seen], limit: Limit) -> Iterable[Finding]:
    """Each export beyond the limit is an alarm; so are smaller ones that come to more within an hour."""
    for each in exported:
        if each.size > limit.count:
            yield Finding(MASS_EXPORT, each.actor, f"export:{each.id.hex[:20]}", each.size, limit, [each.id])
    trails = _around(controller, exported, partial(reading.exports, most=limit.count))
    for actor, hour, busy in _busy(exported, trails):
        if (count := _beyond(controller, actor, f"exports:{_hour(hour - HOUR)}", busy, limit)) > limit.count:
            events = reading.exports_until(controller.pk, actor, hour, _SHOWN)
            yield Finding(MASS_EXPORT, actor, f"exports:{_hour(hour)}", count, limit, events)


def _beyond(controller: Controller, actor: str, before: str, busy: Busy, limit: Limit) -> int:
    """Answer how much it was; what the hour before told is asked for only where it matters."""
    return busy.count if busy.count <= limit.count else _untold(controller, MASS_EXPORT, actor, before, busy).count


def _after_hours(controller: Controller, seen: Sequence[Seen], settings: Settings) -> Iterable[Finding]:
    zone, free = ZoneInfo(controller.time_zone), _holidays(controller.country)
    days: dict[tuple[str, date], list[UUID]] = defaultdict(list)
    for each in _by_staff(seen):
        local = each.at.astimezone(zone)
        is_working = settings.values["from_hour"] <= local.hour < settings.values["until_hour"]
        if not is_working or local.weekday() >= _SATURDAY or local.date() in free:
            days[each.actor, local.date()].append(each.id)
    for (actor, day), events in days.items():
        yield Finding(AFTER_HOURS, actor, day.isoformat(), len(events), Limit(0, "fixed"), events)


def _break_glass(_controller: Controller, seen: Sequence[Seen], _settings: Settings) -> Iterable[Finding]:
    for each in seen:
        if each.type == AuditType.ACCESS_ELEVATED:  # each is an alarm of its own, however many there are
            yield Finding(BREAK_GLASS, each.actor, f"glass:{each.id.hex[:24]}", 1, Limit(0, "fixed"), [each.id])


def _without_request(controller: Controller, seen: Sequence[Seen], settings: Settings) -> Iterable[Finding]:
    limit = Limit(settings.values["people"], "fixed")
    for actor, start in _days(controller, seen):
        looks = reading.looks_of(controller.pk, actor, start, start + timedelta(days=1))
        asked = start - timedelta(days=settings.values["request_days"])
        known = reading.with_open_request(controller.pk, {person for _event, person in looks}, asked)
        # Each search that found nobody counts as somebody: that is how an address is tried out.
        missed = {person or event.hex: event for event, person in looks if person not in known}
        if len(missed) > limit.count:
            day = controller.day_of(start).isoformat()
            yield Finding(LOOK_UP_WITHOUT_REQUEST, actor, day, len(missed), limit, list(missed.values()))


def _self_look_up(controller: Controller, seen: Sequence[Seen], _settings: Settings) -> Iterable[Finding]:
    for actor, start in _days(controller, seen):
        own = _own_reference(controller, actor)
        mine = [each.id for each in _by_staff(seen) if each.actor == actor and own and each.subject == own]
        if mine:
            day = controller.day_of(start).isoformat()
            yield Finding(SELF_LOOK_UP, actor, day, len(mine), Limit(0, "fixed"), mine)


_JUDGES: Mapping[str, Callable[[Controller, Sequence[Seen], Settings], Iterable[Finding]]] = {
    AFTER_HOURS: _after_hours,
    BREAK_GLASS: _break_glass,
    LOOK_UP_WITHOUT_REQUEST: _without_request,
    MASS_EXPORT: _mass_export,
    REVEAL_VOLUME: _reveal_volume,
    SELF_LOOK_UP: _self_look_up,
}
_SATURDAY = 5


def _by_staff(seen: Sequence[Seen]) -> list[Seen]:
    return [each for each in seen if each.actor.startswith(f"{STAFF}:") and each.type in LOOKS]


def _days(controller: Controller, seen: Sequence[Seen]) -> set[tuple[str, datetime]]:
    """Answer which staff did something on which days of the controller's time zone, as the instant the day begins."""
    zone = ZoneInfo(controller.time_zone)
    starts = {(each.actor, each.at.astimezone(zone).date()) for each in _by_staff(seen)}
    return {(actor, datetime(day.year, day.month, day.day, tzinfo=zone)) for actor, day in starts}


def _opened(seen: Sequence[Seen], kind: str) -> list[Seen]:
    return [each for each in seen if each.type == AuditType.SUBJECT_REVEALED and each.actor.startswith(kind)]


def _around(
    controller: Controller,
    seen: Sequence[Seen],
    read: Callable[[UUID, set[str], datetime, datetime], Mapping[str, Trail]],
) -> Mapping[str, Trail]:
    """Answer what those who did something new did in the hours concerned and the one before."""
    if not seen:
        return {}
    hours = [each.hour for each in seen]
    return read(controller.pk, {each.actor for each in seen}, min(hours) - HOUR, max(hours) + HOUR)


def _busy(seen: Sequence[Seen], trails: Mapping[str, Trail]) -> Iterable[tuple[str, datetime, Busy]]:
    """Yield each hour that something new happened in."""
    for actor, hour in sorted({(each.actor, each.hour) for each in seen}):
        busy = trails[actor].hours.get(hour)
        if busy is not None:
            yield actor, hour, busy


def _untold(controller: Controller, rule: str, actor: str, before: str, busy: Busy) -> Busy:
    """Answer what is left of an hour when there was an alarm in the hour before: that one is not told twice."""
    rows = Alert.objects.filter(controller=controller, rule=rule, actor_ref=actor, bucket=before)
    return busy.after_alarm() if rows.exists() else busy


def _usual(controller: Controller, actor: str, hour: datetime, settings: Settings) -> tuple[Limit, Limit]:
    """Answer how many openings in an hour are usual, and of how many people's data."""
    peers = grants.peers_of(UUID(actor.partition(":")[2]), controller)
    refs = {actor, *(f"{STAFF}:{pk.hex}" for pk in peers)}
    history = reading.openings(controller.pk, refs, hour - HISTORY, hour)
    own = list(history[actor].hours.values())
    others = [busy for ref in refs - {actor} for busy in history[ref].hours.values()]
    by_people = limit_of([each.people for each in own], [each.people for each in others], settings)
    return (
        limit_of([each.count for each in own], [each.count for each in others], settings),
        Limit(by_people.count, f"{by_people.basis}_people"),
    )


def _own_reference(controller: Controller, actor: str) -> str:
    """Answer the pseudonym under which this member of staff is a customer here; empty for whoever is none."""
    email = StaffUser.objects.filter(pk=UUID(actor.partition(":")[2])).values_list("email", flat=True).first()
    subject = vault.match(controller.pk, "email", email) if email else None
    if subject is None:
        return ""
    scope = Scope(controller.pk.hex, "subject", subject.pk.hex)
    key = data_keys.opener([scope])[scope]
    return "" if key is None else pseudonyms.of_key(key.pseudonym_key)


def _holidays(country: str) -> holidays.HolidayBase | dict[date, str]:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:  # a country the package does not know has weekends only
        return {}


def _hour(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%dT%H:00Z")
