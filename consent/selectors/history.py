"""A person's events, and the facts as they were known at an earlier moment; events are only ever read here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db.models import Max

from consent import lifecycle
from consent.lawfulness import ConsentFact
from consent.models import ConsentEvent, NoticeRevision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet


def events_of(subject_id: UUID) -> QuerySet[ConsentEvent]:
    """Answer a person's events, newest first, without their evidence."""
    rows = ConsentEvent.objects.filter(subject_id=subject_id).select_related("purpose", "notice_revision__notice")
    return rows.defer("evidence").order_by("-recorded_at", "-pk")


def facts_as_of(subject_id: UUID, purpose_id: UUID, as_of: datetime, basis: str) -> tuple[ConsentFact, ...]:
    """Rebuild what was known then about one person and purpose: what had happened and had been recorded."""
    events = list(
        ConsentEvent.objects.filter(
            subject_id=subject_id, purpose_id=purpose_id, occurred_at__lte=as_of, recorded_at__lte=as_of
        )
        .select_related("notice_revision")
        .defer("evidence", "notice_revision__text")
        .order_by("recorded_at", "pk")
    )
    material = _material_versions(events, as_of)
    facts: dict[str, ConsentFact] = {}
    for event in events:
        current = facts.get(event.channel)
        counts, objected_at = lifecycle.weigh(current, event.state, event.occurred_at, basis=basis)
        fact = _fact(event, material) if current is None or counts else current
        facts[event.channel] = replace(fact, objected_at=objected_at)
    return tuple(facts.values())


def _material_versions(events: Iterable[ConsentEvent], as_of: datetime) -> Mapping[UUID, int]:
    """Answer, for each notice shown, the latest version that was material by then."""
    notices = {event.notice_revision.notice_id for event in events if event.notice_revision}
    if not notices:
        return {}
    rows = NoticeRevision.objects.filter(notice__in=notices, material=True, published_at__lte=as_of)
    return dict(rows.values("notice").annotate(latest=Max("version")).values_list("notice", "latest"))


def _fact(event: ConsentEvent, material: Mapping[UUID, int]) -> ConsentFact:
    revision = event.notice_revision
    return ConsentFact(
        purpose_id=event.purpose_id,
        channel=event.channel,
        state=event.state,
        occurred_at=event.occurred_at,
        event_id=event.pk,
        consent_type=event.consent_type,
        method=event.method,
        expires_at=event.expires_at,
        notice_version=revision.version if revision else None,
        material_version=material.get(revision.notice_id, 1) if revision else None,
        recorded_at=event.recorded_at,
    )
