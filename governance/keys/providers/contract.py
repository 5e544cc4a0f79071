"""What a root key store offers, as one small contract; it knows no provider and keeps no key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from governance.errors import KeyUnavailable

#: What every provider says when a key does not open for its context: which of the reasons it was is not told.
DOES_NOT_OPEN = (
    "A wrapped key does not open at the key store; its row was moved or changed, or the store is another one"
)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key as it is stored: which key of the provider wrapped it, the bytes, what they are bound to."""

    provider_key: str
    blob: bytes
    context: tuple[str, ...]


class Provider(Protocol):
    """A root key store: wraps and unwraps controllers' keys, never field data.

    `context` is bound into the wrap, so a wrapped key cannot change places. Every call ends within a bounded time and
    fails closed: KeyUnknown, KeySuspended, KeyRetired where the store says so, KeyUnavailable for everything else.
    """

    name: str

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        """Answer the provider's id of the key that wraps now, and the wrapped key."""
        ...

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        """Open a wrapped key; raises KeyUnavailable or one of its kinds."""
        ...

    def rewrap(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        """Wrap these keys anew under the key that wraps now, in their order; all or none."""
        ...

    def index_root(self) -> bytes:
        """Answer the root of the separate branch that blind indexes are derived from."""
        ...

    def signing_seeds(self) -> tuple[bytes, ...]:
        """Answer the Ed25519 seeds of checkpoints: the one that signs first, then those that still verify."""
        ...

    def require_configured(self) -> None:
        """Refuse settings that cannot work, without a call to another machine; raises KeyUnavailable."""
        ...


def associated_data(context: Sequence[str]) -> bytes:
    """Answer the context as bytes that no other context gives: every part behind its length in four bytes."""
    parts = [part.encode() for part in ("cxp/root-key/1", *context)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def require_key_name(provider_key: str, expected: str) -> None:
    """Refuse a row that names a key of another kind of store, before anything is sent anywhere."""
    if not provider_key.startswith(expected):
        raise KeyUnavailable("A wrapped key names a root key that is not of this key store")
