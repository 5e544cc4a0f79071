"""Root key providers behind one small contract: wrap and unwrap a controller's key; never field data."""

from functools import lru_cache
from typing import Protocol

from django.conf import settings

from governance.keys.providers.local import LocalProvider


class Provider(Protocol):
    """What a root key store offers. `context` is bound into the wrap, so a wrapped key cannot change places."""

    name: str

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        """Answer the provider's key id and the wrapped key."""
        ...

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        """Open a wrapped key; raises KeyUnavailable or Erased."""
        ...

    def index_root(self) -> bytes:
        """Answer the root of the separate branch that blind indexes are derived from."""
        ...

    def signing_seeds(self) -> tuple[bytes, ...]:
        """Answer the Ed25519 seeds of checkpoints: the one that signs first, then those that still verify."""
        ...


@lru_cache(maxsize=1)
def provider() -> Provider:
    """The provider this installation is configured with, loaded once per process."""
    return LocalProvider(settings.GOVERNANCE_KEY_FILE)
