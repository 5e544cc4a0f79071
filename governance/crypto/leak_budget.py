"""What a blind index tells whoever holds the database, reckoned from population and cardinality; it reads no data.

After CipherSweet's planner: among R rows, an index of L bits over values of K bits of choice gives C = R / 2^min(L, K)
rows for each entry that is looked for. Many rows behind one entry mean that how often entries occur gives the values
away (everybody's gender, the largest countries); far fewer than two behind a *bucket* mean that it hides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governance.crypto.index_kinds import BUCKET, COMPOUND, EXACT, Index

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST: Final = 2.0


@dataclass(frozen=True, slots=True)
class Price:
    """What one index, or several of one field together, cost: bits, and the rows expected behind one entry."""

    bits: float
    candidates: float
    population: int

    @property
    def most(self) -> float:
        """How many rows may stand behind one entry: the square root of all."""
        return math.sqrt(self.population)

    def __str__(self) -> str:
        return f"{self.bits:.1f} bits, about {self.candidates:,.3g} of {self.population:,} rows behind one entry"


def price(index: Index, population: int, cardinality: int | None = None) -> Price:
    """Reckon one index. Without a cardinality every value counts as different, which holds for unique ones alone."""
    rows = index.population or population
    values = index.cardinality or cardinality
    choice = math.log2(values) if values else math.inf
    bits = min(float(index.bits), choice, max(math.log2(rows), 1.0) * 4)
    return Price(bits, rows / 2**bits, rows)


def complaint(index: Index, population: int, cardinality: int | None = None) -> str | None:
    """Say why an index is refused, with what to declare instead; None where it may be kept."""
    known = index.cardinality or cardinality
    if index.kind in {EXACT, BUCKET} and not index.is_unique and known is None:
        # Without it a bucket of many bits over three values would count as one of many values.
        return f"Say how many different values there are: {index.kind}(…, cardinality=…)"
    if known is not None and known <= 2 and index.kind != COMPOUND:
        return "Two values split everybody into two: index it only together with others, compound(…)"
    cost = price(index, population, cardinality)
    why = _too_many(index, cost, known) if cost.candidates > cost.most else _too_few(index, cost)
    return f"{cost}: {why}" if why else None


def _too_many(index: Index, cost: Price, known: int | None) -> str:
    if index.kind == BUCKET and (known is None or known > cost.population):
        return f"a search would check them all; use bucket(bits={math.ceil(math.log2(cost.most))}) or more bits"
    return "so few values that their frequency tells them; use compound(…) with a rarer value"


def _too_few(index: Index, cost: Price) -> str:
    if index.kind != BUCKET or cost.candidates >= _FEWEST:
        return ""
    fewer = max(1, math.floor(math.log2(cost.population / _FEWEST)))
    return f"it hides no more than an exact index; use bucket(bits={fewer}) or fewer"


def joint_complaint(indexes: Sequence[Index], population: int) -> str | None:
    """Say why several buckets of one field are refused: whoever joins them knows as much as from all their bits."""
    buckets = [index for index in indexes if index.kind == BUCKET]
    if len(buckets) < 2:
        return None
    rows = min(index.population or population for index in buckets)
    bits = sum(price(index, population).bits for index in buckets)
    if rows / 2**bits >= _FEWEST:
        return None
    return f"{Price(bits, rows / 2**bits, rows)} for all of them together; give each fewer bits, or keep one"
