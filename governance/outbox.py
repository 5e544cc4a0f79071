"""append(): what others must hear, written in the transaction that made it true; it delivers nothing."""

from collections.abc import Mapping
from uuid import UUID

from django.db import router, transaction
from django.utils import timezone

from governance.errors import AuditRefused
from governance.models import OutboxEvent
from governance.policy.opaque import Detail, require_details


def append(
    type_: str, *, controller_id: UUID, subject_id: UUID | None = None, payload: Mapping[str, Detail] | None = None
) -> None:
    """Write one thin event: ids and codes, which the receiver looks up. Raises AuditRefused outside a transaction."""
    database = router.db_for_write(OutboxEvent)
    # Outside a transaction others could hear of a change that is then rolled back.
    if not transaction.get_connection(database).in_atomic_block:
        raise AuditRefused("An outbox event is written in the transaction of the change it tells of; open one first.")
    OutboxEvent.objects.create(
        controller_id=controller_id,
        type=type_,
        subject_id=subject_id,
        payload=require_details(payload),
        created_at=timezone.now(),
    )
