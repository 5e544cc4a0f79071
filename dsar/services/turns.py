"""Takes waiting requests one at a time, so that one that breaks keeps no other waiting; it decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.db.models import QuerySet

    from dsar.models import SubjectRequest

logger = structlog.get_logger(__name__)
_BATCH: Final = 100


def each(rows: QuerySet[SubjectRequest], do: Callable[[UUID], int], *, broke: str) -> int:
    """Do something to each request until enough was done for now; answers how much.

    Whatever number of them breaks, each is tried, and again by the next call; the log says `broke` and why.
    """
    done, left = 0, rows.order_by("pk").values_list("pk", flat=True)
    portion = list(left[:_BATCH])
    while portion and done < _BATCH:
        done += sum(_quietly(request_id, do, broke) for request_id in portion)
        portion = list(left.filter(pk__gt=portion[-1])[:_BATCH])
    return done


def _quietly(request_id: UUID, do: Callable[[UUID], int], broke: str) -> int:
    try:
        return do(request_id)
    except Exception as error:  # noqa: BLE001  # a key or a plan that is out of order is that request's trouble alone
        logger.warning(broke, request=str(request_id), error=type(error).__name__)
        return 0
