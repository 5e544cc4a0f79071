"""append(): what others must hear, written in the transaction that made it true; it delivers nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import router, transaction
from django.utils import timezone

from governance.errors import AuditRefused
from governance.models import OutboxEvent
from governance.models.inserting import insert_many
from governance.policy.opaque import Detail, require_details


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """One fact for the outside: ids and codes, which the receiver looks up."""

    type: str
    controller_id: UUID
    subject_id: UUID | None = None
    payload: Mapping[str, Detail] | None = None


def append(
    type_: str, *, controller_id: UUID, subject_id: UUID | None = None, payload: Mapping[str, Detail] | None = None
) -> None:
    """Write one thin event. Raises AuditRefused outside a transaction."""
    append_many([Thin(type=type_, controller_id=controller_id, subject_id=subject_id, payload=payload)])


def append_many(events: Iterable[Thin]) -> None:
    """Write several thin events, in their order, with one statement; the same promises as append()."""
    database = router.db_for_write(OutboxEvent)
    # Outside a transaction others could hear of a change that is then rolled back.
    if not transaction.get_connection(database).in_atomic_block:
        raise AuditRefused("An outbox event is written in the transaction of the change it tells of; open one first.")
    instant = timezone.now()
    insert_many(
        [
            OutboxEvent(
                controller_id=event.controller_id,
                type=event.type,
                subject_id=event.subject_id,
                payload=require_details(event.payload),
                created_at=instant,
            )
            for event in events
        ]
    )
