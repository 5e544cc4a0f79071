"""Root keys from a local key file; refuses an unsafe file and never writes one."""

from functools import cached_property

from governance.crypto import keyring
from governance.crypto.envelope import Cipher, unwrap, wrap
from governance.crypto.errors import CryptoError
from governance.crypto.keyring import Kind
from governance.errors import KeyUnavailable


class LocalProvider:
    """Wraps with the active root key of the file; opens with any that is not retired."""

    name = "local"

    def __init__(self, path: str) -> None:
        self._path = path

    @cached_property
    def _keyring(self) -> keyring.Keyring:
        try:
            return keyring.load(self._path)
        except CryptoError as refused:
            raise KeyUnavailable(str(refused)) from refused

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        root = self._keyring.active(Kind.ROOT)
        return root.key_id.hex(), wrap(Cipher(root.key), key, context)

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        try:
            root = self._keyring.find(Kind.ROOT, bytes.fromhex(provider_key))
            return unwrap(Cipher(root.key), wrapped, context)
        except CryptoError as refused:
            message = "A controller key does not open with the key file; restore the file that belongs to this database"
            raise KeyUnavailable(message) from refused

    def index_root(self) -> bytes:
        return self._keyring.active(Kind.INDEX).key

    def signing_seeds(self) -> tuple[bytes, ...]:
        return tuple(entry.key for entry in self._keyring.usable(Kind.SIGN))
