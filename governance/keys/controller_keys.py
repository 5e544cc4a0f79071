"""Controller keys (KEK) per epoch: opened once per process, created when a controller has none; never a field's key."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from governance import ledger
from governance.crypto.envelope import Cipher, commitment, new_key, new_key_id, require_commitment
from governance.crypto.errors import CryptoError
from governance.errors import KeyRetired, KeyUnavailable
from governance.keys import health, providers
from governance.keys.caching import Opened
from governance.keys.providers import provider
from governance.ledger import LedgerEvent
from governance.models import ControllerKey
from governance.policy.opaque import Detail
from governance.policy.vocabulary import AuditType

# Long enough that the key store is asked once per controller and process, short enough that losing it tells.
_SECONDS: Final = 300.0
_SIZE: Final = 10_000
#: By value: what a query reads is a plain text.
_ENDED: Final = frozenset({ControllerKey.State.RETIRED.value, ControllerKey.State.DESTROYED.value})

_opened: Opened[Cipher] = Opened(size=_SIZE, seconds=_SECONDS)


def active(controller_id: UUID) -> ControllerKey:
    """Answer the row of the controller's active key, creating the first epoch."""
    row = ControllerKey.objects.filter(controller_id=controller_id, state=ControllerKey.State.ACTIVE).first()
    return row or _first_epoch(controller_id)


def cipher(row: ControllerKey) -> Cipher:
    """Open a controller key; raises KeyRetired for one that opens nothing any more, KeyUnavailable otherwise."""
    # The row first: a key that another process retired or destroyed opens nothing here, cached or not.
    if row.wrapped is None or row.state in _ENDED:
        raise KeyRetired("This controller key epoch was retired")
    held = _opened.get(row.key_id)
    if held is not None:
        return held
    key = providers.named(row.provider).unwrap(row.provider_key, bytes(row.wrapped), context_of(row))
    try:
        require_commitment(key, bytes.fromhex(row.key_id), bytes(row.commitment))
    except CryptoError as refused:
        raise KeyUnavailable("A controller key does not match its commitment") from refused
    return _opened.put(row.key_id, Cipher(key))


def cipher_of(key_id: str, state: str) -> Cipher:
    """Answer cipher() of an epoch by its id and the state just read along with a data key; one query when not held."""
    if state in _ENDED:
        raise KeyRetired("This controller key epoch was retired")
    return _opened.get(key_id) or cipher(ControllerKey.objects.get(pk=key_id))


def missing(key_ids: Iterable[str]) -> set[str]:
    """Name those of these epochs that this process does not hold open."""
    return {key_id for key_id in set(key_ids) if _opened.get(key_id) is None}


def open_all(key_ids: Iterable[str]) -> None:
    """Open these epochs with one query: in a rotation the keys of one page lie under two."""
    for row in ControllerKey.objects.filter(pk__in=list(key_ids)).exclude(state__in=_ENDED):
        cipher(row)


def hold(row: ControllerKey) -> None:
    """Keep an epoch from being retired before this transaction ends; raises KeyRetired when it already was.

    Without it a key could be wrapped under an epoch in the moment in which a count proves that epoch empty, and be
    lost with it. Many may hold at once; only the end of the epoch waits.
    """
    # A lock that Django has no word for. SQLite writes one transaction after the other.
    lock = " FOR SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT state FROM governance_controllerkey WHERE key_id = %s{lock}", [row.key_id])  # noqa: S608
        (state,) = cursor.fetchone()
    if state in _ENDED:
        raise KeyRetired("This controller key epoch was retired")


def forget() -> None:
    """Drop opened keys from this process: after rotation and in tests."""
    _opened.drop()


def start_anew() -> None:
    """Forget everything in a forked child. Another thread may have held the lock at that moment, so it is replaced."""
    global _opened  # noqa: PLW0603  # the state of this module, in a process that has only this thread
    _opened = Opened(size=_SIZE, seconds=_SECONDS)
    providers.start_anew()
    health.forget()


def next_epoch(before: ControllerKey, state: ControllerKey.State) -> ControllerKey:
    """Open the epoch after `before`, which takes this state; answers the active one if somebody else was first."""
    row = _new_row(before.controller_id, before.epoch + 1)
    with transaction.atomic():
        active_one = ControllerKey.objects.filter(pk=before.pk, state=ControllerKey.State.ACTIVE)
        if not active_one.recorded().update(state=state):
            return active(before.controller_id)
        row.save(force_insert=True)
        is_compromised = state == ControllerKey.State.COMPROMISED
        type_ = AuditType.KEY_COMPROMISED if is_compromised else AuditType.KEY_ROTATED
        ledger.append_many([event_of(type_, before, successor=row.key_id), event_of(AuditType.KEY_CREATED, row)])
    return row


def event_of(type_: AuditType, row: ControllerKey, **details: Detail) -> LedgerEvent:
    """What the ledger says of an epoch."""
    return LedgerEvent(
        type=type_,
        actor_ref="service:keys",
        controller_id=row.controller_id,
        object_ref=f"key:{row.key_id}",
        details={"scope": "controller-key", "epoch": row.epoch, **details},
    )


def _new_row(controller_id: UUID, epoch: int) -> ControllerKey:
    key, key_id = new_key(), new_key_id()
    row = ControllerKey(key_id=key_id.hex(), controller_id=controller_id, epoch=epoch, provider=provider().name)
    row.provider_key, row.wrapped = provider().wrap(key, context_of(row))
    row.commitment = commitment(key, key_id)
    return row


def _first_epoch(controller_id: UUID) -> ControllerKey:
    row = _new_row(controller_id, 1)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            ledger.append(event_of(AuditType.KEY_CREATED, row))
    except IntegrityError:
        # Another process opened the epoch first; its key is the one.
        return ControllerKey.objects.get(controller_id=controller_id, state=ControllerKey.State.ACTIVE)
    return row


def context_of(row: ControllerKey) -> tuple[str, ...]:
    """What a controller key is bound to at its key store."""
    return ("controller-key", row.controller_id.hex, str(row.epoch), row.key_id)
