"""Data keys (DEK), one a person or request: mint, open many with one query, destroy; values are opened by the vault."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from governance import ledger
from governance.crypto.envelope import header
from governance.errors import (
    Conflict,
    Disabled,
    Erased,
    GovernanceError,
    KeyForeign,
    KeyRetired,
    KeyUnavailable,
    KeyUnknown,
)
from governance.fields import Scope
from governance.keys import controller_keys, data_key_rows
from governance.keys.data_key_rows import OpenKey, event_of, make_ready, new_row, open_row, open_versions
from governance.keys.stored_keys import StoredKey, stored, versions_of
from governance.models import DataKey
from governance.models.inserting import insert_many
from governance.policy.vocabulary import AuditType

__all__ = [
    "OpenKey",
    "bury",
    "destroy",
    "disable",
    "disabled",
    "enable",
    "exists",
    "explained",
    "forget",
    "hold_still",
    "living",
    "namers",
    "openable",
    "opener",
    "sealer",
    "sealers",
    "standing",
]

_NEVER_AGAIN: Final = "The key was destroyed; nothing can be sealed for this owner again"
_NOT_NOW: Final = "This person is being erased; nothing is sealed unless an officer undoes that"


def forget() -> None:
    """Drop every opened key from this process."""
    data_key_rows.forget()
    controller_keys.forget()


def _start_anew() -> None:
    """In a forked child: new locks and empty caches, whatever other threads held at that moment."""
    data_key_rows.start_anew()
    controller_keys.start_anew()


os.register_at_fork(after_in_child=_start_anew)


def opener(scopes: Iterable[Scope]) -> Mapping[Scope, OpenKey | None]:
    """Open the keys of these owners with one query. None for an owner whose key is absent, disabled or destroyed.

    The row is always read, so a key destroyed by another process opens nothing here, cached or not.
    """
    found: dict[Scope, OpenKey | None] = dict.fromkeys(scopes)
    kept = {scope: [row for row in rows if row.wrapped is not None] for scope, rows in versions_of(found).items()}
    # While a compromise is cleared up there are two versions. The newest says how the owner stands.
    living = {scope: rows for scope, rows in kept.items() if rows and rows[-1].state == DataKey.State.ACTIVE}
    make_ready([row for rows in living.values() for row in rows])
    found.update({scope: open_versions(rows) for scope, rows in living.items()})
    return found


def explained(scope: Scope, envelope: bytes) -> GovernanceError | None:
    """Say why an envelope of this owner did not open, where its key is the reason; one query, after a failure alone."""
    row = DataKey.objects.select_related("controller_key").filter(pk=header(envelope).key_id.hex()).first()
    if row is None:
        return KeyUnknown("A sealed value names a key that is not in the key table")
    if (row.controller_id.hex, row.scope_kind, row.scope_id.hex) != (scope.controller, scope.kind, scope.id):
        return KeyForeign("A sealed value names the key of another controller or owner; it was moved")
    if row.state != DataKey.State.DESTROYED:
        return None
    # Erased is said of people: where a newer version lives, this one ended with a compromise, and nobody was erased.
    if _rows(scope).exclude(state=DataKey.State.DESTROYED).exists():
        return KeyRetired("A sealed value names an earlier version of its owner's key, which was destroyed")
    return Erased()


def namers(scopes: Iterable[Scope]) -> Mapping[Scope, OpenKey | None]:
    """Open keys for pseudonyms alone, as opener() does: the ledger goes on naming a person whose key is disabled."""
    found: dict[Scope, OpenKey | None] = dict.fromkeys(scopes)
    rows = _newest_of(found, DataKey.State.ACTIVE, DataKey.State.SUSPENDED)
    make_ready(rows.values())
    found.update({scope: open_row(row) for scope, row in rows.items()})
    return found


def disabled(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Name those of these owners whose erasure waits for the end of its grace."""
    return frozenset(_newest_of(scopes, DataKey.State.SUSPENDED))


def standing(scopes: Iterable[Scope]) -> Mapping[Scope, str]:
    """Tell the state of each owner's newest key, with one query; an owner without any key is left out."""
    return {scope: row.state for scope, row in _newest_of(scopes).items()}


def sealers(scopes: Iterable[Scope]) -> Mapping[Scope, OpenKey]:
    """Answer the keys of several owners as sealer() does of one, in a constant number of statements."""
    wanted = list(dict.fromkeys(scopes))
    hold_still(wanted)
    rows = _newest_of(wanted)
    for row in rows.values():
        _require_sealing(row)
    make_ready(rows.values())
    found = {scope: open_row(row) for scope, row in rows.items()}
    return found | _mint_many([scope for scope in wanted if scope not in found])


def sealer(scope: Scope) -> OpenKey:
    """Answer the owner's key, minting it at first use. Raises Erased when it was destroyed: nothing is sealed again."""
    hold_still([scope])
    row = _newest(scope) or _mint(scope)
    _require_sealing(row)
    return open_row(row)


def hold_still(scopes: Iterable[Scope]) -> None:
    """Let no person among these be erased before this transaction ends: what it seals would outlive the key.

    The lock is the one that a foreign key to the person takes; only an erasure waits for it. SQLite needs none: its
    transactions write one after the other.
    """
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        return
    people = [UUID(scope.id) for scope in scopes if scope.kind == "subject"]
    if people:
        with connection.cursor() as cursor:
            statement = "SELECT 1 FROM governance_datasubject WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
            cursor.execute(statement, [people])


def exists(scope: Scope) -> bool:
    """Whether this owner has a key that still opens."""
    row = _newest(scope)
    return row is not None and row.state == DataKey.State.ACTIVE


def disable(scope: Scope) -> None:
    """Let nothing open or be sealed under the owner's key until enable() or destroy(). Reversible."""
    _move(scope, DataKey.State.ACTIVE, DataKey.State.SUSPENDED)


def enable(scope: Scope) -> None:
    """Take disable() back."""
    _move(scope, DataKey.State.SUSPENDED, DataKey.State.ACTIVE)


@transaction.atomic
def destroy(scope: Scope) -> tuple[str, ...]:
    """Destroy the owner's keys for good, leaving tombstones. Answers the ids of the keys that were destroyed."""
    # Every version that still opens anything, whatever its state: one left behind would keep the person readable.
    living = _rows(scope).exclude(state=DataKey.State.DESTROYED)
    rows = list(living.select_for_update().order_by("version"))
    living.recorded().update(wrapped=None, state=DataKey.State.DESTROYED, destroyed_at=timezone.now())
    for row in rows:
        data_key_rows.forget(row.key_id)
        _record(AuditType.KEY_DESTROYED, row)
    if not rows and not _rows(scope).exists():
        return (_tombstone(scope),)
    return tuple(row.key_id for row in rows)


@transaction.atomic
def bury(controller_id: UUID, scope: Scope, key_ids: Sequence[str]) -> None:
    """Leave tombstones of keys that were destroyed before this database was restored, and that it does not know."""
    known = set(DataKey.objects.filter(key_id__in=key_ids).values_list("key_id", flat=True))
    parent = controller_keys.active(controller_id)
    first = (_rows(scope).aggregate(last=Max("version"))["last"] or 0) + 1
    for version, key_id in enumerate([each for each in key_ids if each not in known], start=first):
        DataKey(
            key_id=key_id,
            controller_id=controller_id,
            controller_key=parent,
            scope_kind=scope.kind,
            scope_id=UUID(scope.id),
            version=version,
            commitment=b"",
            state=DataKey.State.DESTROYED,
            destroyed_at=timezone.now(),
        ).save(force_insert=True)


def openable(scope: Scope, key_ids: Iterable[str]) -> list[OpenKey]:
    """Open whatever still opens of an owner's keys and of these, in whatever state: to try, never to read by.

    Nothing comes from the cache of this process: a destroyed key must fail because its row is empty.
    """
    rows = DataKey.objects.filter(Q(scope_kind=scope.kind, scope_id=UUID(scope.id)) | Q(key_id__in=list(key_ids)))
    found = []
    for row in rows.exclude(wrapped=None).select_related("controller_key"):
        data_key_rows.forget(row.key_id)
        with suppress(KeyUnavailable):  # one that was damaged opens nothing either
            found.append(open_row(stored(row)))
    return found


def living(scope: Scope) -> int:
    """Count the owner's keys that are still there, whether or not they would open."""
    count: int = _rows(scope).exclude(wrapped=None).count()
    return count


def _require_sealing(row: StoredKey) -> None:
    if row.state == DataKey.State.DESTROYED:
        raise Erased(_NEVER_AGAIN)
    if row.state == DataKey.State.SUSPENDED:
        raise Disabled(_NOT_NOW)


def _move(scope: Scope, before: str, after: str) -> None:
    if _rows(scope).filter(state=before).recorded().update(state=after):
        return
    last = _newest(scope)
    # Nobody may be told that a key is disabled, or opens again, while another version of it says otherwise.
    if last is not None and last.state not in {after, DataKey.State.DESTROYED}:
        raise Conflict("The person's key was replaced in this moment, or does not stand as it should; try again")


def _rows(scope: Scope):  # type: ignore[no-untyped-def]  # the queryset type adds nothing here
    return DataKey.objects.filter(scope_kind=scope.kind, scope_id=UUID(scope.id))


def _newest(scope: Scope) -> StoredKey | None:
    return _newest_of([scope]).get(scope)


def _newest_of(scopes: Iterable[Scope], *states: DataKey.State) -> dict[Scope, StoredKey]:
    """Answer the newest row of each owner that has one, in one of these states if any are named; one query."""
    kept = {
        scope: [row for row in rows if not states or row.state in states] for scope, rows in versions_of(scopes).items()
    }
    return {scope: rows[-1] for scope, rows in kept.items() if rows}


def _mint(scope: Scope) -> StoredKey:
    row, key = new_row(scope, controller_keys.active(UUID(scope.controller)))
    try:
        with transaction.atomic():
            controller_keys.hold(row.controller_key)
            row.save(force_insert=True)
            _record(AuditType.KEY_CREATED, row)
    except KeyRetired:
        return _mint(scope)  # the epoch ended in this moment; under its successor, then
    except IntegrityError:
        # Two workers minted at once: one key survives, the loser reads it (encryption.md e.3).
        survivor = _newest(scope)
        if survivor is None:
            raise
        return survivor
    minted = stored(row)
    data_key_rows.keep(minted, key)
    return minted


def _mint_many(scopes: Sequence[Scope]) -> dict[Scope, OpenKey]:
    if not scopes:
        return {}
    parents = {each: controller_keys.active(UUID(each)) for each in {scope.controller for scope in scopes}}
    made = {scope: new_row(scope, parents[scope.controller]) for scope in scopes}
    try:
        with transaction.atomic():
            for parent in parents.values():
                controller_keys.hold(parent)
            insert_many([row for row, _key in made.values()], recorded=True)
            ledger.append_many([event_of(AuditType.KEY_CREATED, row) for row, _key in made.values()])
    except (IntegrityError, KeyRetired):
        # Another process minted one of them, or ended the epoch, in this moment; one by one it goes as in _mint().
        return {scope: sealer(scope) for scope in scopes}
    return {scope: data_key_rows.keep(stored(row), key) for scope, (row, key) in made.items()}


def _tombstone(scope: Scope) -> str:
    """Mark an owner that never had a key as destroyed, so that none is minted after the erasure. Answers its id."""
    row, _key = new_row(scope, controller_keys.active(UUID(scope.controller)))
    row.wrapped, row.state, row.destroyed_at = None, DataKey.State.DESTROYED, timezone.now()
    row.save(force_insert=True)
    return row.key_id


def _record(type_: AuditType, row: DataKey) -> None:
    ledger.append(event_of(type_, row))
