"""Keys from the environment: for development alone, and never what SECRET_KEY or no thought at all would give."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from governance.errors import KeyUnavailable
from governance.keys.providers.environment import EnvironmentProvider

SECRET = "django-signing-key-of-this-installation-0123456789abcdef"


def keyring(root: bytes) -> str:
    keys = {"root": root, "index": os.urandom(32), "sign": os.urandom(32)}
    return ";".join(
        f"{kind} {number:016x} active {base64.b64encode(key).decode()}"
        for number, (kind, key) in enumerate(keys.items())
    )


def made(root: bytes, *, is_development: bool = True) -> EnvironmentProvider:
    return EnvironmentProvider(keyring(root), SECRET, is_development=is_development)


def test_random_keys_serve_development_and_nothing_else() -> None:
    key = os.urandom(32)
    provider_key, wrapped = made(key).wrap(bytes(32), ("a",))
    assert made(key).unwrap(provider_key, wrapped, ("a",)) == bytes(32)
    with pytest.raises(KeyUnavailable, match="development"):
        made(key, is_development=False).require_configured()


@pytest.mark.parametrize(
    "root",
    [
        bytes(32),
        b"\x01" * 32,
        b"0123456789" * 3 + b"01",
        SECRET.encode()[:32],
        SECRET.encode()[-32:],
        hashlib.sha256(SECRET.encode()).digest(),
        hashlib.sha512(SECRET.encode()).digest()[:32],
        hashlib.sha256(base64.urlsafe_b64encode(SECRET.encode())).digest(),
        base64.urlsafe_b64encode(SECRET.encode())[:32],
    ],
)
def test_zero_patterns_and_what_comes_from_the_secret_key_are_refused(root: bytes) -> None:
    with pytest.raises(KeyUnavailable) as refused:
        made(root).require_configured()
    assert base64.b64encode(root).decode() not in str(refused.value)


@pytest.mark.parametrize("text", ["", "root", "root 00 active x", keyring(bytes(range(32))).split(";")[0]])
def test_what_is_no_key_file_is_refused(text: str) -> None:
    with pytest.raises(KeyUnavailable):
        EnvironmentProvider(text, SECRET, is_development=True).require_configured()
