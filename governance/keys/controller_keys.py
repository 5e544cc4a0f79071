"""Controller keys (KEK) per epoch: opened once per process, created when a controller has none; never a field's key."""

import threading
from uuid import UUID

from django.db import IntegrityError, transaction

from governance.crypto.envelope import Cipher, commitment, new_key, new_key_id, require_commitment
from governance.crypto.errors import CryptoError
from governance.errors import KeyUnavailable
from governance.keys.providers import provider
from governance.models import ControllerKey

_opened: dict[str, Cipher] = {}
_lock = threading.Lock()


def active(controller_id: UUID) -> ControllerKey:
    """Answer the row of the controller's active key, creating the first epoch."""
    row = ControllerKey.objects.filter(controller_id=controller_id, state=ControllerKey.State.ACTIVE).first()
    return row or _first_epoch(controller_id)


def cipher(row: ControllerKey) -> Cipher:
    """Open a controller key; raises KeyUnavailable for one that is destroyed or not ours."""
    with _lock:
        if row.key_id in _opened:
            return _opened[row.key_id]
    if row.wrapped is None:
        raise KeyUnavailable("This controller key epoch was destroyed")
    key = provider().unwrap(row.provider_key, bytes(row.wrapped), _context(row))
    try:
        require_commitment(key, bytes.fromhex(row.key_id), bytes(row.commitment))
    except CryptoError as refused:
        raise KeyUnavailable("A controller key does not match its commitment") from refused
    with _lock:
        return _opened.setdefault(row.key_id, Cipher(key))


def forget() -> None:
    """Drop opened keys from this process: after fork, rotation and in tests."""
    with _lock:
        _opened.clear()


def _first_epoch(controller_id: UUID) -> ControllerKey:
    key, key_id = new_key(), new_key_id()
    row = ControllerKey(key_id=key_id.hex(), controller_id=controller_id, epoch=1, provider=provider().name)
    row.provider_key, row.wrapped = provider().wrap(key, _context(row))
    row.commitment = commitment(key, key_id)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another process opened the epoch first; its key is the one.
        return ControllerKey.objects.get(controller_id=controller_id, state=ControllerKey.State.ACTIVE)
    return row


def _context(row: ControllerKey) -> tuple[str, ...]:
    return ("controller-key", row.controller_id.hex, str(row.epoch), row.key_id)
