"""What a plan says, as immutable values: names, categories and strategies only, never a person's data."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  the codec reads these annotations
from dataclasses import dataclass
from enum import StrEnum

from governance.catalogue.elements import CollectionRef, FieldRef, Masking  # noqa: TC001  likewise


class Right(StrEnum):
    """What a plan can be made for."""

    ACCESS = "access"
    ERASURE = "erasure"


class Ownership(StrEnum):
    """Whose rows a collection holds, seen from the person asking."""

    OWN = "own"
    SHARED = "shared"
    OTHER_PERSON = "other_person"
    REFERENCE = "reference"
    UNREACHABLE = "unreachable"


class Reason(StrEnum):
    """Why something is withheld, kept or left out."""

    ANOTHER_PERSON = "another_person"
    BEHIND_SHARED = "behind_shared"
    CREDENTIAL = "credential"
    KEY = "key"
    NO_CATEGORY = "no_category"
    NO_PATH = "no_path"
    NO_PRIMARY_KEY = "no_primary_key"
    NOT_PERSONAL = "not_personal"
    PRESERVED = "preserved"
    READ_ONLY = "read_only"
    REFERENCE = "reference"
    SHARED = "shared_with_another_person"
    SKIPPED = "skip_processing"
    STILL_REFERENCED = "still_referenced"


class FieldAction(StrEnum):
    """What erasure does with one field of one row."""

    MASK = "mask"
    RETAIN = "retain"
    KEEP = "keep"


class RowAction(StrEnum):
    """What erasure does with one row."""

    DELETE = "delete"
    MASK = "mask"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to find rows: a field equals an identity of the person, or a value found in an earlier collection."""

    field: str
    identity: str | None = None
    source: FieldRef | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A row found through a reference is someone else's where this field holds an identity that is not the person's."""

    field: str
    identity: str
    sources: tuple[FieldRef, ...] = ()


@dataclass(frozen=True, slots=True)
class CoOwner:
    """A row belongs to another person too where this field holds a value that is not among the person's."""

    field: str
    source: FieldRef


@dataclass(frozen=True, slots=True)
class Referrer:
    """A field that points at a shared row; every such row of someone else makes them an owner of it as well."""

    at: FieldRef
    target: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A field whose value, or whose target, is not given out."""

    field: str
    reason: Reason
    target: CollectionRef | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """A rule that keeps a field; the end date is told per row from the start field."""

    rule: str
    reason: str
    citation: str
    period: str
    start: FieldRef | None = None


@dataclass(frozen=True, slots=True)
class FieldErasure:
    """What happens to one field. Where rules retain it, `masking` applies once the last of them has run out."""

    field: str
    action: FieldAction
    reason: Reason | None = None
    masking: Masking | None = None
    retentions: tuple[Retention, ...] = ()
    category: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an access copy takes from the rows."""

    fields: tuple[str, ...]
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasing:
    """What erasure does with the rows."""

    row: RowAction
    fields: tuple[FieldErasure, ...]
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One collection of a plan: how its rows are found, what is read from them, what is erased in them."""

    at: CollectionRef
    ownership: Ownership
    key: tuple[str, ...]
    lookups: tuple[Lookup, ...]
    guards: tuple[Guard, ...] = ()
    co_owners: tuple[CoOwner, ...] = ()
    links: tuple[str, ...] = ()
    referrers: tuple[Referrer, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    read: Reading | None = None
    erase: Erasing | None = None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A collection that is not touched, and why; `via` is the field that leads to it."""

    at: CollectionRef
    ownership: Ownership
    reason: Reason
    via: FieldRef | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be read and erased, in order: `nodes` for finding and reading, `erase_order` for erasing."""

    identity_types: tuple[str, ...]
    rights: tuple[Right, ...]
    nodes: tuple[Node, ...] = ()
    erase_order: tuple[CollectionRef, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def node(self, at: CollectionRef) -> Node:
        """Return the node of that collection. Raises KeyError where the plan does not touch it."""
        for each in self.nodes:
            if each.at == at:
                return each
        raise KeyError(str(at))
