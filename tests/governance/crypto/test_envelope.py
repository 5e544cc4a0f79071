"""Envelopes and wrapped keys: they open at their place, unchanged, under their key, and never otherwise."""

import copy
import pickle
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import envelope
from governance.crypto.ciphers import CIPHERS, ExtendedCipher, TokenCipher
from governance.crypto.envelope import Cipher, OwnedCipher, Place, cipher_for
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
    cipher = CIPHERS[vector["suite"]](bytes.fromhex(vector["key"]))
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


@given(
    plaintext=st.binary(max_size=200),
    place=places,
    pad_to=st.none() | st.integers(1, 64),
    kind=st.sampled_from([Cipher, ExtendedCipher, TokenCipher]),
)
def test_round_trip_and_same_bytes_as_the_second_implementation(
    plaintext: bytes, place: Place, pad_to: int | None, kind: type[Cipher]
) -> None:
    sealed = envelope.encrypt(kind(KEY), KEY_ID, plaintext, place, pad_to=pad_to)

    assert envelope.decrypt(kind(KEY), KEY_ID, sealed, place) == plaintext
    inner = independent.padded(plaintext, pad_to) if pad_to else plaintext
    named_place = {field: getattr(place, field) for field in ("controller", "label", "scope_kind", "scope_id")}
    nonce = sealed[12 : 12 + kind.nonce_length]
    assert sealed == independent.envelope(inner, named_place, head=sealed[:12], key=KEY, nonce=nonce)
    flags = (1 if pad_to else 0) | (2 if place.scope_kind == "subject" else 0)
    assert envelope.header(sealed) == envelope.Header(version=1, suite=kind.suite, flags=flags, key_id=KEY_ID)


def test_the_kind_of_owner_decides_the_suite_and_no_other_opens() -> None:
    assert {kind: cipher_for(kind, KEY).suite for kind in ("subject", "request", "proof", "controller")} == {
        "subject": 1,
        "request": 1,
        "proof": 1,
        "controller": 2,
    }
    for written, read in permutations((Cipher(KEY), ExtendedCipher(KEY), TokenCipher(KEY)), 2):
        sealed = envelope.encrypt(written, KEY_ID, b"a value long enough for every suite", PLACE)
        assert envelope.decrypt(written, KEY_ID, sealed, PLACE)
        with pytest.raises(DecryptionFailed):
            envelope.decrypt(read, KEY_ID, sealed, PLACE)


def test_only_tokens_are_deterministic_and_only_at_one_place() -> None:
    owned = OwnedCipher(TokenCipher(KEY), KEY_ID, controller="c", scope_kind="subject", scope_id="s")
    assert owned.encrypt(b"same", "a") == owned.encrypt(b"same", "a")
    other = OwnedCipher(TokenCipher(KEY), KEY_ID, controller="c", scope_kind="subject", scope_id="t")
    tails = {
        each[12:] for each in (owned.encrypt(b"same", "a"), owned.encrypt(b"same", "b"), other.encrypt(b"same", "a"))
    }
    assert len(tails) == 3
    for kind in (Cipher, ExtendedCipher):
        assert len({envelope.encrypt(kind(KEY), KEY_ID, b"same", PLACE) for _ in range(100)}) == 100


@given(plaintext=st.binary(max_size=300), pad_to=st.none() | st.integers(1, 64))
def test_what_is_stored_is_the_value_and_forty_bytes_and_its_padding(plaintext: bytes, pad_to: int | None) -> None:
    padding = 0 if pad_to is None else 4 + -(len(plaintext) + 4) % pad_to
    for kind, overhead in ((Cipher, 40), (ExtendedCipher, 52), (TokenCipher, 28)):
        stored = len(envelope.encrypt(kind(KEY), KEY_ID, plaintext, PLACE, pad_to=pad_to))
        assert stored == len(plaintext) + overhead + padding


@given(st.data())
def test_any_changed_byte_truncation_or_extension_is_refused(data: st.DataObject) -> None:
    cipher = data.draw(st.sampled_from([Cipher, ExtendedCipher, TokenCipher]))(KEY)
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


@given(
    place=places,
    other=places,
    kind=st.sampled_from([Cipher, ExtendedCipher, TokenCipher]),
    pad_to=st.none() | st.just((8, 32)),
)
def test_a_moved_envelope_does_not_open(
    place: Place, other: Place, kind: type[Cipher], pad_to: tuple[int, ...] | None
) -> None:
    sealed = envelope.encrypt(kind(KEY), KEY_ID, b"value", place, pad_to=pad_to)
    if place == other:
        assert envelope.decrypt(kind(KEY), KEY_ID, sealed, other) == b"value"
    else:
        with pytest.raises(DecryptionFailed):
            envelope.decrypt(kind(KEY), KEY_ID, sealed, other)


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
    for holder in (Cipher(KEY), OwnedCipher(Cipher(KEY), KEY_ID, controller="c", scope_kind="row", scope_id="r")):
        assert repr(holder) == str(holder) == f"<{type(holder).__name__}>"
        for ship in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                ship(holder)


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
    for refused in (envelope.wrap, envelope.unwrap):
        with pytest.raises(ValueError, match="AES-256-GCM"):
            refused(ExtendedCipher(KEY), bytes(32), ["a"])
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


@given(key=st.binary(min_size=32, max_size=64), labels=st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_one_block_is_the_beginning_of_two(key: bytes, labels: list[str]) -> None:
    # RFC 5869 §2.3: the short way to one block and the library's own expansion agree.
    assert envelope.derive(key, *labels) == envelope.derive(key, *labels, length=64)[:32]


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

    for other in ([*parts, ""], parts[1:] or [*parts, "x"], ["".join(parts) + "x"]):
        with pytest.raises(DecryptionFailed):
            envelope.unwrap(cipher, wrapped, other)
    changed = bytearray(wrapped)
    changed[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1
    with pytest.raises(DecryptionFailed):
        envelope.unwrap(cipher, bytes(changed), parts)
    with pytest.raises(CorruptEnvelope):
        envelope.unwrap(cipher, wrapped[:-1], parts)


@given(key=st.binary(min_size=32, max_size=32), parts=st.lists(texts, max_size=5), data=st.data())
def test_a_key_wrapped_anew_is_the_same_at_the_same_place(key: bytes, parts: list[str], data: st.DataObject) -> None:
    old, new = Cipher(KEY), Cipher(bytes(32))
    wrapped = envelope.wrap(old, key, parts)
    assert envelope.unwrap(new, envelope.rewrap(old, new, wrapped, parts), parts) == key
    changed = bytearray(wrapped)
    changed[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1
    for blob, other in ((wrapped, [*parts, "x"]), (bytes(changed), parts)):
        with pytest.raises(DecryptionFailed):
            envelope.rewrap(old, new, blob, other)
    with pytest.raises(CorruptEnvelope):
        envelope.rewrap(old, new, wrapped[:-1], parts)
    for ciphers in ((ExtendedCipher(KEY), new), (old, ExtendedCipher(KEY))):
        with pytest.raises(ValueError, match="AES-256-GCM"):
            envelope.rewrap(*ciphers, wrapped, parts)


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
