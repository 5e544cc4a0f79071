"""Draws counts as bars for the console: where each piece begins and how wide it is; it counts nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from governance.registry import Chart

#: Units that a full bar is wide. Bars stretch with the page; the words beside them do not.
WIDTH: Final = 1000
_GAP: Final = 4
_LEAST: Final = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a bar."""

    x: int
    width: int
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with the words that stand beside it."""

    pieces: tuple[Piece, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was counted: its bars, and its counts for the table."""

    label: str
    bars: tuple[Bar, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as its template draws it."""

    chart: Chart
    lines: tuple[Line, ...]


def drawn(chart: Chart) -> Drawing:
    """Draw a chart; all its bars share one scale."""
    reach = max((_reach(chart, counts) for _label, counts in chart.lines), default=0) or 1
    lines = tuple(Line(label, _bars(chart, counts, reach), tuple(counts)) for label, counts in chart.lines)
    return Drawing(chart, lines)


def _reach(chart: Chart, counts: Sequence[int]) -> int:
    return sum(counts) if chart.is_stacked else max(counts, default=0)


def _bars(chart: Chart, counts: Sequence[int], reach: int) -> tuple[Bar, ...]:
    lanes = [list(zip(chart.series, chart.tones, counts, strict=True))]
    if not chart.is_stacked:
        lanes = [[each] for each in lanes[0]]
    return tuple(_bar(lane, reach) for lane in lanes)


def _bar(lane: Sequence[tuple[str, str, int]], reach: int) -> Bar:
    pieces: list[Piece] = []
    x, room = 0, WIDTH - len(lane) * (_LEAST + _GAP)  # a piece too small to see is drawn wider; all fit even so
    for _name, tone, count in lane:
        if count:
            width = max(_LEAST, round(count * room / reach))
            pieces.append(Piece(x, width, tone))
            x += width + _GAP
    said = [
        gettext("%(count)d %(what)s") % {"count": count, "what": name}
        for name, _tone, count in lane
        if count or len(lane) == 1
    ]
    return Bar(tuple(pieces), " · ".join(said))
