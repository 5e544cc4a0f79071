"""The parts of a data map, each an immutable value; no file format, no database, no framework."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

#: How other tools spell an identity type, and how we do.
IDENTITY_SPELLINGS: Mapping[str, str] = {
    "phone_number": "phone",
    "phone_number_e164": "phone",
    "mobile": "phone",
    "email_address": "email",
    "e_mail": "email",
    "customerid": "customer_id",
    "external_customer_id": "customer_id",
    "controller_customer_id": "customer_id",
    "deviceid": "device_id",
    "userid": "user_id",
}
_IDENTITY = re.compile(r"[a-z][a-z0-9_]{0,62}(\.[a-z0-9_]{1,63}){0,4}")
_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?")


class Direction(StrEnum):
    """Which way a reference may be followed: to this field from its target, or from this field to its target."""

    FROM = "from"
    TO = "to"


class Severity(StrEnum):
    """An error refuses the map; a warning is shown to the person who wrote it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class CollectionRef:
    """Names one collection (table) of one dataset."""

    dataset: str
    collection: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.collection}"


@dataclass(frozen=True, slots=True, order=True)
class FieldRef:
    """Names one field (column) of one collection."""

    dataset: str
    collection: str
    field: str

    @property
    def home(self) -> CollectionRef:
        """The collection this field belongs to."""
        return CollectionRef(self.dataset, self.collection)

    def __str__(self) -> str:
        return f"{self.dataset}.{self.collection}.{self.field}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a map: where (JSON pointer), what, and the remedy. Holds names only, never values."""

    pointer: str
    detail: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Reference:
    """Says that a field holds the value of another field."""

    target: FieldRef
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Masking:
    """A masking strategy and its settings, as the map asks for it."""

    strategy: str
    rewrite_value: str | None = None
    length: int | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period such as ten years; never a count of seconds."""

    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read an ISO 8601 period of days or longer (P10Y, P18M, P2W, P90D). Raises ValueError otherwise."""
        match = _PERIOD.fullmatch(text)
        if match is None:
            msg = "not an ISO 8601 period of days or longer"
            raise ValueError(msg)
        years, months, weeks, days = (int(part or 0) for part in match.groups())
        return cls(years, months, weeks * 7 + days)

    def after(self, start: datetime) -> datetime:
        """Return the same day that much later; the last day of the month where there is no such day (29 February)."""
        months = start.month - 1 + self.months + 12 * self.years
        year, month = start.year + months // 12, months % 12 + 1
        if year > 9000:  # a mistyped date must not overflow: it is kept for as long as dates go
            return start.replace(year=9000, month=12, day=31)
        day = min(start.day, calendar.monthrange(year, month)[1])
        return start.replace(year=year, month=month, day=day) + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class MapField:
    """One field: what kind of personal data it holds, and how rows are found and linked through it."""

    name: str
    categories: tuple[str, ...] = ()
    identity: str | None = None
    primary_key: bool = False
    references: tuple[Reference, ...] = ()
    strategy: Masking | None = None
    data_type: str | None = None
    length: int | None = None
    read_only: bool = False
    nested: tuple[MapField, ...] = ()

    @property
    def all_categories(self) -> tuple[str, ...]:
        """Own categories and those of nested fields: a JSON column is personal if any part of it is."""
        inner = (category for part in self.nested for category in part.all_categories)
        return tuple(dict.fromkeys((*self.categories, *inner)))


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection (table) and, where the map says so, whose person its rows describe."""

    name: str
    fields: tuple[MapField, ...] = ()
    data_subject: str | None = None
    strategy: Masking | None = None
    after: tuple[CollectionRef, ...] = ()
    erase_after: tuple[CollectionRef, ...] = ()
    skip_processing: bool = False

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names of the key fields; empty where the map names none."""
        return tuple(item.name for item in self.fields if item.primary_key)

    def field(self, name: str) -> MapField | None:
        """Return the field of that name; a dotted name goes into nested fields."""
        return _find(self.fields, name)


def _find(fields: tuple[MapField, ...], name: str) -> MapField | None:
    for item in fields:
        if item.name == name:
            return item
        if item.nested and name.startswith(f"{item.name}."):
            return _find(item.nested, name[len(item.name) + 1 :])
    return None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One described system or database."""

    key: str
    name: str
    collections: tuple[Collection, ...] = ()


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Why, and how long after which date, some fields must be kept although erasure is asked for."""

    key: str
    dataset: str
    reason: str
    citation: str
    period: str
    start: FieldRef | None = None
    fields: tuple[FieldRef, ...] = ()
    categories: tuple[str, ...] = ()

    def covers(self, at: FieldRef, categories: tuple[str, ...]) -> bool:
        """Tell whether the rule keeps this field."""
        if at.dataset != self.dataset:
            return False
        return at in self.fields or any(is_within(c, rule) for c in categories for rule in self.categories)


def normalise_identity(name: str) -> str | None:
    """Return our spelling of an identity type; None where it is no usable name at all."""
    lowered = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = IDENTITY_SPELLINGS.get(lowered, lowered)
    return known if _IDENTITY.fullmatch(known) else None


def is_within(category: str, branch: str) -> bool:
    """Tell whether a data category is the branch or lies below it (user.contact.email is within user.contact)."""
    return category == branch or category.startswith(f"{branch}.")


def split_path(path: str, known: Container[str]) -> tuple[str, str] | None:
    """Cut `collection.field` where the collection is known (names may hold dots); else at the first dot."""
    pieces = path.split(".")
    if len(pieces) < 2 or not all(pieces):
        return None
    for cut in range(len(pieces) - 1, 0, -1):
        collection = ".".join(pieces[:cut])
        if collection in known:
            return collection, ".".join(pieces[cut:])
    return pieces[0], ".".join(pieces[1:])
