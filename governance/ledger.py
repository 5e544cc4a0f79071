"""append(): the only writer of the ledger; it takes opaque references and knows no key, no person and no policy."""

import json
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router, transaction
from django.utils import timezone

from governance import correlation
from governance.errors import AuditRefused
from governance.models import LedgerEntry, LedgerPending
from governance.models.inserting import insert_many
from governance.policy.event_classes import class_of
from governance.policy.opaque import Detail, require_details, require_reference
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: docs/ledger.md describes each version byte for byte; what was written under an older one stays as it is.
PAYLOAD_VERSION = 2

#: An entry bundle states each length in two bytes (C2SP tlog-tiles).
_LONGEST = 65_535

_COUNTER_BITS = 42
_TAIL_BITS = 32

# Equal to RFC 8785: every key is ASCII and no value is a float, so key order and number form agree.
_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
#: From here on prepared statements cost less than the text of one.
_MANY: Final = 50
_COLUMNS: Final = (
    "id", "recorded_at", "type", "controller", "actor_ref", "subject_ref", "object_ref", "payload", "leaf",
)  # fmt: skip
_PLACES: Final = f"({', '.join(['%s'] * len(_COLUMNS))})"
_ENTRIES: Final = f"INSERT INTO governance_ledgerentry ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608  # the above
_QUEUE: Final = "INSERT INTO governance_ledgerpending (entry_id) VALUES "


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
    #: What decided: ids of rules, and the fingerprint of the set of rules in force.
    rules: Sequence[str] = ()
    ruleset: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)
    body_commit: str | None = None


def append(event: LedgerEvent) -> LedgerEntry:
    """Write one event into the current transaction; raises AuditRefused outside one, or for a telling value."""
    return append_many([event])[0]


def append_many(events: Sequence[LedgerEvent]) -> list[LedgerEntry]:
    """Write several events with the same statements as one; the same promises as `append`."""
    require_transaction()
    instant = timezone.now()
    database = router.db_for_write(LedgerEntry)
    entries = [LedgerEntry.from_db(database, _COLUMNS, _values(event, instant)) for event in events]
    if len(entries) < _MANY:
        _insert(entries, connections[database])
    else:
        insert_many(entries)
        insert_many([LedgerPending(entry=entry) for entry in entries])
    return entries


def _insert(entries: Sequence[LedgerEntry], connection: "BaseDatabaseWrapper") -> None:
    """Write few rows and their places in the queue: every change waits for this, so no query is composed for it."""
    if not entries:
        return
    keeps_uuid = connection.features.has_native_uuid_field

    def stored(key: uuid.UUID | None) -> Any:
        return key if key is None or keeps_uuid else key.hex

    instant = connection.ops.adapt_datetimefield_value(entries[0].recorded_at)
    rows: list[Any] = [
        value
        for row in entries
        for value in (
            stored(row.id), instant, row.type, stored(row.controller),
            row.actor_ref, row.subject_ref, row.object_ref, row.payload, row.leaf,
        )
    ]  # fmt: skip
    keys = [stored(row.id) for row in entries]
    write, queue = _ENTRIES + ", ".join([_PLACES] * len(keys)), _QUEUE + ", ".join(["(%s)"] * len(keys))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"WITH written AS ({write}) {queue}", rows + keys)
        else:
            cursor.execute(write, rows)
            cursor.execute(queue, keys)


def require_transaction() -> None:
    """Refuse to go on outside a transaction: the change could commit and its event be lost, or the other way round."""
    if not transaction.get_connection(router.db_for_write(LedgerEntry)).in_atomic_block:
        raise AuditRefused("An event is written in the transaction of the change it records; open one first.")


def _values(event: LedgerEvent, instant: datetime) -> tuple[Any, ...]:
    """Answer the columns of an event, in their order."""
    event_id = uuid7(instant)
    payload = _payload(event_id, event, instant)
    # RFC 6962 §2.1: the zero byte keeps a leaf from passing as an inner node.
    leaf = sha256(b"\x00" + payload.encode()).digest()
    return (
        event_id, instant, event.type.value, event.controller_id,
        event.actor_ref, event.subject_ref, event.object_ref, payload, leaf,
    )  # fmt: skip


def _payload(event_id: uuid.UUID, event: LedgerEvent, instant: datetime) -> str:
    if not event.actor_ref:
        raise AuditRefused("An event names its actor.")
    fields = {
        "v": PAYLOAD_VERSION,
        "id": str(event_id),
        "time": instant.isoformat(),
        "class": class_of(event.type).value,
        "type": event.type.value,
        "controller": str(event.controller_id) if event.controller_id else None,
        "actor": require_reference("actor_ref", event.actor_ref, 80),
        "subject": require_reference("subject_ref", event.subject_ref, 80),
        "object": require_reference("object_ref", event.object_ref, 120),
        "purpose": require_reference("purpose", event.purpose, 64),
        "decision": require_reference("decision", event.decision, 64),
        "rules": [require_reference("rules", rule, 120) for rule in event.rules],
        "ruleset": require_reference("ruleset", event.ruleset, 64),
        "correlation": correlation.current(),
        "details": require_details(event.details),
        "body_commit": event.body_commit,
    }
    payload = _canonical(fields)
    if len(payload.encode()) > _LONGEST:
        raise AuditRefused("The details of this event are longer than an entry of the ledger can be; record counts.")
    return payload


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
