"""What a SQL system answers, as values that survive JSON: rows by key, outcomes, findings; it asks nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A key of one row: the values of its key fields, as JSON knows them.
Key = tuple[Any, ...]


class Status(StrEnum):
    """How one field of a plan ends."""

    ERASED = "erased"
    RETAINED = "retained"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows' field ended how; `until` is the latest end date (ISO 8601), `soonest` the first."""

    status: Status
    count: int
    reason: str = ""
    until: str | None = None
    soonest: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a dataset description and the database differ, or what erasure would break. Names only."""

    code: str
    detail: str
    collection: str
    field: str = ""
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Staying:
    """One row that rules keep for now: until when (ISO 8601), by field, and what it points at in what is left of it.

    Years later a row of the same key may be somebody else's; these tell whether it is still the row that stayed.
    """

    key: Key
    until: Mapping[str, str]
    ties: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {"key": list(self.key), "until": dict(self.until), "ties": dict(self.ties)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Staying:
        """Return what `to_dict` wrote."""
        return cls(tuple(value["key"]), value["until"], value["ties"])


@dataclass(frozen=True, slots=True)
class Located:
    """The rows of one collection that were found for a person. Holds personal data: keep it sealed.

    `co_owned` rows belong to another person too; `links` are values of own rows that later collections are found by,
    `co_links` those of co-owned rows, `mine` the values by which co-owned rows point at this person, and `withheld`
    counts rows that were reached but name somebody else. `staying` is for an erasure on a later day, which touches
    nothing but these fields of these rows; it is kept apart from the rest.
    """

    rows: tuple[Key, ...] = ()
    co_owned: tuple[Key, ...] = ()
    links: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    co_links: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    mine: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    withheld: int = 0
    staying: tuple[Staying, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "rows": [list(key) for key in self.rows],
            "co_owned": [list(key) for key in self.co_owned],
            "links": {name: list(values) for name, values in self.links.items()},
            "co_links": {name: list(values) for name, values in self.co_links.items()},
            "mine": {name: list(values) for name, values in self.mine.items()},
            "withheld": self.withheld,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Located:
        """Return what `to_dict` wrote."""
        links, co_links, mine = (
            {name: tuple(each) for name, each in value[part].items()} for part in ("links", "co_links", "mine")
        )
        rows, co_owned = (tuple(tuple(key) for key in value[part]) for part in ("rows", "co_owned"))
        return cls(rows, co_owned, links, co_links, mine, value["withheld"])

    def __repr__(self) -> str:
        return f"<Located {len(self.rows)} rows, {len(self.co_owned)} co-owned, {self.withheld} withheld>"
