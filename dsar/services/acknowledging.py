"""Confirming receipt in time where the law has a date for it, even to somebody whose address nobody proved yet."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from dsar import letters
from dsar.lifecycle import OPEN
from dsar.models import SubjectRequest
from dsar.services.moving import locked, note
from dsar.services.posting import post
from dsar.verification import contact_of
from governance.errors import Erased
from governance.policy.principal import worker

if TYPE_CHECKING:
    from governance.policy.principal import Principal

#: Whoever proves the address is told at once. The others are written to when so much of the term is left: a letter more
#: to an address that nobody proved is one that a stranger can cause.
_BEFORE: Final = timedelta(days=3)
_BATCH: Final = 100


def acknowledge(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Confirm the receipt once and say what happens next (11 CCR § 7021(a)). Call outside any transaction."""
    address = contact_of(request, principal=worker(request.controller_id.hex)).email
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        if request.acknowledged_at is None:
            confirmed(request)
            request.save(update_fields=["acknowledged_at"])
            note(request, principal=principal, details={"event": "acknowledged"})
            post(request, letters.acknowledged(request), address)
    return request


def confirmed(request: SubjectRequest) -> None:
    """Note on an unsaved request that a letter of this transaction confirms its receipt."""
    if request.acknowledge_by is not None and request.acknowledged_at is None:
        request.acknowledged_at = timezone.now()


def acknowledge_due() -> int:
    """Confirm the receipts whose term is nearly over; answers how many."""
    soon = timezone.now() + _BEFORE
    due = SubjectRequest.objects.filter(acknowledge_by__lte=soon, acknowledged_at=None, status__in=OPEN, purged_at=None)
    rows = list(due.select_related("controller").order_by("acknowledge_by", "pk")[:_BATCH])
    for row in rows:
        with suppress(Erased):
            acknowledge(row, principal=worker(row.controller_id.hex))
    return len(rows)
