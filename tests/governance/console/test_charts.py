"""Bars share one scale, stay within the picture and say in words what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from governance.console.charts import WIDTH, drawn
from governance.registry import Chart

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), max_size=6)


def chart(lines: Sequence[tuple[int, ...]], *, is_stacked: bool = True) -> Chart:
    named = [(f"line {number}", counts) for number, counts in enumerate(lines)]
    series = ("on track", "due soon", "overdue")
    return Chart("Title", "What", series, ("pale", "grey", "danger"), named, "Nothing.", is_stacked)


def test_a_stacked_line_is_one_bar_with_its_words() -> None:
    (line,) = drawn(chart([(2, 0, 1)])).lines
    (bar,) = line.bars
    assert bar.words == "2 on track · 1 overdue"
    assert [piece.tone for piece in bar.pieces] == ["pale", "danger"]
    assert line.counts == (2, 0, 1)


def test_other_lines_have_a_bar_a_series_and_say_zero() -> None:
    (line,) = drawn(chart([(2, 0, 1)], is_stacked=False)).lines
    assert [bar.words for bar in line.bars] == ["2 on track", "0 due soon", "1 overdue"]
    assert [len(bar.pieces) for bar in line.bars] == [1, 0, 1]


def test_twice_as_much_is_twice_as_wide_on_every_line() -> None:
    first, second = drawn(chart([(10, 0, 0), (5, 0, 0)])).lines
    assert abs(first.bars[0].pieces[0].width - 2 * second.bars[0].pieces[0].width) <= 1


@given(COUNTS)
def test_whatever_was_counted_fits_without_overlap(lines: list[tuple[int, ...]]) -> None:
    for is_stacked in (True, False):
        for line in drawn(chart(lines, is_stacked=is_stacked)).lines:
            for bar in line.bars:
                ends = [0, *(piece.x + piece.width for piece in bar.pieces)]
                assert all(piece.width > 0 for piece in bar.pieces)
                assert all(end <= piece.x for end, piece in zip(ends, bar.pieces, strict=False))
                assert ends[-1] <= WIDTH
