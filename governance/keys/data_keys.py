"""Data keys (DEK), one a person or request: mint, open many with one query, destroy; values are opened by the vault."""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from governance import ledger
from governance.crypto.envelope import (
    KEY_LENGTH,
    Cipher,
    commitment,
    new_key,
    new_key_id,
    require_commitment,
    unwrap,
    wrap,
)
from governance.crypto.errors import CryptoError
from governance.errors import Erased, KeyUnavailable
from governance.fields import Scope
from governance.keys import controller_keys
from governance.ledger import LedgerEvent
from governance.models import ControllerKey, DataKey
from governance.policy.vocabulary import AuditType

_CACHE_SIZE: Final = 10_000
_CACHE_SECONDS: Final = 60.0
_NEVER_AGAIN: Final = "The key was destroyed; nothing can be sealed for this owner again"


@dataclass(frozen=True, slots=True, repr=False)
class OpenKey:
    """An unwrapped data key: its id, a cipher, and the key of this person's pseudonyms."""

    key_id: bytes
    cipher: Cipher
    pseudonym_key: bytes


class _Cache:
    """Unwrapped keys of this process, bounded in number and age. A hit is used only after the row's state was read."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, tuple[float, OpenKey]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key_id: str) -> OpenKey | None:
        with self._lock:
            held = self._keys.get(key_id)
            if held is None or monotonic() - held[0] > _CACHE_SECONDS:
                self._keys.pop(key_id, None)
                return None
            self._keys.move_to_end(key_id)
            return held[1]

    def put(self, key_id: str, key: OpenKey) -> OpenKey:
        with self._lock:
            self._keys[key_id] = (monotonic(), key)
            while len(self._keys) > _CACHE_SIZE:
                self._keys.popitem(last=False)
        return key

    def drop(self, key_id: str | None = None) -> None:
        with self._lock:
            if key_id is None:
                self._keys.clear()
            else:
                self._keys.pop(key_id, None)


_cache = _Cache()


def forget() -> None:
    """Drop every opened key from this process."""
    _cache.drop()
    controller_keys.forget()


def _start_anew() -> None:
    """In a forked child: new locks and empty caches, whatever other threads held at that moment."""
    global _cache  # noqa: PLW0603  # the state of this module, in a process that has only this thread
    _cache = _Cache()
    controller_keys.start_anew()


os.register_at_fork(after_in_child=_start_anew)


def opener(scopes: Iterable[Scope]) -> Mapping[Scope, OpenKey | None]:
    """Open the keys of these owners with one query. None for an owner without a key or whose key was destroyed.

    The row is always read, so a key destroyed by another process opens nothing here, cached or not.
    """
    found: dict[Scope, OpenKey | None] = dict.fromkeys(scopes)
    found.update({scope: _open(row) for scope, row in _newest_of(found, state=DataKey.State.ACTIVE).items()})
    return found


def sealers(scopes: Iterable[Scope]) -> Mapping[Scope, OpenKey]:
    """Answer the keys of several owners as sealer() does of one, in a constant number of statements."""
    wanted = list(dict.fromkeys(scopes))
    rows = _newest_of(wanted)
    if any(row.state == DataKey.State.DESTROYED for row in rows.values()):
        raise Erased(_NEVER_AGAIN)
    found = {scope: _open(row) for scope, row in rows.items()}
    return found | _mint_many([scope for scope in wanted if scope not in found])


def sealer(scope: Scope) -> OpenKey:
    """Answer the owner's key, minting it at first use. Raises Erased when it was destroyed: nothing is sealed again."""
    row = _newest(scope)
    if row is None:
        row = _mint(scope)
    if row.state == DataKey.State.DESTROYED:
        raise Erased(_NEVER_AGAIN)
    return _open(row)


def exists(scope: Scope) -> bool:
    """Whether this owner has a key that still opens."""
    row = _newest(scope)
    return row is not None and row.state == DataKey.State.ACTIVE


@transaction.atomic
def destroy(scope: Scope) -> bool:
    """Destroy the owner's keys for good, leaving tombstones. Answers whether there was one to destroy."""
    rows = list(_rows(scope).filter(state=DataKey.State.ACTIVE).select_for_update())
    _rows(scope).filter(state=DataKey.State.ACTIVE).recorded().update(
        wrapped=None, state=DataKey.State.DESTROYED, destroyed_at=timezone.now()
    )
    for row in rows:
        _cache.drop(row.key_id)
        _record(AuditType.KEY_DESTROYED, row)
    if not rows and not _rows(scope).exists():
        _tombstone(scope)
    return bool(rows)


def _rows(scope: Scope):  # type: ignore[no-untyped-def]  # the queryset type adds nothing here
    return DataKey.objects.filter(scope_kind=scope.kind, scope_id=UUID(scope.id))


def _newest(scope: Scope) -> DataKey | None:
    row: DataKey | None = _rows(scope).select_related("controller_key").order_by("-version").first()
    return row


def _newest_of(scopes: Iterable[Scope], **condition: str) -> dict[Scope, DataKey]:
    """Answer the newest row of each owner that has one, with one query."""
    wanted = {(scope.kind, UUID(scope.id)): scope for scope in scopes}
    if not wanted:
        return {}
    kinds: dict[str, list[UUID]] = {}
    for kind, owner in wanted:
        kinds.setdefault(kind, []).append(owner)
    where = Q()
    for kind, owners in kinds.items():
        where |= Q(scope_kind=kind, scope_id__in=owners)
    rows = DataKey.objects.filter(where, **condition).select_related("controller_key").order_by("version")
    return {wanted[row.scope_kind, row.scope_id]: row for row in rows}


def _mint(scope: Scope) -> DataKey:
    row, key = _new_row(scope, controller_keys.active(UUID(scope.controller)))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _record(AuditType.KEY_CREATED, row)
    except IntegrityError:
        # Two workers minted at once: one key survives, the loser reads it (encryption.md e.3).
        survivor = _newest(scope)
        if survivor is None:
            raise
        return survivor
    _cache.put(row.key_id, _open_key(row.key_id, key))
    return row


def _mint_many(scopes: Sequence[Scope]) -> dict[Scope, OpenKey]:
    if not scopes:
        return {}
    parents = {each: controller_keys.active(UUID(each)) for each in {scope.controller for scope in scopes}}
    made = {scope: _new_row(scope, parents[scope.controller]) for scope in scopes}
    try:
        with transaction.atomic():
            DataKey.objects.recorded().bulk_create([row for row, _key in made.values()])
            ledger.append_many([_event(AuditType.KEY_CREATED, row) for row, _key in made.values()])
    except IntegrityError:
        # Another process minted one of them in this moment; one by one, its key survives as in _mint().
        return {scope: sealer(scope) for scope in scopes}
    return {scope: _cache.put(row.key_id, _open_key(row.key_id, key)) for scope, (row, key) in made.items()}


def _tombstone(scope: Scope) -> None:
    """Mark an owner that never had a key as destroyed, so that none is minted after the erasure."""
    row, _key = _new_row(scope, controller_keys.active(UUID(scope.controller)))
    row.wrapped, row.state, row.destroyed_at = None, DataKey.State.DESTROYED, timezone.now()
    row.save(force_insert=True)


def _new_row(scope: Scope, parent: ControllerKey) -> tuple[DataKey, bytes]:
    key, key_id = new_key(2 * KEY_LENGTH), new_key_id()
    row = DataKey(
        key_id=key_id.hex(),
        controller_id=UUID(scope.controller),
        controller_key=parent,
        scope_kind=scope.kind,
        scope_id=UUID(scope.id),
        commitment=commitment(key[:KEY_LENGTH], key_id),
    )
    row.wrapped = wrap(controller_keys.cipher(parent), key, _context(row))
    return row, key


def _record(type_: AuditType, row: DataKey) -> None:
    ledger.append(_event(type_, row))


def _event(type_: AuditType, row: DataKey) -> LedgerEvent:
    # By key id alone: naming the owner would link the ledger to a person for good.
    return LedgerEvent(
        type=type_,
        actor_ref="service:keys",
        controller_id=row.controller_id,
        object_ref=f"key:{row.key_id}",
        details={"scope": row.scope_kind},
    )


def _open(row: DataKey) -> OpenKey:
    cached = _cache.get(row.key_id)
    if cached is not None:
        return cached
    parent = controller_keys.cipher(row.controller_key)
    try:
        key = unwrap(parent, bytes(row.wrapped or b""), _context(row))
        require_commitment(key[:KEY_LENGTH], bytes.fromhex(row.key_id), bytes(row.commitment))
    except CryptoError as refused:
        raise KeyUnavailable("A data key does not open; its row was moved or changed") from refused
    return _cache.put(row.key_id, _open_key(row.key_id, key))


def _open_key(key_id: str, key: bytes) -> OpenKey:
    return OpenKey(bytes.fromhex(key_id), Cipher(key[:KEY_LENGTH]), key[KEY_LENGTH:])


def _context(row: DataKey) -> tuple[str, ...]:
    # Bound to its owner: two people's key rows cannot be swapped in the database.
    return ("data-key", row.controller_id.hex, row.scope_kind, row.scope_id.hex, row.key_id)
