"""Blind indexes: equal people meet, unequal ones do not, and no value is lost or told on the way."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from governance.crypto import blind_index as index
from governance.crypto.errors import NormalisationRefused
from tests.governance.crypto.vectors import load
from tests.vectors import independent

KEY = bytes(range(32))
encodable = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# The same letters in another width, as a Japanese keyboard types them.
FULLWIDTH = "".join(chr(ord(letter) + 0xFEE0) for letter in "alice@example.com")
TOTAL = ["email", "name", "opaque"]


@pytest.mark.parametrize("vector", load("blind_index.json")["blind_index"])
def test_vector(vector: dict[str, Any]) -> None:
    made = index.blind_index(
        bytes.fromhex(vector["key"]), vector["normalised"], version=vector["version"], bits=vector["bits"]
    )
    assert made.hex() == vector["index"]


@given(encodable, st.integers(1, 255), st.integers(1, 128))
def test_same_bytes_as_the_second_implementation(value: str, version: int, bits: int) -> None:
    made = index.blind_index(KEY, value, version=version, bits=bits)
    assert made == independent.indexed(KEY, value, version, bits)
    assert len(made) == 1 + (bits + 7) // 8
    assert made[0] == version


def test_value_key_version_and_width_all_count() -> None:
    exact = index.blind_index(KEY, "a", version=1)
    assert exact == index.blind_index(KEY, "a", version=1)
    others = [
        index.blind_index(KEY, "b", version=1),
        index.blind_index(bytes(32), "a", version=1),
        index.blind_index(KEY, "a", version=2),
    ]
    assert len({exact[1:], *(other[1:] for other in others)}) == 4
    # A bucket beside an exact index must not narrow it down.
    assert index.blind_index(KEY, "a", version=1, bits=64)[1:] != exact[1:9]


def test_a_bucket_holds_many_values() -> None:
    made = {index.blind_index(KEY, str(n), version=1, bits=4) for n in range(400)}
    assert len(made) == 16
    assert all(value[1] & 0x0F == 0 for value in made)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"version": 0}, "version"),
        ({"version": 256}, "version"),
        ({"version": 1, "bits": 0}, "bits"),
        ({"version": 1, "bits": 129}, "bits"),
    ],
)
def test_impossible_indexes_are_refused(arguments: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        index.blind_index(KEY, "a", **arguments)
    with pytest.raises(ValueError, match="32 bytes"):
        index.blind_index(b"short", "a", version=1)


def test_the_register_names_every_normaliser() -> None:
    assert {name: (entry.name, entry.version) for name, entry in index.NORMALISERS.items()} == {
        name: (name, 1) for name in ("digits", "email", "name", "opaque", "phone")
    }
    assert index.NORMALISERS["email"].fn("A@B.C") == "a@b.c"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("  alice@example.com\n", "alice@example.com"),
        ("\ufeffalice@example.com\u200b", "alice@example.com"),
        (FULLWIDTH, "alice@example.com"),
        ("zoe\u0308@example.com", "zo\u00eb@example.com"),
        ("a@Bücher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@BU\u0308CHER.example.", "a@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@strasse.example", "a@strasse.example"),
        ("a+tag@example.com", "a+tag@example.com"),
        ('"odd@local"@example.com', '"odd@local"@example.com'),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        # What is no address is indexed all the same.
        ("not an address", "not an address"),
        ("A@", "a@"),
        ("@Example.com", "@example.com"),
        ("a@ex_ample..com", "a@ex_ample..com"),
        ("a@\N{SNOWMAN}.example", "a@\N{SNOWMAN}.example"),
    ],
)
def test_email(value: str, expected: str) -> None:
    assert index.email(value) == expected


@pytest.mark.parametrize(
    ("value", "region", "expected"),
    [
        ("+49 (0)30 / 123456", None, "+4930123456"),
        ("+1-415-555-2671", None, "+14155552671"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("030 123456", "DE", "+4930123456"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("\uff0b44 20 7946 0018", None, "+442079460018"),
        ("+1 415 555 2671 ext. 12", None, "+14155552671;ext=12"),
        ("+39 06 1234567", None, "+39061234567"),
    ],
)
def test_phone(value: str, region: str | None, expected: str) -> None:
    assert index.phone(value, region=region) == expected
    assert index.phone(expected) == expected


@pytest.mark.parametrize("value", ["", "   ", "415 555 2671", "+", "+1", "+999999999999", "call me", "+49 1", "\ud800"])
def test_an_impossible_phone_number_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(NormalisationRefused) as refusal:
        index.phone(value)
    assert isinstance(refusal.value, ValueError)
    assert refusal.value.__context__ is None
    digits = [part for part in value.split() if len(part) > 1]
    assert not any(part in str(refusal.value) for part in digits)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("  C-1001 ", "C-1001"), ("c-1001", "c-1001"), ("e\u0301", "\u00e9"), ("a b", "a b"), ("Ⅳ", "Ⅳ")],
)
def test_opaque(value: str, expected: str) -> None:
    assert index.opaque(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  Zoë   ÅNGSTRÖM ", "zoe angstrom"),
        ("José\u00a0María", "jose maria"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("O\u2019Neill", "o\u2019neill"),
        ("Łódź", "łodz"),
    ],
)
def test_name(value: str, expected: str) -> None:
    assert index.name(value) == expected


@pytest.mark.parametrize("name", TOTAL)
@pytest.mark.parametrize("value", ["", "  ", "\t\n"])
def test_nothing_is_not_indexed(name: str, value: str) -> None:
    with pytest.raises(NormalisationRefused, match="empty"):
        index.NORMALISERS[name].fn(value)


@pytest.mark.parametrize("name", TOTAL)
def test_lone_surrogates_are_refused_without_being_kept(name: str) -> None:
    with pytest.raises(NormalisationRefused, match="surrogates") as refusal:
        index.NORMALISERS[name].fn("alice\ud800@example.com")
    assert refusal.value.__context__ is None
    with pytest.raises(NormalisationRefused, match="surrogates"):
        index.blind_index(KEY, "\udfff", version=1)


@pytest.mark.parametrize("name", TOTAL)
@given(value=encodable)
def test_every_other_value_has_a_form_that_is_its_own_form(name: str, value: str) -> None:
    normalise = index.NORMALISERS[name].fn
    try:
        once = normalise(value)
    except NormalisationRefused:
        assert not any(character.isalnum() for character in value)
        return
    assert normalise(once) == once
    assert index.blind_index(KEY, once, version=1)


@given(local=encodable, domain=encodable)
def test_an_address_is_its_own_form_also_with_strange_domains(local: str, domain: str) -> None:
    assume(local.strip() or domain.strip())
    once = index.email(f"{local}@{domain}")
    assert index.email(once) == once
