"""Where the values behind an index label live: identifiers of people, or one sealed column; it opens nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Exists, OuterRef

from governance.crypto.index_kinds import COMPOUND, Index
from governance.errors import BadInput
from governance.fields import Scope, Sealed, sealed_fields
from governance.keys import index_keys
from governance.models import BlindIndex, SubjectIdentifier
from governance.vault import indexing

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Model, QuerySet

    from governance.fields import SealedField
    from governance.keys.index_keys import Version

#: Types whose main index exists without being named anywhere else.
_TYPES: Final = ("customer_id", "device_id", "email", "phone")
_SPELLINGS: Final = {"phone": ("phone", "phone_number")}


@dataclass(frozen=True, slots=True)
class Source:
    """One index, and the rows it is made from."""

    label: str
    index: Index
    field: SealedField
    #: For identifiers: the types that share the index. Otherwise empty.
    types: tuple[str, ...] = ()

    def rows(self, controller_id: UUID) -> QuerySet[Any]:
        """Answer the rows that hold a value, in the order of their keys."""
        found = self.field.model._base_manager.filter(  # noqa: SLF001  # every row there is
            **{"controller_id": controller_id, f"{self.field.name}__isnull": False}
        )
        return (found.filter(type__in=self.types) if self.types else found).order_by("pk")

    def sealed(self, row: Model) -> dict[str, Sealed | None]:
        """Answer the sealed values that the entries of a row are made of, by column."""
        names = self.index.parts if self.index.kind == COMPOUND else ()
        return {name: getattr(row, name) for name in (self.field.name, *names)}

    def owner_of(self, row: Model) -> Scope:
        """Whose the row is."""
        return self.field.scope_of(row)

    def entries(self, row: Model, owner: indexing.Owner, values: dict[str, Any], version: Version) -> list[BlindIndex]:
        """Make the entries of a row under one version; raises NormalisationRefused for a value that has none."""
        text = indexing.source(self.field, self.index, values, version)
        made = (
            []
            if text is None
            else indexing.entries(owner, self.label, self.index, text, [version], indexing.reference(row))
        )
        for entry in made:
            entry.identifier = row if isinstance(row, SubjectIdentifier) else None
        return made

    def left_behind(self, controller_id: UUID, old: int, new: int) -> QuerySet[BlindIndex]:
        """Answer the entries of an old version whose row has none in the new one."""
        entries = BlindIndex.objects.filter(controller_id=controller_id, label=self.label)
        key = "identifier" if self.types else "row"
        renewed = entries.filter(version=new, **{key: OuterRef(key)})
        return entries.filter(~Exists(renewed), version=old)


def every() -> dict[str, Source]:
    """Answer every index of the installation by its label."""
    value = SubjectIdentifier._meta.get_field("value")
    found = [
        Source(index_keys.label(type_, index), index, value, _SPELLINGS.get(type_, (type_,)))
        for type_ in _TYPES
        for index in index_keys.identifier_indexes(type_)
    ]
    found += [
        Source(indexing.label_of(field, index), index, field) for field in sealed_fields() for index in field.indexes
    ]
    return {source.label: source for source in found}


def named(label: str) -> Source:
    """Answer one index; raises BadInput with the labels there are."""
    known = every()
    if label not in known:
        message = f"There is no index {label}. There are: {', '.join(sorted(known))}"
        raise BadInput(message)
    return known[label]
