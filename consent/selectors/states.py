"""The projection: what counts now for a person, and how often it was chosen; it computes no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from consent.models import ConsentEvent, ConsentState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet


def states_of(subject_id: UUID) -> QuerySet[ConsentState]:
    """Answer the current rows of one person, with their purposes."""
    return (
        ConsentState.objects.filter(subject_id=subject_id).select_related("purpose").order_by("purpose__key", "channel")
    )


def counted(controllers: Iterable[UUID], since: datetime) -> list[tuple[str, str, int]]:
    """Answer purpose, state and how many such events were recorded since then for these controllers; one query."""
    rows = ConsentEvent.objects.filter(controller__in=list(controllers), recorded_at__gte=since)
    grouped = rows.values_list("purpose__name", "state").annotate(n=Count("pk")).order_by("purpose__name", "state")
    return list(grouped)
