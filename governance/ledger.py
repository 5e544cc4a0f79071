"""append(): the only writer of the ledger; it takes opaque references and knows no key, no person and no policy."""

import json
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from django.db import router, transaction
from django.utils import timezone

from governance.errors import AuditRefused
from governance.models import LedgerEntry, LedgerPending
from governance.policy.opaque import Detail, require_details, require_reference
from governance.policy.vocabulary import AuditType

PAYLOAD_VERSION = 1

_COUNTER_BITS = 42
_TAIL_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """What happened, in opaque references. `subject_ref` is a pseudonym, never the person's own id."""

    type: AuditType
    actor_ref: str
    controller_id: uuid.UUID | None = None
    subject_ref: str = ""
    object_ref: str = ""
    purpose: str = ""
    decision: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)
    body_commit: str | None = None


def append(event: LedgerEvent) -> LedgerEntry:
    """Write one event into the current transaction; raises AuditRefused outside one, or for a telling value."""
    return append_many([event])[0]


def append_many(events: Sequence[LedgerEvent]) -> list[LedgerEntry]:
    """Write several events with the same two statements as one; the same promises as `append`."""
    require_transaction()
    instant = timezone.now()
    entries = LedgerEntry.objects.bulk_create([_entry(event, instant) for event in events])
    LedgerPending.objects.bulk_create([LedgerPending(entry=entry) for entry in entries])
    return entries


def require_transaction() -> None:
    """Refuse to go on outside a transaction: the change could commit and its event be lost, or the other way round."""
    if not transaction.get_connection(router.db_for_write(LedgerEntry)).in_atomic_block:
        raise AuditRefused("An event is written in the transaction of the change it records; open one first.")


def _entry(event: LedgerEvent, instant: datetime) -> LedgerEntry:
    event_id = uuid7(instant)
    payload = _payload(event_id, event, instant)
    return LedgerEntry(
        id=event_id,
        recorded_at=instant,
        type=event.type.value,
        controller=event.controller_id,
        actor_ref=event.actor_ref,
        subject_ref=event.subject_ref,
        object_ref=event.object_ref,
        payload=payload,
        # RFC 6962 §2.1: the zero byte keeps a leaf from passing as an inner node.
        leaf=sha256(b"\x00" + payload.encode()).digest(),
    )


def _payload(event_id: uuid.UUID, event: LedgerEvent, instant: datetime) -> str:
    if not event.actor_ref:
        raise AuditRefused("An event names its actor.")
    fields = {
        "v": PAYLOAD_VERSION,
        "id": str(event_id),
        "time": instant.isoformat(),
        "type": event.type.value,
        "controller": str(event.controller_id) if event.controller_id else None,
        "actor": require_reference("actor_ref", event.actor_ref, 80),
        "subject": require_reference("subject_ref", event.subject_ref, 80),
        "object": require_reference("object_ref", event.object_ref, 120),
        "purpose": require_reference("purpose", event.purpose, 64),
        "decision": require_reference("decision", event.decision, 64),
        "details": require_details(event.details),
        "body_commit": event.body_commit,
    }
    # Equal to RFC 8785: every key is ASCII and no value is a float, so key order and number form agree.
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class _Clock:
    """The state of UUIDv7 generation in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.milliseconds = 0
        self.counter = 0

    def tick(self, milliseconds: int) -> tuple[int, int]:
        """Answer a (milliseconds, counter) greater than every one before, also when the clock steps back."""
        with self.lock:
            if milliseconds > self.milliseconds:
                self.milliseconds = milliseconds
                # The top bit starts as zero and leaves room to count (RFC 9562 §6.2, method 1).
                self.counter = int.from_bytes(os.urandom(6), "big") >> (48 - _COUNTER_BITS + 1)
            else:
                self.counter += 1
                if self.counter >> _COUNTER_BITS:
                    self.milliseconds, self.counter = self.milliseconds + 1, 0
            return self.milliseconds, self.counter


_clock = _Clock()


def uuid7(instant: datetime) -> uuid.UUID:
    """Answer a UUIDv7 (RFC 9562 §5.7) that is greater than every earlier one of this process."""
    milliseconds, counter = _clock.tick(int(instant.timestamp() * 1000))
    high, low = counter >> 30, counter & (1 << 30) - 1
    tail = int.from_bytes(os.urandom(_TAIL_BITS // 8), "big")
    value = milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low << _TAIL_BITS | tail
    return uuid.UUID(int=value)
