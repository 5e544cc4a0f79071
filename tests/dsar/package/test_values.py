"""Values on their way out: nothing a spreadsheet runs, nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.package.values import cell, portable, shown, text_of_cell


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2.5, 2.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("10.50"), "10.50"),
        (date(2026, 3, 2), "2026-03-02"),
        (time(9, 30), "09:30:00"),
        (datetime(2026, 3, 2, 9, 30), "2026-03-02T09:30:00"),  # noqa: DTZ001  # a system that stores no zone
        (datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-02T07:30:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "AP8="),
        ({"a": [1, {"b": date(2026, 1, 1)}]}, {"a": [1, {"b": "2026-01-01"}]}),
        ((1, "x"), [1, "x"]),
    ],
)
def test_what_json_gets(value: object, expected: object) -> None:
    assert portable(value) == expected
    assert type(portable(value)) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+4917012345", "'+4917012345"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("-12.50", "-12.50"),
        ("-1\n=2", "'-1\n=2"),
        (-12, "-12"),
        ("a=b", "a=b"),
        (None, ""),
        (True, "true"),
        (["=1"], '["=1"]'),
    ],
)
def test_what_a_spreadsheet_gets(value: object, expected: str) -> None:
    assert cell(value) == expected


@given(st.text() | st.text(alphabet="'=+-@\t\r\n1.\uff1d"))
def test_any_text_comes_back_from_its_cell_and_none_begins_a_formula(text: str) -> None:
    written = cell(text)
    assert text_of_cell(written) == text
    if written.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")):
        assert float(written) <= 0  # a plain negative number is all that may


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON_LIKE)
def test_any_value_can_be_written_as_strict_json(value: object) -> None:
    assert json.loads(json.dumps(portable(value), allow_nan=False)) == portable(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "\N{EN DASH}"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ("a\r\nb", "a\nb"),
        ("a\x00\x1b\rb\x7f", "a\u2400\u241b\u240db\u2421"),
        ({"k": "ü"}, '{"k": "ü"}'),
    ],
)
def test_what_a_page_shows(value: object, expected: str) -> None:
    assert shown(value) == expected
