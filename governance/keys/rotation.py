"""Rotation without downtime: a new epoch, keys wrapped anew in batches, the old epoch retired and destroyed when empty.

The rows are the queue: whatever is killed, the next call goes on, and any number of workers share the work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from governance import ledger
from governance.crypto.envelope import rewrap as rewrap_key
from governance.crypto.errors import CryptoError
from governance.errors import KeyUnavailable
from governance.keys import controller_keys
from governance.keys.data_key_rows import context_of
from governance.models import ControllerKey, DataKey
from governance.policy.vocabulary import AuditType

BATCH: Final = 5_000
#: How long one tick may work on it: other work waits meanwhile.
_TICK_SECONDS: Final = 2.0
_HALF: Final = "fillfactor=50"

_State = ControllerKey.State


@dataclass(frozen=True, slots=True)
class Epoch:
    """Where an epoch stands: how many keys still lie under it."""

    controller: str
    epoch: int
    key_id: str
    state: str
    keys: int


def rotate(controller_id: UUID) -> ControllerKey:
    """Open a new epoch. From its commit on every new key lies under it; what lies under the old one stays readable."""
    return controller_keys.next_epoch(controller_keys.active(controller_id), _State.DEACTIVATED)


def leave_room(database: BaseDatabaseWrapper) -> None:
    """Have PostgreSQL fill pages of the key table by half: one rotation then finds room beside every key's old row."""
    if database.vendor != "postgresql":
        return
    with database.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = to_regclass(%s)", [DataKey._meta.db_table])
        found = cursor.fetchone()
        # Asked first: the statement waits for an autovacuum, and migrations run with every deployment.
        if found is not None and _HALF not in (found[0] or []):
            cursor.execute(f"ALTER TABLE governance_datakey SET ({_HALF})")


def work() -> int:
    """Go on with what was begun, for a short while; one query when there is nothing to do."""
    return rewrap(seconds=_TICK_SECONDS) + end_emptied()


def rewrap(*, seconds: float | None = None, batch: int = BATCH) -> int:
    """Wrap the keys of ended epochs under the active ones; answers how many. Stops early when time is up."""
    ends = None if seconds is None else monotonic() + seconds
    done = 0
    for count in rewrapping(batch):
        done += count
        if ends is not None and monotonic() >= ends:
            break
    return done


def rewrapping(batch: int = BATCH) -> Iterator[int]:
    """Do what rewrap() does, one transaction at a time, and say after each how many keys were in it."""
    for old in ControllerKey.objects.filter(state=_State.DEACTIVATED).order_by("controller_id", "epoch"):
        after: str | None = "" if _opens(old) else None
        while after is not None:
            count, after = _rewrap_batch(old, after, batch)
            yield count


def end_emptied() -> int:
    """Retire each ended epoch under which a count finds no key, and destroy it here some time after."""
    ended = ControllerKey.objects.filter(state__in=[_State.DEACTIVATED, _State.COMPROMISED, _State.RETIRED])
    return sum(_retire(row) + _destroy(row) for row in ended)


def progress(controller_ids: Iterable[UUID] | None = None) -> list[Epoch]:
    """Say of each epoch that is not destroyed how many keys lie under it."""
    rows = ControllerKey.objects.exclude(state=_State.DESTROYED).select_related("controller")
    if controller_ids is not None:
        rows = rows.filter(controller_id__in=list(controller_ids))
    counted = rows.annotate(living=Count("data_keys", filter=Q(data_keys__wrapped__isnull=False)))
    return [
        Epoch(row.controller.slug, row.epoch, row.key_id, row.state, row.living)
        for row in counted.order_by("controller__slug", "epoch")
    ]


def _opens(old: ControllerKey) -> bool:
    """Open an epoch and its successor before rows are locked: it may take a call to the key store.

    One that does not open is left, with the keys under it, where `progress` shows it; it stops no other controller.
    """
    try:
        controller_keys.cipher(old)
        controller_keys.cipher(controller_keys.active(old.controller_id))
    except KeyUnavailable:
        return False
    return True


@transaction.atomic
def _rewrap_batch(old: ControllerKey, after: str, limit: int) -> tuple[int, str | None]:
    """Wrap the next keys of an epoch anew; answers how many, and after which to go on, or None at the end.

    Rows that another worker holds are left to it. A row that does not open is left as it is: it keeps its epoch from
    being retired, so it is seen, and it stops nobody else's.
    """
    new = controller_keys.active(old.controller_id)
    controller_keys.hold(new)
    living = _under(old).filter(key_id__gt=after).order_by("key_id")
    skip = connection.features.has_select_for_update_skip_locked
    locked = living.select_for_update(skip_locked=skip, no_key=connection.features.has_select_for_no_key_update)
    # Plain tuples: building models would cost as much as the cryptography.
    rows = list(locked.values_list("key_id", "scope_kind", "scope_id", "wrapped")[:limit])
    renewed = _renewed(rows, old, new)
    if renewed:
        _store(renewed, old, new)
        ledger.append(
            controller_keys.event_of(AuditType.KEY_REWRAPPED, old, successor=new.key_id, count=len(renewed))
        )  # fmt: skip
    return len(renewed), rows[-1][0] if len(rows) == limit else None


def _under(epoch: ControllerKey) -> QuerySet[DataKey]:
    """Answer the living keys under an epoch, by way of its controller.

    There is no index on what a rotation changes: PostgreSQL can then put the new row beside the old one and leave
    every index as it is (a heap-only tuple), which is most of the speed.
    """
    found: QuerySet[DataKey] = DataKey.objects.filter(
        controller_id=epoch.controller_id, controller_key=epoch, wrapped__isnull=False
    )
    return found


def _renewed(rows: Sequence[tuple[Any, ...]], old: ControllerKey, new: ControllerKey) -> list[tuple[str, bytes]]:
    opening, sealing, controller = controller_keys.cipher(old), controller_keys.cipher(new), old.controller_id.hex
    renewed = []
    for key_id, kind, owner, wrapped in rows:
        bound = context_of(controller, kind, owner.hex, key_id)
        try:
            renewed.append((key_id, rewrap_key(opening, sealing, wrapped, bound)))
        except CryptoError:
            continue
    return renewed


def _store(renewed: Sequence[tuple[str, bytes]], old: ControllerKey, new: ControllerKey) -> None:
    """Write a batch in one statement: Django's bulk_update() takes many times as long."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Two long texts instead of two arrays: quoting the parts one by one takes as long as the cryptography.
            cursor.execute(
                "UPDATE governance_datakey AS k SET wrapped = decode(n.wrapped, 'hex'), controller_key_id = %s"
                " FROM unnest(string_to_array(%s, ','), string_to_array(%s, ',')) AS n (key_id, wrapped)"
                " WHERE k.key_id = n.key_id AND k.controller_key_id = %s",
                [
                    new.key_id,
                    ",".join([key_id for key_id, _blob in renewed]),
                    ",".join([blob.hex() for _key_id, blob in renewed]),
                    old.key_id,
                ],
            )
        else:
            cursor.executemany(
                "UPDATE governance_datakey SET wrapped = %s, controller_key_id = %s"
                " WHERE key_id = %s AND controller_key_id = %s",
                [(blob, new.key_id, key_id, old.key_id) for key_id, blob in renewed],
            )


@transaction.atomic
def _retire(row: ControllerKey) -> int:
    # FOR UPDATE: whoever is wrapping a key under this epoch in this moment holds it, and is waited for.
    locked = ControllerKey.objects.select_for_update().get(pk=row.pk)
    is_ended = locked.state in {_State.DEACTIVATED, _State.COMPROMISED}
    if not is_ended or _under(row).exists():
        return 0
    ControllerKey.objects.filter(pk=row.pk).recorded().update(state=_State.RETIRED, retired_at=timezone.now())
    ledger.append(controller_keys.event_of(AuditType.KEY_RETIRED, row))
    return 1


@transaction.atomic
def _destroy(row: ControllerKey) -> int:
    """Leave a tombstone, some time after retirement. Copies of the table hold the key until their root key is gone."""
    until = timezone.now() - timedelta(days=settings.GOVERNANCE_EPOCH_RETENTION_DAYS)
    due = ControllerKey.objects.filter(pk=row.pk, state=_State.RETIRED, retired_at__lte=until)
    if not due.recorded().update(wrapped=None, state=_State.DESTROYED, destroyed_at=timezone.now()):
        return 0
    controller_keys.forget()
    ledger.append(controller_keys.event_of(AuditType.KEY_DESTROYED, row))
    return 1
