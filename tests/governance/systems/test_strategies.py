"""Masking strategies: what they write fits the column, cannot be turned back, and is the same when repeated."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.catalogue.elements import Masking
from governance.systems.strategies import ColumnShape, Kind, default_for, derive, settle

TOKEN = derive(b"seed", ("shop", "person", "email", "1"))
OTHER = derive(b"seed", ("shop", "person", "email", "2"))
DEFAULT = Masking("default")


def column(kind: Kind, *, nullable: bool = False, length: int | None = None, unique: bool = False) -> ColumnShape:
    return ColumnShape(kind, nullable, length, unique, ("calm", "cross") if kind is Kind.CHOICE else ())


@pytest.mark.parametrize("kind", list(Kind))
def test_null_wherever_the_column_allows_it(kind: Kind) -> None:
    mask = settle(DEFAULT, column(kind, nullable=True, unique=True))
    assert default_for(mask.shape) == Masking("null_rewrite")
    assert mask.problem() is None
    assert mask.value(TOKEN, "x") is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, "erased"),
        (Kind.INTEGER, 0),
        (Kind.NUMBER, 0),
        (Kind.BOOLEAN, False),
        (Kind.DATE, date(1970, 1, 1)),
        (Kind.DATETIME, datetime(1970, 1, 1)),  # noqa: DTZ001  a column without a time zone
        (Kind.TIME, time(0)),
        (Kind.BINARY, b""),
        (Kind.JSON, {}),
        (Kind.CHOICE, "calm"),
    ],
)
def test_a_neutral_value_where_null_is_not_allowed(kind: Kind, value: object) -> None:
    mask = settle(DEFAULT, column(kind))
    assert mask.problem() is None
    assert mask.value(TOKEN, "x") == mask.value(OTHER, "y") == value


@pytest.mark.parametrize(
    "kind", [Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.BINARY, Kind.UUID]
)
def test_unique_columns_get_a_value_of_their_own(kind: Kind) -> None:
    mask = settle(DEFAULT, column(kind, unique=True))
    assert mask.problem() is None
    assert mask.value(TOKEN, "x") == mask.value(TOKEN, "y") != mask.value(OTHER, "x")


def test_an_erased_e_mail_address_reaches_nobody() -> None:
    for length, least in ((None, 30), (60, 30), (29, 20), (21, 8), (10, 8)):
        mask = settle(DEFAULT, column(Kind.TEXT, length=length, unique=True), "user.contact.email")
        value = str(mask.value(TOKEN, "ann@example.org"))
        assert length is None or len(value) <= length
        assert len(value) >= least
        assert value.endswith(".invalid") or (length or 0) <= 21
        assert value != mask.value(OTHER, "ann@example.org")
    assert isinstance(settle(DEFAULT, column(Kind.UUID)).value(TOKEN, None), UUID)


@given(st.integers(1, 80), st.booleans(), st.sampled_from(("user.name", "user.contact.email")))
def test_text_always_fits_or_is_refused_beforehand(length: int, unique: bool, category: str) -> None:
    for masking in (
        DEFAULT,
        Masking("random_string_rewrite", suffix="@x"),
        Masking("hash"),
        Masking("string_rewrite", "gone"),
    ):
        mask = settle(masking, column(Kind.TEXT, length=length, unique=unique), category)
        if mask.problem() is None:
            assert 0 < len(str(mask.value(TOKEN, "someone"))) <= length


@pytest.mark.parametrize(
    ("masking", "shape", "words"),
    [
        (Masking("null_rewrite"), column(Kind.TEXT), "does not allow NULL"),
        (DEFAULT, column(Kind.OTHER), "no neutral value"),
        (DEFAULT, column(Kind.BOOLEAN, unique=True), "unique"),
        (DEFAULT, column(Kind.CHOICE, unique=True), "few words"),
        (DEFAULT, column(Kind.TEXT, unique=True, length=4), "too short"),
        (Masking("string_rewrite", "longer"), column(Kind.TEXT, length=3), "longer than the column"),
        (Masking("string_rewrite", "x"), column(Kind.INTEGER), "not a number"),
        (Masking("string_rewrite", "x"), column(Kind.CHOICE), "not one of the words"),
        (Masking("string_rewrite", "x"), column(Kind.TEXT, unique=True), "unique"),
        (Masking("string_rewrite", "x"), column(Kind.DATE), "text and numbers only"),
        (Masking("random_string_rewrite"), column(Kind.INTEGER), "text only"),
        (Masking("random_string_rewrite"), column(Kind.TEXT, length=4), "too short"),
        (Masking("hash"), column(Kind.DATE), "text only"),
        (Masking("hash"), column(Kind.TEXT, length=20), "shorter"),
    ],
)
def test_a_strategy_that_cannot_work_says_why(masking: Masking, shape: ColumnShape, words: str) -> None:
    assert words in str(settle(masking, shape).problem())


def test_a_rewrite_writes_what_the_map_says() -> None:
    assert settle(Masking("string_rewrite", "gone", suffix="-x"), column(Kind.TEXT)).value(TOKEN, "Ann") == "gone-x"
    assert settle(Masking("string_rewrite", "7"), column(Kind.INTEGER)).value(TOKEN, 3) == 7
    assert settle(Masking("string_rewrite", "cross"), column(Kind.CHOICE)).value(TOKEN, "calm") == "cross"
    random = settle(Masking("random_string_rewrite", length=5, suffix="@example.com"), column(Kind.TEXT, length=40))
    assert str(random.value(TOKEN, "Ann")).endswith("@example.com")
    assert len(str(random.value(TOKEN, "Ann"))) == 17


@example("Zoë, twenty-four letters", 24)
@given(st.text(max_size=80), st.sampled_from((None, 24, 40, 64, 200)))
def test_a_hash_is_the_same_when_the_step_is_repeated(original: str, length: int | None) -> None:
    mask = settle(Masking("hash"), column(Kind.TEXT, length=length))
    once = mask.value(TOKEN, original)
    assert mask.value(TOKEN, once) == once
    assert mask.value(OTHER, original) != once
    assert original not in str(once) or len(original) < 3


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_no_two_places_share_a_value(left: list[str], right: list[str]) -> None:
    assert (derive(b"seed", left) == derive(b"seed", right)) is (left == right)
    assert derive(b"seed", left) != derive(b"seeds", left)
