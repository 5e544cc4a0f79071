"""Receipts: proofs that people keep and verify offline; which event proves what is the callers' to know, not ours.

A receipt is one `.tlog-proof` file that carries its entry, and the entry holds pseudonyms, ids and codes. With the keys
that `/ledger-keys` publishes, nothing else is needed to verify it, and nobody needs to be asked.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from governance.audit import proving
from governance.errors import Conflict, NotFound
from governance.models import LedgerEntry
from governance.policy.vocabulary import AuditType

PENDING = "pending"
READY = "ready"
MEDIA_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of one event; `text` is empty while the event waits for its place in the ledger."""

    event_id: UUID
    status: str
    text: str = ""


def receipt_of(object_ref: str, *, controller_id: UUID, type_: AuditType, statuses: Collection[str] = ()) -> Receipt:
    """Answer the receipt of the newest event of this type about the object; raises NotFound where there is none.

    With `statuses`, of the newest whose details name one of them.
    """
    rows = LedgerEntry.objects.filter(object_ref=object_ref, controller=controller_id, type=type_.value)
    for row in rows.order_by("-recorded_at", "-pk"):
        if statuses and json.loads(row.payload)["details"].get("status") not in statuses:
            continue
        try:
            return Receipt(row.pk, READY, proving.receipt(row.pk).text)
        except Conflict:
            return Receipt(row.pk, PENDING)
    raise NotFound
