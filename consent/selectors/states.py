"""The projection: what counts now for a person, and how often it was chosen; it computes no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from consent.models import ConsentEvent, ConsentState
from governance.models import Purpose

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
    """Answer purpose, state and how many such choices were made since then, for these controllers; two queries.

    Counted from the index alone: names are put to the few groups afterwards.
    """
    rows = ConsentEvent.objects.filter(controller__in=list(controllers), occurred_at__gte=since)
    groups = list(rows.order_by().values_list("purpose_id", "state").annotate(n=Count("*")))
    names = dict(Purpose.objects.filter(pk__in={purpose for purpose, _state, _n in groups}).values_list("pk", "name"))
    return sorted((names[purpose], state, n) for purpose, state, n in groups)
