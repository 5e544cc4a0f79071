"""The receipt of a choice: a proof from the ledger that the person or the service can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.audit import receipts
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from consent.models import ConsentEvent


def receipt(event: ConsentEvent) -> receipts.Receipt:
    """Answer the receipt of one recorded choice; it is pending until the ledger has given the choice its place."""
    return receipts.receipt_of(
        f"consent-event:{event.pk.hex}", controller_id=event.controller_id, type_=AuditType.CONSENT_RECORDED
    )
