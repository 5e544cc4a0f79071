"""Root secrets for providers that hand out no keys: random, wrapped by the provider, kept in a table, minted once."""

from abc import ABC, abstractmethod
from typing import Final

from django.db import IntegrityError, router, transaction

from governance import ledger
from governance.crypto.envelope import commitment, new_key, require_commitment
from governance.crypto.errors import CryptoError
from governance.errors import KeyUnavailable
from governance.keys.caching import Opened
from governance.ledger import LedgerEvent
from governance.models import ControllerKey, RootSecret
from governance.policy.vocabulary import AuditType

_SECONDS: Final = 300.0


class StoredRoots(ABC):
    """The part of the contract that is the same for every provider whose keys never leave it."""

    name: str

    def __init__(self) -> None:
        self._opened: Opened[bytes] = Opened(size=16, seconds=_SECONDS)

    @abstractmethod
    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        """Answer the provider's id of the key that wraps now, and the wrapped key."""

    @abstractmethod
    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        """Open a wrapped key; raises KeyUnavailable or one of its kinds."""

    def index_root(self) -> bytes:
        return self._secrets(RootSecret.Purpose.INDEX)[0]

    def signing_seeds(self) -> tuple[bytes, ...]:
        return self._secrets(RootSecret.Purpose.SIGN)

    def _secrets(self, purpose: RootSecret.Purpose) -> tuple[bytes, ...]:
        """Answer the secrets of one purpose, the newest first; one query, and a call only for what is not held."""
        rows = list(RootSecret.objects.filter(purpose=purpose).order_by("-version"))
        return tuple(self._open(row) for row in rows or [self._mint(purpose)])

    def _open(self, row: RootSecret) -> bytes:
        held = self._opened.get(_id(row))
        if held is not None:
            return held
        if row.provider != self.name:
            message = f"The root secrets of this database are kept by the key provider {row.provider}"
            raise KeyUnavailable(message)
        key = self.unwrap(row.provider_key, bytes(row.wrapped), context_of(row))
        try:
            require_commitment(key, _id(row).encode(), bytes(row.commitment))
        except CryptoError as refused:
            raise KeyUnavailable("A root secret does not match its commitment") from refused
        return self._opened.put(_id(row), key)

    def _mint(self, purpose: RootSecret.Purpose) -> RootSecret:
        if transaction.get_connection(router.db_for_write(RootSecret)).in_atomic_block:
            # Rolled back, it would be gone, and what was indexed or signed with it could never be matched again.
            raise KeyUnavailable("Root secrets are not made inside a transaction: run manage.py rotate_keys --prepare")
        if ControllerKey.objects.exclude(provider=self.name).exists():
            # A fresh index root beside an old one: every person would be unknown from now on.
            raise KeyUnavailable(
                "This database belongs to another key provider: run manage.py rotate_keys --adopt first"
            )
        return store(self, purpose, new_key())


def store(keys: StoredRoots, purpose: RootSecret.Purpose, secret: bytes, *, version: int = 1) -> RootSecret:
    """Keep a secret as this version of its purpose; whoever comes second gets what the first one stored."""
    row = RootSecret(purpose=purpose, version=version, provider=keys.name)
    row.provider_key, row.wrapped = keys.wrap(secret, context_of(row))
    row.commitment = commitment(secret, _id(row).encode())
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            ledger.append(
                LedgerEvent(
                    type=AuditType.KEY_CREATED,
                    actor_ref="service:keys",
                    object_ref=f"key:root-{purpose.value}-{row.version}",
                    details={"scope": f"root-{purpose.value}", "provider": keys.name},
                )
            )
    except IntegrityError:
        return RootSecret.objects.get(purpose=purpose, version=row.version)
    return row


def context_of(row: RootSecret) -> tuple[str, ...]:
    """What a root secret is bound to."""
    return ("root-secret", str(row.purpose), str(row.version))


def _id(row: RootSecret) -> str:
    return f"{row.purpose}:{row.version}"
