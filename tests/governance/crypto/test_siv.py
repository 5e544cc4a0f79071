"""AES-SIV gives the published bytes and refuses what was changed."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from governance.crypto.siv import SIV
from tests.governance.crypto.vectors import load

VECTORS = load("aes_siv.json")


def read(vector: dict[str, Any]) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in vector.items() if name != "name"}


def test_the_primitive_is_the_one_of_the_rfc() -> None:
    # The RFC's own case has a shorter key than tokens use, so it is put to what SIV stands on.
    case = read(VECTORS["rfc"])
    assert AESSIV(case["key"]).encrypt(case["plaintext"], [case["associated_data"]]) == case["ciphertext"]


@pytest.mark.parametrize("vector", VECTORS["opens"], ids=lambda vector: vector["name"])
def test_the_published_cases_both_ways(vector: dict[str, Any]) -> None:
    case = read(vector)
    cipher = SIV(case["key"])
    # An empty list of bound data and one empty piece are two things in RFC 5297; published cases with none mean one.
    assert cipher.encrypt(b"", case["plaintext"], case["associated_data"]) == case["ciphertext"]
    assert cipher.decrypt(b"", case["ciphertext"], case["associated_data"]) == case["plaintext"]
    with pytest.raises(InvalidTag):
        cipher.decrypt(b"", case["ciphertext"], case["associated_data"] + b"x")


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_what_must_be_refused(vector: dict[str, Any]) -> None:
    case = read(vector)
    with pytest.raises(InvalidTag):
        SIV(case["key"]).decrypt(b"", case["ciphertext"], case["associated_data"])


def test_other_keys_and_nonces_are_misuse() -> None:
    for length in (0, 32, 48):
        with pytest.raises(ValueError, match="64 bytes"):
            SIV(bytes(length))
    for refused in (SIV(bytes(64)).encrypt, SIV(bytes(64)).decrypt):
        with pytest.raises(ValueError, match="no nonce"):
            refused(bytes(12), bytes(32), b"")
