"""Seals values anew under the newer version of their owner's key, after a compromise; the service's own work.

Opening a value here is no disclosure: nobody asks and nobody is answered. The ledger has it as an operation on keys,
with the count, committed together with the values. The rows are the queue, so it may be killed and shared.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from governance import ledger
from governance.crypto.envelope import header
from governance.crypto.errors import CryptoError
from governance.errors import Erased, KeyUnavailable
from governance.fields import Scope, SealedField, sealed_fields
from governance.keys import compromise, data_key_rows, data_keys, health
from governance.keys.data_key_rows import OpenKey
from governance.ledger import LedgerEvent
from governance.models import DataKey, append_only
from governance.policy.vocabulary import AuditType
from governance.registry import sockets

if TYPE_CHECKING:
    from governance.policy.opaque import Detail

OWNERS: Final = 200
#: A request that fetched the old key before the mark may still store a value; none lasts as long as this.
SETTLED: Final = timedelta(minutes=10)
#: For so long the tick comes back to what stays under a key: damaged values and the evidence of consents stay for good.
#: Whoever stopped the worker for longer goes on with `compromise_key`.
_TRIED: Final = timedelta(days=1)


def work() -> int:
    """Go on with every compromise, one batch at a time; two queries when there is none. Destroys only where told to."""
    late = _compromised().filter(compromised_at__gte=timezone.now() - _TRIED)
    done = compromise.replace() + (reseal(late) if late.exists() else 0)
    return done + (finish() if settings.GOVERNANCE_DESTROY_COMPROMISED else 0)


def reseal(keys: models.QuerySet[DataKey] | None = None, owners: int = OWNERS) -> int:
    """Seal anew what lies under compromised keys, or under these of them; answers how many values."""
    done = 0
    for batch in _batches(keys, owners):
        done += sum(_reseal(field, batch) for field in sealed_fields() if _may_change(field))
    return done


def unused() -> int:
    """Count the compromised versions under which nothing lies here any more."""
    return sum(len(_unused(batch)) for batch in _batches())


def finish(settled: timedelta = SETTLED) -> int:
    """Destroy each compromised version that a count proves unused, once nobody can hold it any more.

    What other systems keep sealed cannot be counted: whoever calls this knows that nothing is left under it there.
    """
    before = timezone.now() - settled
    done = 0
    for batch in _batches():
        done += _destroy([row for row in _unused(batch) if row.compromised_at and row.compromised_at <= before])
    return done


def _unused(batch: list[DataKey]) -> list[DataKey]:
    used = {key_id for field in sealed_fields() for _row, key_id in _under(field, batch)}
    # Files are not sealed anew: they end on their own, and their key with them.
    used.update(*(held([row.pk for row in batch]) for held in sockets.files))
    return [row for row in batch if row.pk not in used]


def _batches(keys: models.QuerySet[DataKey] | None = None, size: int = OWNERS) -> Iterator[list[DataKey]]:
    rows, after = _compromised() if keys is None else keys, ""
    while batch := list(rows.filter(pk__gt=after)[:size]):
        yield batch
        after = batch[-1].pk


def _compromised() -> models.QuerySet[DataKey]:
    rows: models.QuerySet[DataKey] = DataKey.objects.filter(state=DataKey.State.COMPROMISED).order_by("pk")
    return rows


@transaction.atomic
def _destroy(rows: list[DataKey]) -> int:
    living = DataKey.objects.filter(pk__in=[row.pk for row in rows], state=DataKey.State.COMPROMISED)
    locked = list(living.select_for_update())
    living.recorded().update(wrapped=None, state=DataKey.State.DESTROYED, destroyed_at=timezone.now())
    for row in locked:
        data_key_rows.forget(row.pk)
    ledger.append_many([data_key_rows.event_of(AuditType.KEY_DESTROYED, row) for row in locked])
    return len(locked)


def _may_change(field: SealedField) -> bool:
    # The evidence of a consent stays as it was recorded; the key that opens it is kept for that.
    return field.model._meta.db_table not in append_only.APPEND_ONLY


def _reseal(field: SealedField, batch: Iterable[DataKey]) -> int:
    found = list(_under(field, batch))
    scopes = {row.pk: field.scope_of(row) for row, _key_id in found}
    keys = _opened(set(scopes.values()))
    renewed = [
        (row.pk, sealed.envelope, new)
        for row, _key_id in found
        if (sealed := getattr(row, field.name)) and (new := _renewed(field, sealed.envelope, scopes[row.pk], keys))
    ]
    return _store(field, renewed)


def _opened(scopes: set[Scope]) -> dict[Scope, OpenKey | None]:
    """Open the owners' keys; one that is damaged leaves its owner's values as they are, and stops nobody else's."""
    try:
        return dict(data_keys.opener(scopes))
    except KeyUnavailable:
        if not health.works():  # then each would be waited for in vain
            raise
    found: dict[Scope, OpenKey | None] = dict.fromkeys(scopes)
    for scope in scopes:
        with suppress(KeyUnavailable):
            found.update(data_keys.opener([scope]))
    return found


def _renewed(field: SealedField, envelope: bytes, scope: Scope, keys: Any) -> bytes | None:
    key = keys[scope]
    if key is None:  # erased or disabled meanwhile
        return None
    cipher = key.at(scope)
    try:
        return bytes(cipher.encrypt(cipher.decrypt(envelope, field.label), field.label, pad_to=field.pad_to))
    except (CryptoError, Erased):
        return None  # damaged: it stays as it is, keeps its key, and `coverage` names it


@transaction.atomic
def _store(field: SealedField, renewed: list[tuple[Any, bytes, bytes]]) -> int:
    if not renewed:
        return 0
    meta = field.model._meta
    table, column, key = (
        connection.ops.quote_name(str(name)) for name in (meta.db_table, field.column, meta.pk.column)
    )
    adapt = meta.pk.get_db_prep_value
    done = 0
    with connection.cursor() as cursor:
        # Compare and set: what somebody changed meanwhile is theirs, and already under the newer key.
        for pk, old, new in renewed:
            statement = f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s"  # noqa: S608  # quoted
            cursor.execute(statement, [new, adapt(pk, connection), old])
            done += cursor.rowcount
    details: dict[str, Detail] = {"label": field.label, "count": done}
    ledger.append(LedgerEvent(type=AuditType.KEY_RESEALED, actor_ref="service:keys", details=details))
    return done


def _under(field: SealedField, batch: Iterable[DataKey]) -> Iterator[tuple[models.Model, str]]:
    """Find the rows of these owners whose value in this column still names one of these keys."""
    wanted = {row.pk: row for row in batch}
    owners: dict[str, list[UUID]] = {}
    for row in wanted.values():
        owners.setdefault(row.scope_kind, []).append(row.scope_id)
    for kind, ids in owners.items():
        where = _owned_by(field, kind, ids)
        if where is None:
            continue
        rows = field.model._base_manager.filter(  # noqa: SLF001  # every row there is: one not seen loses its key
            **where, **{f"{field.name}__isnull": False}
        )
        for found in rows.iterator():
            try:
                key_id = header(getattr(found, field.name).envelope).key_id.hex()
            except CryptoError:
                continue
            if key_id in wanted:
                yield found, key_id


def _owned_by(field: SealedField, kind: str, ids: list[UUID]) -> dict[str, Any] | None:
    """How the rows of these owners are found; None where the column holds nothing of this kind of owner."""
    names = {each.name for each in field.model._meta.get_fields()}
    if {"scope_kind", "scope_id"} <= names:  # the kind of owner is a column too
        return {"scope_kind": kind, "scope_id__in": ids}
    return {f"{field.scope_field}__in": ids} if field.scope_kind == kind else None
