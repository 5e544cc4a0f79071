"""Root keys from a local key file; refuses an unsafe file and never writes one."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from django.conf import settings

from governance.crypto import keyring
from governance.crypto.envelope import Cipher, unwrap, wrap
from governance.crypto.errors import CryptoError
from governance.crypto.keyring import Keyring, Kind, State
from governance.errors import KeyRetired, KeyUnavailable, KeyUnknown
from governance.keys.providers.contract import DOES_NOT_OPEN, Wrapped


class LocalProvider:
    """Wraps with the active root key of the file; opens with any that is not retired."""

    name = "local"

    def __init__(self, path: str) -> None:
        self._path = path

    @classmethod
    def from_settings(cls) -> Self:
        return cls(settings.GOVERNANCE_KEY_FILE)

    @cached_property
    def _keyring(self) -> Keyring:
        try:
            return self._load()
        except CryptoError as refused:
            raise KeyUnavailable(str(refused)) from refused

    def _load(self) -> Keyring:
        return keyring.load(self._path)

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        root = self._keyring.active(Kind.ROOT)
        return root.key_id.hex(), wrap(Cipher(root.key), key, context)

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        root = self._root(provider_key)
        try:
            return unwrap(Cipher(root.key), wrapped, context)
        except CryptoError as refused:
            raise KeyUnavailable(DOES_NOT_OPEN) from refused

    def rewrap(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        opened = [self.unwrap(each.provider_key, each.blob, each.context) for each in wrapped]
        return [Wrapped(*self.wrap(key, each.context), each.context) for key, each in zip(opened, wrapped, strict=True)]

    def index_root(self) -> bytes:
        return self._keyring.active(Kind.INDEX).key

    def signing_seeds(self) -> tuple[bytes, ...]:
        return tuple(entry.key for entry in self._keyring.usable(Kind.SIGN))

    def require_configured(self) -> None:
        self._keyring  # noqa: B018  # reading it loads and checks the file

    def _root(self, provider_key: str) -> keyring.KeyringEntry:
        for entry in self._keyring.entries(Kind.ROOT):
            if entry.key_id.hex() == provider_key:
                if entry.state is State.RETIRED:
                    raise KeyRetired("A controller key is wrapped by a root key that is retired in the key file")
                return entry
        raise KeyUnknown("A controller key names a root key that is not in the key file; restore its line")
