"""What goes into a package, as plain data: who asked whom, what is held where, what is withheld; shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field that is shown: its name in the system, what it is in plain words, its data category key."""

    name: str
    label: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A field, row or whole collection that is not shown, and the reason in words for the person."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one table of one system holds about the person. Only declared columns are written, whatever a row brings."""

    system: str
    dataset: str
    collection: str
    label: str
    columns: Sequence[Column]
    rows: Iterable[Mapping[str, object]]
    withheld: Sequence[Withheld] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why data is used, on what ground, and how long it is kept."""

    name: str
    lawful_basis: str = ""
    retention: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageMeta:
    """The request that is answered, who answers, and what GDPR Art. 15(1) and (2) ask to be told beside the copy."""

    reference: str
    created_at: datetime
    controller: str
    contact: str = ""
    authority: str = ""
    missing: Sequence[str] = ()
    purposes: Sequence[Purpose] = ()
    recipients: Sequence[str] = ()
    sources: Sequence[str] = ()
    transfers: Sequence[str] = ()
    automated_decisions: str = ""
    generator: str = "dsar.package 1"

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise ValueError("a package needs a moment with its time zone")
