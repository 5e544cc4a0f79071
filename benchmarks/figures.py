"""What one measurement says about itself, and how it is shown; measuring is the scripts' own work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKS = {True: "met", False: "NOT MET", None: "not measured"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its goal; `met` is None, with the reason, where a service it needs is missing."""

    name: str
    value: float | None
    unit: str
    goal: str
    met: bool | None
    compared_with: str
    n: int
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a figure that leaves its reader guessing."""
        if self.met is None and not self.reason:
            message = f"{self.name}: a figure that was not judged says why."
            raise ValueError(message)

    def entry(self) -> dict[str, object]:
        """Answer the entry of results.json; the reason is there only when there is one."""
        return {key: value for key, value in asdict(self).items() if key != "reason" or value is not None}


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out for a terminal, one line each, with the reason of what was not measured below."""
    heads = ("figure", "value", "unit", "goal", "", "compared with", "n")
    rows = [heads, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(len(line) for line in lines))
    lines += [f"{figure.name}: {figure.reason}" for figure in figures if figure.reason]
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    value = (
        "-" if figure.value is None else f"{figure.value:,.3g}" if abs(figure.value) < 100 else f"{figure.value:,.0f}"
    )
    return figure.name, value, figure.unit, figure.goal, MARKS[figure.met], figure.compared_with, str(figure.n)
