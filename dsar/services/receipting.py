"""The receipt of a completed request: a proof from the ledger that the person can keep; it holds no personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from dsar.lifecycle import Status
from dsar.verification import reference_of
from governance.audit import receipts
from governance.errors import NotFound
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from dsar.models import SubjectRequest


def receipt(request: SubjectRequest) -> receipts.Receipt:
    """Answer the receipt of the response; raises NotFound before there is one."""
    if request.responded_at is None:
        raise NotFound(gettext("There is nothing to prove before the request is answered"))
    return receipts.receipt_of(
        reference_of(request),
        controller_id=request.controller_id,
        type_=AuditType.REQUEST_CHANGED,
        statuses={Status.RESPONDED.value, Status.REFUSED.value},
    )
