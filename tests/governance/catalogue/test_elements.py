"""Periods, identity names and paths: the small values a data map is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.catalogue.elements import Period, is_within, normalise_identity, split_path


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("P10Y", (2024, 3, 1), (2034, 3, 1)),
        ("P1Y", (2024, 2, 29), (2025, 2, 28)),
        ("P4Y", (2024, 2, 29), (2028, 2, 29)),
        ("P1M", (2026, 1, 31), (2026, 2, 28)),
        ("P18M", (2025, 8, 31), (2027, 2, 28)),
        ("P2W", (2026, 12, 25), (2027, 1, 8)),
        ("P1Y6M10D", (2026, 1, 1), (2027, 7, 11)),
        ("P999Y", (8999, 1, 1), (9000, 12, 31)),
    ],
)
def test_a_period_ends_on_the_calendar_day(period: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    assert Period.parse(period).after(datetime(*start, tzinfo=UTC)) == datetime(*end, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "P", "10Y", "P-1Y", "PT1H", "P1.5Y", "P10", "p10y", "P1Y2", "P10000Y"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        Period.parse(text)


@given(
    st.integers(0, 300),
    st.integers(0, 40),
    st.integers(0, 400),
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
)
def test_a_longer_period_never_ends_earlier(years: int, months: int, days: int, day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    shorter, longer = Period(years, months, days), Period(years, months + 1, days)
    assert start <= shorter.after(start) <= longer.after(start)


@pytest.mark.parametrize(
    ("given_name", "ours"),
    [
        ("phone_number", "phone"),
        ("Email", "email"),
        (" e-mail ", "email"),
        ("loyalty.card", "loyalty.card"),
        ("1x", None),
        ("a b@c", None),
    ],
)
def test_identity_types_have_one_spelling(given_name: str, ours: str | None) -> None:
    assert normalise_identity(given_name) == ours


def test_a_category_is_within_its_branch_and_no_other() -> None:
    assert is_within("user.contact.email", "user.contact")
    assert is_within("user", "user")
    assert not is_within("user_x.contact", "user")


def test_a_path_is_cut_where_the_collection_is_known() -> None:
    assert split_path("sales.bill.id", {"sales.bill"}) == ("sales.bill", "id")
    assert split_path("thread.comment.text", {"thread"}) == ("thread", "comment.text")
    assert split_path("a.b.c", ()) == ("a", "b.c")
    assert split_path("a", ()) is None
    assert split_path("a..b", ()) is None
