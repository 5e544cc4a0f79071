"""Other requests of the same proven person; compared by person and keyed digest of the address, nothing opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from dsar.lifecycle import OPEN
from dsar.models import SubjectRequest

if TYPE_CHECKING:
    from collections.abc import Sequence


def earlier(request: SubjectRequest) -> Sequence[SubjectRequest]:
    """Give the open requests that came earlier from the same person and ask for no less, oldest first; two queries."""
    if request.verified_at is None or request.contact_digest is None:
        return ()
    same = Q(contact_digest=request.contact_digest)
    if request.subject_id is not None:
        same |= Q(subject=request.subject_id)
    others = SubjectRequest.objects.filter(
        same, controller=request.controller_id, verified_at__isnull=False, status__in=OPEN, regime=request.regime
    ).filter(Q(received_at__lt=request.received_at) | Q(received_at=request.received_at, pk__lt=request.pk))
    wanted = {row.right for row in request.rights.all()}
    found = others.prefetch_related("rights").defer("contact").order_by("received_at", "pk")
    return [each for each in found if wanted <= {row.right for row in each.rights.all()}]
