"""One data key as a row and as an opened key: made, wrapped, opened, named; whose key it is asked for elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from governance.crypto import BytesLike
from governance.crypto.envelope import (
    KEY_LENGTH,
    Cipher,
    OwnedCipher,
    cipher_for,
    commitment,
    new_key,
    new_key_id,
    require_commitment,
    unwrap,
    wrap,
)
from governance.crypto.errors import CryptoError
from governance.errors import KeyForeign, KeyUnavailable
from governance.fields import Scope
from governance.keys import controller_keys
from governance.keys.caching import Opened
from governance.keys.stored_keys import StoredKey, stored
from governance.ledger import LedgerEvent
from governance.models import ControllerKey, DataKey
from governance.policy.vocabulary import AuditType

_CACHE_SIZE: Final = 10_000
_CACHE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class OpenKey:
    """An unwrapped data key: its id and owner, a cipher, the same at its owner's place, the pseudonyms' key."""

    key_id: bytes
    owner: Scope
    cipher: Cipher
    owned: OwnedCipher
    pseudonym_key: bytes

    def at(self, scope: Scope) -> OwnedCipher:
        """Answer the cipher at its owner's place; raises KeyForeign where the scope names another owner."""
        # Owners are found by id: without this, a scope that names a controller the caller may open for, and a
        # person of another, would open the other's value.
        if scope != self.owner:
            raise KeyForeign("The key belongs to another owner or controller than the one named")
        return self.owned


class VersionedCipher(OwnedCipher):
    """An owner's newest key, which seals, and the earlier versions, which still open what names them."""

    __slots__ = ("_earlier",)

    def __init__(self, newest: Cipher, row: StoredKey, earlier: Mapping[bytes, OwnedCipher]) -> None:
        place = {"controller": row.controller, "scope_kind": row.scope_kind, "scope_id": row.scope_id}
        super().__init__(newest, bytes.fromhex(row.key_id), **place)
        self._earlier = earlier

    def decrypt(self, envelope: BytesLike, label: str) -> bytes:
        """Open by the key id in the envelope; never by trying one key after the other."""
        other = self._earlier.get(bytes(envelope[4:12]))
        return super().decrypt(envelope, label) if other is None else other.decrypt(envelope, label)

    def stream_of(self, head: bytes, label: str) -> tuple[bytes, bytes]:
        """Find the key of a file likewise by the id in its header."""
        other = self._earlier.get(head[4:12])
        return super().stream_of(head, label) if other is None else other.stream_of(head, label)


_cache: Opened[OpenKey] = Opened(size=_CACHE_SIZE, seconds=_CACHE_SECONDS)


def forget(key_id: str | None = None) -> None:
    """Drop one opened key from this process, or all."""
    _cache.drop(key_id)


def start_anew() -> None:
    """In a forked child: a new lock and an empty cache, whatever other threads held at that moment."""
    global _cache  # noqa: PLW0603  # the state of this module, in a process that has only this thread
    _cache = Opened(size=_CACHE_SIZE, seconds=_CACHE_SECONDS)


def new_row(
    scope: Scope, parent: ControllerKey, *, version: int = 1, pseudonym_key: bytes | None = None
) -> tuple[DataKey, bytes]:
    """Answer a fresh key as a row that is not stored yet, and the key. A newer version keeps its owner's pseudonyms."""
    key = new_key(KEY_LENGTH) + (pseudonym_key or new_key(KEY_LENGTH))
    key_id = new_key_id()
    row = DataKey(
        key_id=key_id.hex(),
        controller_id=UUID(scope.controller),
        controller_key=parent,
        scope_kind=scope.kind,
        scope_id=UUID(scope.id),
        version=version,
        commitment=commitment(key[:KEY_LENGTH], key_id),
    )
    row.wrapped = wrap(controller_keys.cipher(parent), key, _bound_to(stored(row)))
    return row, key


def make_ready(rows: Collection[StoredKey]) -> None:
    """Open the epochs that these keys need and this process does not hold, with one query at most."""
    missing = controller_keys.missing(row.controller_key_id for row in rows)
    if missing:
        needed = {row.controller_key_id for row in rows if _cache.get(row.key_id) is None} & missing
        controller_keys.open_all(needed) if needed else None


def open_row(row: StoredKey) -> OpenKey:
    """Open a row's key, or answer it from this process's cache; raises KeyUnavailable."""
    held = _cache.get(row.key_id)
    # A row that was given to somebody else in the database must not be answered by what it was: past the cache it is
    # bound to its owner, and does not open.
    return held if held is not None and held.owner == _owner_of(row) else keep(row, unwrapped(row))


def open_versions(rows: Sequence[StoredKey]) -> OpenKey:
    """Open an owner's versions, oldest first, as one key: the newest seals, and each opens what names it."""
    *earlier, newest = rows
    key = open_row(newest)
    if not earlier:
        return key
    others = {each.key_id: each.owned for each in map(open_row, earlier)}
    return replace(key, owned=VersionedCipher(key.cipher, newest, others))


def keep(row: StoredKey, key: bytes) -> OpenKey:
    """Hold an opened key for the next use in this process."""
    return _cache.put(row.key_id, _open_key(row, key))


def unwrapped(row: StoredKey) -> bytes:
    """Open a row's key past every cache of data keys; raises KeyUnavailable."""
    parent = controller_keys.cipher_of(row.controller_key_id, row.epoch_state)
    try:
        key = unwrap(parent, bytes(row.wrapped or b""), _bound_to(row))
        require_commitment(key[:KEY_LENGTH], bytes.fromhex(row.key_id), bytes(row.commitment))
    except CryptoError as refused:
        raise KeyUnavailable("A data key does not open; its row was moved or changed") from refused
    return key


def event_of(type_: AuditType, row: DataKey) -> LedgerEvent:
    """What the ledger says of a key: its id alone. Naming the owner would link the ledger to a person for good."""
    return LedgerEvent(
        type=type_,
        actor_ref="service:keys",
        controller_id=row.controller_id,
        object_ref=f"key:{row.key_id}",
        details={"scope": row.scope_kind},
    )


def _open_key(row: StoredKey, key: bytes) -> OpenKey:
    key_id, owner = bytes.fromhex(row.key_id), _owner_of(row)
    cipher = cipher_for(owner.kind, key[:KEY_LENGTH])
    owned = OwnedCipher(cipher, key_id, controller=owner.controller, scope_kind=owner.kind, scope_id=owner.id)
    return OpenKey(key_id, owner, cipher, owned, key[KEY_LENGTH:])


def _owner_of(row: StoredKey) -> Scope:
    return Scope(row.controller, row.scope_kind, row.scope_id)


def context_of(controller: str, kind: str, owner: str, key_id: str) -> tuple[str, ...]:
    """What a data key is bound to: its owner, so that two people's key rows cannot be swapped in the database."""
    return ("data-key", controller, kind, owner, key_id)


def _bound_to(row: StoredKey) -> tuple[str, ...]:
    return context_of(row.controller, row.scope_kind, row.scope_id, row.key_id)
