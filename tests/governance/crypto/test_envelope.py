"""Envelopes and wrapped keys: they open at their place, unchanged, under their key, and never otherwise."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import envelope
from governance.crypto.envelope import Cipher, Place
from governance.crypto.errors import CorruptEnvelope, CryptoError, DecryptionFailed
from tests.governance.crypto.vectors import load
from tests.vectors import independent

KEY = bytes(range(1, 33))
KEY_ID = bytes(range(8))
PLACE = Place("controller", "subject_identifier.value", "subject", "0197f3a2b1c07d3e9a4b5c6d7e8f9012")
ENVELOPES = load("envelope.json")
KEYS = load("keys.json")
ERRORS = {"CorruptEnvelope": CorruptEnvelope, "DecryptionFailed": DecryptionFailed}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
places = st.builds(Place, texts, texts, st.sampled_from(["subject", "row", "request"]), texts)


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def opened(vector: dict[str, Any]) -> bytes:
    cipher = Cipher(bytes.fromhex(vector["key"]))
    key_id, data = bytes.fromhex(vector["key_id"]), bytes.fromhex(vector["envelope"])
    return envelope.decrypt(cipher, key_id, data, Place(**vector["place"]))


@pytest.mark.parametrize("vector", ENVELOPES["opens"], ids=named)
def test_vector_opens(vector: dict[str, Any]) -> None:
    assert opened(vector).hex() == vector["plaintext"]


@pytest.mark.parametrize("vector", ENVELOPES["refused"], ids=named)
def test_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ERRORS[vector["error"]]) as refusal:
        opened(vector)
    assert refusal.type is ERRORS[vector["error"]]


def test_the_cipher_is_aes_256_gcm() -> None:
    vector = {name: bytes.fromhex(value) for name, value in load("aes_gcm.json").items() if name != "provenance"}
    sealed = vector["nonce"] + vector["ciphertext"] + vector["tag"]
    assert Cipher(vector["key"]).decrypt(sealed, vector["associated_data"]) == vector["plaintext"]


@given(plaintext=st.binary(max_size=200), place=places, pad_to=st.none() | st.integers(1, 64))
def test_round_trip_and_same_bytes_as_the_second_implementation(
    plaintext: bytes, place: Place, pad_to: int | None
) -> None:
    sealed = envelope.encrypt(Cipher(KEY), KEY_ID, plaintext, place, pad_to=pad_to)

    assert envelope.decrypt(Cipher(KEY), KEY_ID, sealed, place) == plaintext
    inner = independent.padded(plaintext, pad_to) if pad_to else plaintext
    named_place = {field: getattr(place, field) for field in ("controller", "label", "scope_kind", "scope_id")}
    assert sealed == independent.envelope(inner, named_place, head=sealed[:12], key=KEY, nonce=sealed[12:24])
    flags = (1 if pad_to else 0) | (2 if place.scope_kind == "subject" else 0)
    assert envelope.header(sealed) == envelope.Header(version=1, suite=1, flags=flags, key_id=KEY_ID)


@given(st.data())
def test_any_changed_byte_truncation_or_extension_is_refused(data: st.DataObject) -> None:
    cipher = Cipher(KEY)
    pad_to = data.draw(st.none() | st.just(16))
    sealed = bytearray(envelope.encrypt(cipher, KEY_ID, data.draw(st.binary(max_size=40)), PLACE, pad_to=pad_to))
    match data.draw(st.sampled_from(["change", "truncate", "extend"])):
        case "change":
            sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
        case "truncate":
            del sealed[data.draw(st.integers(0, len(sealed) - 1)) :]
        case _:
            sealed += data.draw(st.binary(min_size=1, max_size=40))

    with pytest.raises((CorruptEnvelope, DecryptionFailed)):
        envelope.decrypt(cipher, KEY_ID, bytes(sealed), PLACE)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_envelope_are_refused(noise: bytes) -> None:
    with pytest.raises(CryptoError):
        envelope.decrypt(Cipher(KEY), KEY_ID, noise, PLACE)


@given(place=places, other=places)
def test_a_moved_envelope_does_not_open(place: Place, other: Place) -> None:
    sealed = envelope.encrypt(Cipher(KEY), KEY_ID, b"value", place)
    if place == other:
        assert envelope.decrypt(Cipher(KEY), KEY_ID, sealed, other) == b"value"
    else:
        with pytest.raises(DecryptionFailed):
            envelope.decrypt(Cipher(KEY), KEY_ID, sealed, other)


@pytest.mark.parametrize("field", ["controller", "label", "scope_kind", "scope_id"])
def test_each_field_of_the_place_is_bound(field: str) -> None:
    sealed = envelope.encrypt(Cipher(KEY), KEY_ID, b"value", PLACE)
    assert envelope.decrypt(Cipher(KEY), KEY_ID, sealed, PLACE) == b"value"
    for elsewhere in ("", "other"):
        with pytest.raises(DecryptionFailed):
            envelope.decrypt(Cipher(KEY), KEY_ID, sealed, replace(PLACE, **{field: elsewhere}))


def test_another_key_or_key_id_does_not_open() -> None:
    sealed = envelope.encrypt(Cipher(KEY), KEY_ID, b"value", PLACE)
    with pytest.raises(DecryptionFailed) as wrong_key:
        envelope.decrypt(Cipher(bytes(32)), KEY_ID, sealed, PLACE)
    with pytest.raises(DecryptionFailed) as wrong_id:
        envelope.decrypt(Cipher(KEY), bytes(8), sealed, PLACE)
    with pytest.raises(DecryptionFailed) as wrong_place:
        envelope.decrypt(Cipher(KEY), KEY_ID, sealed, replace(PLACE, label="x"))
    # The cause is told to nobody.
    assert str(wrong_key.value) == str(wrong_id.value) == str(wrong_place.value)
    assert wrong_key.value.__suppress_context__


def test_equal_values_give_unequal_envelopes() -> None:
    cipher = Cipher(KEY)
    assert len({envelope.encrypt(cipher, KEY_ID, b"same", PLACE) for _ in range(100)}) == 100


def test_padding_hides_the_length_up_to_its_multiple() -> None:
    cipher = Cipher(KEY)
    lengths = {len(envelope.encrypt(cipher, KEY_ID, b"x" * n, PLACE, pad_to=32)) for n in range(29)}
    assert lengths == {40 + 32}
    assert len(envelope.encrypt(cipher, KEY_ID, b"x" * 29, PLACE, pad_to=32)) == 40 + 64
    assert len(envelope.encrypt(cipher, KEY_ID, b"x" * 29, PLACE)) == 40 + 29


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_whatever_a_database_driver_hands_back_is_accepted(kind: type) -> None:
    sealed = envelope.encrypt(Cipher(KEY), KEY_ID, kind(b"value"), PLACE, pad_to=16)
    assert envelope.decrypt(Cipher(KEY), KEY_ID, kind(sealed), PLACE) == b"value"
    assert envelope.header(kind(sealed)).key_id == KEY_ID


def test_a_megabyte_makes_the_round_trip() -> None:
    value = "\N{GRINNING FACE}\x00".encode() * 200_000
    assert envelope.decrypt(Cipher(KEY), KEY_ID, envelope.encrypt(Cipher(KEY), KEY_ID, value, PLACE), PLACE) == value


def test_a_cipher_shows_and_ships_nothing() -> None:
    cipher = Cipher(KEY)
    assert repr(cipher) == str(cipher) == "<Cipher>"
    for ship in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            ship(cipher)


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_only_256_bit_keys_make_a_cipher(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Cipher(bytes(length))


@pytest.mark.parametrize("length", [0, 1, 12, 27])
def test_less_than_a_nonce_and_a_tag_does_not_open(length: int) -> None:
    with pytest.raises(DecryptionFailed):
        Cipher(KEY).decrypt(bytes(length), b"")


def test_misuse_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        envelope.encrypt(Cipher(KEY), b"short", b"value", PLACE)
    with pytest.raises(ValueError, match="multiple"):
        envelope.encrypt(Cipher(KEY), KEY_ID, b"value", PLACE, pad_to=0)
    with pytest.raises(ValueError, match="32 or 64 bytes"):
        envelope.wrap(Cipher(KEY), bytes(16), ["a"])
    with pytest.raises(TypeError, match="sequence"):
        envelope.wrap(Cipher(KEY), bytes(32), "abc")
    with pytest.raises(ValueError, match="at least one label"):
        envelope.derive(KEY)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        envelope.derive(bytes(16), "label")


@pytest.mark.parametrize("vector", KEYS["wrap"])
def test_wrap_vector(vector: dict[str, Any]) -> None:
    cipher = Cipher(bytes.fromhex(vector["under"]))
    assert envelope.unwrap(cipher, bytes.fromhex(vector["wrapped"]), vector["parts"]).hex() == vector["key"]


@pytest.mark.parametrize("vector", KEYS["derive"])
def test_derive_vector(vector: dict[str, Any]) -> None:
    derived = envelope.derive(bytes.fromhex(vector["key"]), *vector["labels"], length=vector["length"])
    assert derived.hex() == vector["derived"]


@pytest.mark.parametrize("vector", KEYS["commitment"])
def test_commitment_vector(vector: dict[str, Any]) -> None:
    key, key_id = bytes.fromhex(vector["key"]), bytes.fromhex(vector["key_id"])
    assert envelope.commitment(key, key_id).hex() == vector["commitment"]
    envelope.require_commitment(key, key_id, bytes.fromhex(vector["commitment"]))


@given(key=st.binary(min_size=32, max_size=32), twice=st.booleans(), parts=st.lists(texts, max_size=4), data=st.data())
def test_a_wrapped_key_opens_for_its_parts_only(key: bytes, twice: bool, parts: list[str], data: st.DataObject) -> None:
    cipher, key = Cipher(KEY), key * (1 + twice)
    wrapped = envelope.wrap(cipher, key, parts)
    assert envelope.unwrap(cipher, wrapped, parts) == key

    for other in ([*parts, ""], parts[1:] or ["x"], ["".join(parts) + "x"]):
        with pytest.raises(DecryptionFailed):
            envelope.unwrap(cipher, wrapped, other)
    changed = bytearray(wrapped)
    changed[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1
    with pytest.raises(DecryptionFailed):
        envelope.unwrap(cipher, bytes(changed), parts)
    with pytest.raises(CorruptEnvelope):
        envelope.unwrap(cipher, wrapped[:-1], parts)


def test_a_wrapped_key_is_no_envelope_and_the_other_way_round() -> None:
    cipher = Cipher(KEY)
    with pytest.raises(CryptoError):
        envelope.decrypt(cipher, KEY_ID, envelope.wrap(cipher, KEY, ["a"]), PLACE)
    sealed = envelope.encrypt(cipher, KEY_ID, bytes(20), PLACE)
    assert len(sealed) == 60
    with pytest.raises(DecryptionFailed):
        envelope.unwrap(cipher, sealed, ["a"])


def test_a_commitment_fits_one_key_and_one_id() -> None:
    expected = envelope.commitment(KEY, KEY_ID)
    envelope.require_commitment(KEY, KEY_ID, memoryview(expected))
    for key, key_id, commitment in (
        (bytes(32), KEY_ID, expected),
        (KEY, bytes(8), expected),
        (KEY, KEY_ID, expected[:-1]),
        (KEY, KEY_ID, b""),
    ):
        with pytest.raises(DecryptionFailed):
            envelope.require_commitment(key, key_id, commitment)


def test_new_keys_differ() -> None:
    assert len({envelope.new_key() for _ in range(100)}) == 100
    assert len({envelope.new_key_id() for _ in range(100)}) == 100
    assert (len(envelope.new_key()), len(envelope.new_key(64)), len(envelope.new_key_id())) == (32, 64, 8)


def test_every_refusal_has_a_code_and_a_title_of_its_own() -> None:
    kinds = CryptoError.__subclasses__()
    assert len(kinds) == 7
    assert len({kind.code for kind in kinds} | {CryptoError.code}) == len(kinds) + 1
    assert all(kind.code.startswith("crypto.") and kind.title for kind in kinds)
