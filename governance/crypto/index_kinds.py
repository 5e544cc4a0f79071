"""The kinds of blind index and what each makes of a value; it holds no key, and what leaks is reckoned elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governance.crypto.blind_index import EXACT_BITS, normalised
from governance.crypto.errors import NormalisationRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXACT: Final = "exact"
BUCKET: Final = "bucket"
COMPOUND: Final = "compound"
DOMAIN: Final = "domain"
LAST: Final = "last"
PREFIX: Final = "prefix"
TOKENS: Final = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One declared index of a value. `name` stands behind the label of the field; the main index has none.

    `cardinality` is how many different values are expected, `population` of how many rows or people: the leak budget is
    reckoned from both. `length` is how many characters a part has; `parts` names the columns of a compound.
    """

    kind: str
    normaliser: str
    name: str = ""
    is_unique: bool = False
    bits: int = EXACT_BITS
    length: int = 0
    parts: tuple[str, ...] = ()
    cardinality: int | None = None
    population: int | None = None

    @property
    def is_total(self) -> bool:
        """Whether every value has an entry; a short number has no last four digits."""
        return self.kind in {EXACT, BUCKET, COMPOUND, PREFIX}

    def entries(self, value: str, version: int = 1) -> list[str]:
        """Answer the texts that are indexed of a value, under one version of its normaliser."""
        return sorted(set(_PARTS[self.kind](self, value, version)))

    def asked(self, value: str, version: int = 1) -> list[str]:
        """Answer the texts that a search for this must all find; raises NormalisationRefused for none.

        A domain or a few digits are asked for as they are, not cut out of a longer value.
        """
        if self.kind == DOMAIN:
            found = [normalised(self.normaliser, version, "@" + value.lstrip("@"))[1:]]
        elif self.kind == PREFIX and len(normalised(self.normaliser, version, value)) < self.length:
            found = []
        else:
            found = self.entries(value, version)
        if not found:
            reason = (
                f"Search for {self.length} characters or more." if self.length else "There is nothing to search for."
            )
            raise NormalisationRefused(reason)
        return found


def exact(
    normaliser: str = "opaque", *, unique: bool = False, cardinality: int | None = None, population: int | None = None
) -> Index:
    """Equality on the whole value, 128 bits. Only this kind may be unique."""
    return Index(kind=EXACT, normaliser=normaliser, is_unique=unique, cardinality=cardinality, population=population)


def bucket(
    normaliser: str = "opaque", *, bits: int, cardinality: int | None = None, population: int | None = None
) -> Index:
    """Equality on a few bits: many values share one entry, and each candidate is checked by a commitment of its own."""
    return Index(
        kind=BUCKET, normaliser=normaliser, name="bucket", bits=bits, cardinality=cardinality, population=population
    )


def compound(
    *parts: str, cardinality: int, name: str = "", normaliser: str = "opaque", population: int | None = None
) -> Index:
    """Equality on several columns of a row at once: the only kind for values as few as yes and no."""
    return Index(
        kind=COMPOUND,
        normaliser=normaliser,
        name=name or "with_" + "_".join(parts),
        parts=parts,
        cardinality=cardinality,
        population=population,
    )


def email_domain(*, cardinality: int = 50_000, population: int | None = None) -> Index:
    """The domain of an e-mail address."""
    return Index(kind=DOMAIN, normaliser="email", name="domain", cardinality=cardinality, population=population)


def last(length: int = 4, *, population: int | None = None) -> Index:
    """The last digits of a number of any kind."""
    return Index(
        kind=LAST,
        normaliser="digits",
        name=f"last_{length}",
        length=length,
        cardinality=10**length,
        population=population,
    )


def name_tokens(*, cardinality: int = 50_000, population: int | None = None) -> Index:
    """Each word of a name, without case and accents."""
    return Index(kind=TOKENS, normaliser="name", name="tokens", cardinality=cardinality, population=population)


def prefix(
    length: int, normaliser: str = "name", *, cardinality: int | None = None, population: int | None = None
) -> Index:
    """The first characters of a value; twenty letters to choose from are assumed."""
    return Index(
        kind=PREFIX,
        normaliser=normaliser,
        name=f"prefix_{length}",
        length=length,
        cardinality=cardinality or 20**length,
        population=population,
    )


def joined(values: Sequence[str]) -> str:
    """Answer the parts of a compound as one text. Lengths of fixed width: (ab, c) is never (a, bc)."""
    return "".join(f"{len(value):08x}{value}" for value in values)


def _whole(index: Index, value: str, version: int) -> list[str]:
    return [normalised(index.normaliser, version, value)]


def _compound(_index: Index, value: str, _version: int) -> list[str]:
    return [value]  # its parts were normalised one by one, and joined


def _domain(index: Index, value: str, version: int) -> list[str]:
    _local, at, domain = normalised(index.normaliser, version, value).rpartition("@")
    return [domain] if at and domain else []


def _last(index: Index, value: str, version: int) -> list[str]:
    try:
        digits = normalised(index.normaliser, version, value)
    except NormalisationRefused:
        return []  # no digit in it
    return [digits[-index.length :]] if len(digits) >= index.length else []


def _tokens(index: Index, value: str, version: int) -> list[str]:
    return normalised(index.normaliser, version, value).split()


def _prefix(index: Index, value: str, version: int) -> list[str]:
    return [normalised(index.normaliser, version, value)[: index.length]]


_PARTS: Final[dict[str, Callable[[Index, str, int], list[str]]]] = {
    BUCKET: _whole,
    COMPOUND: _compound,
    DOMAIN: _domain,
    EXACT: _whole,
    LAST: _last,
    PREFIX: _prefix,
    TOKENS: _tokens,
}
