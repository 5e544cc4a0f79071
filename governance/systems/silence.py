"""Which connected systems do not answer at present, told from the steps that wait for them; it asks none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef

from governance.errors import SystemUnavailable
from governance.models import System, SystemStep

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

_OPEN: Final = (SystemStep.State.PENDING, SystemStep.State.CLAIMED)


def among(systems: QuerySet[System]) -> QuerySet[System]:
    """Keep the systems that a step waits for because they did not answer when it was tried last."""
    return systems.filter(Exists(_waiting().filter(system=OuterRef("pk")))).order_by("key")


def waited_for(job: UUID) -> list[str]:
    """Name the systems that do not answer to the steps of one job."""
    systems = System.objects.filter(pk__in=_waiting().filter(job=job).values("system"))
    return list(systems.order_by("name").values_list("name", flat=True))


def _waiting() -> QuerySet[SystemStep]:
    return SystemStep.objects.filter(error=SystemUnavailable.code, state__in=_OPEN)
