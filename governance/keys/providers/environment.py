"""Root keys from one environment variable, for development alone; refused by production settings."""

import base64
import hashlib
from typing import Final, Self

from django.conf import settings

from governance.crypto import keyring
from governance.crypto.errors import KeyringRefused
from governance.crypto.keyring import Keyring, Kind
from governance.keys.providers.local import LocalProvider

#: A random key of 32 bytes has fewer distinct bytes than this less than once in 10^20 draws.
_DISTINCT_BYTES: Final = 12


class EnvironmentProvider(LocalProvider):
    """The lines of a key file, in a variable that other processes of the account can read: never in production."""

    name = "env"

    def __init__(self, text: str, secret_key: str, *, is_development: bool) -> None:
        super().__init__("")
        self._text = text
        self._secret_key = secret_key
        self._is_development = is_development

    @classmethod
    def from_settings(cls) -> Self:
        return cls(settings.GOVERNANCE_KEYRING, settings.SECRET_KEY, is_development=settings.GOVERNANCE_DEMO)

    def _load(self) -> Keyring:
        if not self._is_development:
            raise KeyringRefused(
                "Keys from the environment are for development; choose another GOVERNANCE_KEY_PROVIDER"
            )
        found = keyring.parse(self._text.replace(";", "\n").encode("ascii", "replace"))
        derived = _derived_from(self._secret_key)
        for entry in (each for kind in Kind for each in found.entries(kind)):
            # Whoever holds SECRET_KEY (it signs cookies, so every web process does) would hold the keys.
            if entry.key in derived:
                raise KeyringRefused("A key of GOVERNANCE_KEYRING comes from SECRET_KEY; generate a random one")
            if len(set(entry.key)) < _DISTINCT_BYTES:
                raise KeyringRefused("A key of GOVERNANCE_KEYRING is not random; generate a random one")
        return found


def _derived_from(secret_key: str) -> set[bytes]:
    """The ways in which people make 32 bytes of a text."""
    secret = secret_key.encode()
    encoded = base64.urlsafe_b64encode(secret)
    return {
        secret[:32],
        secret[-32:],
        secret.ljust(32, b"\0")[:32],
        encoded[:32],
        hashlib.sha256(secret).digest(),
        hashlib.sha512(secret).digest()[:32],
        hashlib.sha3_256(secret).digest(),
        hashlib.blake2b(secret, digest_size=32).digest(),
        hashlib.sha256(encoded).digest(),
        hashlib.md5(secret, usedforsecurity=False).hexdigest().encode(),
    }
