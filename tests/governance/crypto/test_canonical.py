"""Canonical JSON: one byte form per value, the order of RFC 8785, and refusal of what has no exact form."""

import json
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto.canonical import canonical
from governance.crypto.errors import CanonicalFormRefused

EXACT = 2**53 - 1
strings = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    ONE = 1


def test_keys_are_ordered_by_utf_16_units() -> None:
    # The example of RFC 8785 §3.2.3.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical(value))) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": [1, -0, True, None], "a": {}}, '{"a":{},"b":[1,0,true,null]}'),
        ('\u20ac$\u000f\u000aA\'\u0042"\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\"/"'),
        ("\b\t\n\f\r\x00\x1f\x7f", '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
        ({"colour": Colour.RED, "level": Level.ONE}, '{"colour":"red","level":1}'),
        ([EXACT, -EXACT], f"[{EXACT},-{EXACT}]"),
        ("", '""'),
    ],
)
def test_exact_bytes(value: object, expected: str) -> None:
    assert canonical(value) == expected.encode()


@given(values)
def test_parses_back_and_does_not_depend_on_order(value: Any) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written
    if isinstance(value, dict):
        assert canonical(OrderedDict(reversed(value.items()))) == written


NESTED: list[Any] = []
for _ in range(100):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        EXACT + 1,
        -EXACT - 1,
        Decimal(1),
        b"bytes",
        (1, 2),
        {1, 2},
        {1: "number as key"},
        {None: "none as key"},
        datetime(2026, 1, 1, tzinfo=UTC),
        "\ud800",
        {"\udfff": 1},
        {"deep": [{"down": [0.5]}]},
        NESTED,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(CanonicalFormRefused):
        canonical(value)
