"""Controller keys (KEK) per epoch: opened once per process, created when a controller has none; never a field's key."""

import threading
from uuid import UUID

from django.db import IntegrityError, transaction

from governance import ledger
from governance.crypto.envelope import Cipher, commitment, new_key, new_key_id, require_commitment
from governance.crypto.errors import CryptoError
from governance.errors import KeyUnavailable
from governance.keys.providers import provider
from governance.ledger import LedgerEvent
from governance.models import ControllerKey
from governance.policy.vocabulary import AuditType

_opened: dict[str, Cipher] = {}
_lock = threading.Lock()


def active(controller_id: UUID) -> ControllerKey:
    """Answer the row of the controller's active key, creating the first epoch."""
    row = ControllerKey.objects.filter(controller_id=controller_id, state=ControllerKey.State.ACTIVE).first()
    return row or _first_epoch(controller_id)


def cipher(row: ControllerKey) -> Cipher:
    """Open a controller key; raises KeyUnavailable for one that is destroyed or not ours."""
    # The row first: a key that another process destroyed opens nothing here, cached or not.
    if row.wrapped is None or row.state == ControllerKey.State.DESTROYED:
        raise KeyUnavailable("This controller key epoch was destroyed")
    with _lock:
        if row.key_id in _opened:
            return _opened[row.key_id]
    key = provider().unwrap(row.provider_key, bytes(row.wrapped), _context(row))
    try:
        require_commitment(key, bytes.fromhex(row.key_id), bytes(row.commitment))
    except CryptoError as refused:
        raise KeyUnavailable("A controller key does not match its commitment") from refused
    with _lock:
        return _opened.setdefault(row.key_id, Cipher(key))


def forget() -> None:
    """Drop opened keys from this process: after rotation and in tests."""
    with _lock:
        _opened.clear()


def start_anew() -> None:
    """Forget everything in a forked child. Another thread may have held the lock at that moment, so it is replaced."""
    global _lock, _opened  # the state of this module, in a process that has only this thread
    _lock, _opened = threading.Lock(), {}


def _first_epoch(controller_id: UUID) -> ControllerKey:
    key, key_id = new_key(), new_key_id()
    row = ControllerKey(key_id=key_id.hex(), controller_id=controller_id, epoch=1, provider=provider().name)
    row.provider_key, row.wrapped = provider().wrap(key, _context(row))
    row.commitment = commitment(key, key_id)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            event = LedgerEvent(
                type=AuditType.KEY_CREATED,
                actor_ref="service:keys",
                controller_id=controller_id,
                object_ref=f"key:{row.key_id}",
                details={"scope": "controller-key", "epoch": row.epoch},
            )
            ledger.append(event)
    except IntegrityError:
        # Another process opened the epoch first; its key is the one.
        return ControllerKey.objects.get(controller_id=controller_id, state=ControllerKey.State.ACTIVE)
    return row


def _context(row: ControllerKey) -> tuple[str, ...]:
    return ("controller-key", row.controller_id.hex, str(row.epoch), row.key_id)
