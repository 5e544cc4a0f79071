"""XAES-256-GCM gives the published bytes, also over ten thousand random cases, and refuses what was changed."""

from hashlib import shake_128
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from governance.crypto.xaes import XAESGCM
from tests.governance.crypto.vectors import load

VECTORS = load("xaes_256_gcm.json")


@pytest.mark.parametrize("vector", VECTORS["cases"], ids=lambda vector: vector["name"])
def test_the_published_cases_both_ways(vector: dict[str, Any]) -> None:
    key, nonce, bound, plaintext, ciphertext = (
        bytes.fromhex(vector[name]) for name in ("key", "nonce", "associated_data", "plaintext", "ciphertext")
    )
    assert XAESGCM(key).encrypt(nonce, plaintext, bound) == ciphertext
    assert XAESGCM(key).decrypt(nonce, ciphertext, bound) == plaintext
    for changed in (ciphertext[:-1], bytes([ciphertext[0] ^ 1]) + ciphertext[1:]):
        with pytest.raises(InvalidTag):
            XAESGCM(key).decrypt(nonce, changed, bound)
    with pytest.raises(InvalidTag):
        XAESGCM(key).decrypt(nonce, ciphertext, bound + b"x")


def accumulated(iterations: int) -> str:
    """Hash the ciphertexts of the specification's random cases, drawn from one SHAKE-128 stream of an empty input."""
    size = iterations * (32 + 24 + 1 + 255 + 1 + 255)  # more than is read: each text is at most 255 bytes
    stream, at, digest = shake_128(b"").digest(size), 0, shake_128()

    def read(length: int) -> bytes:
        nonlocal at
        at += length
        return stream[at - length : at]

    for _ in range(iterations):
        cipher, nonce = XAESGCM(read(32)), read(24)
        plaintext = read(read(1)[0])
        bound = read(read(1)[0])
        ciphertext = cipher.encrypt(nonce, plaintext, bound)
        assert cipher.decrypt(nonce, ciphertext, bound) == plaintext
        digest.update(ciphertext)
    return digest.hexdigest(32)


def test_the_published_hash_over_ten_thousand_cases() -> None:
    assert accumulated(10_000) == VECTORS["accumulated"]["10000"]


def test_keys_and_nonces_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        XAESGCM(bytes(16))
    for length in (0, 12, 23, 25):
        with pytest.raises(ValueError, match="24 bytes"):
            XAESGCM(bytes(32)).encrypt(bytes(length), b"", b"")
