"""Entries of the blind indexes, made from values and never from ciphertext; it searches and saves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from governance.crypto.blind_index import normalised
from governance.crypto.errors import NormalisationRefused
from governance.crypto.index_kinds import BUCKET, COMPOUND, Index, joined
from governance.errors import BadInput, FieldError, SealRefused
from governance.keys import index_keys
from governance.models import BlindIndex, SubjectIdentifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.db.models import Model

    from governance.fields import SealedField
    from governance.keys.index_keys import Version, Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose entries are made: the controller, the person, and how to reach the person's key for bucket checks."""

    controller_id: UUID
    subject_id: UUID
    person_key: Callable[[], bytes]


def label_of(field: SealedField, index: Index) -> str:
    """The label of one index of a field; the main index has the field's own."""
    return f"{field.label}.{index.name}" if index.name else field.label


def index_of(field: SealedField, name: str) -> Index:
    """Answer a declared index by its name; the main one is exact or a bucket."""
    for index in field.indexes:
        if name in {index.name, ""} and (name or index.name in {"", BUCKET}):
            return index
    known = ", ".join(index.name or "(exact)" for index in field.indexes) or "none"
    message = f"{field.model.__name__}.{field.name} has no index {name or '(exact)'}; declared: {known}"
    raise SealRefused(message)


def entries(
    owner: Owner, label: str, index: Index, value: str, versions: Iterable[Version], row: str
) -> list[BlindIndex]:
    """Make the rows for one value under one index, for every version given. Raises NormalisationRefused."""
    return [
        BlindIndex(
            controller_id=owner.controller_id,
            subject_id=owner.subject_id,
            label=label,
            value=index_keys.digest_of(owner.controller_id, label, index, text, version),
            version=version.number,
            row=row,
            slot="" if index.is_unique else row,
            check_value=index_keys.check_of(owner.person_key(), label, text) if index.kind == BUCKET else None,
        )
        for version in versions
        for text in index.entries(value, version.normaliser_version)
    ]


def entries_of(
    owner: Owner, field: SealedField, values: Mapping[str, Any], versions: Versions, row: str
) -> list[BlindIndex]:
    """Make the rows of all indexes of one field from the values of its row; raises BadInput without repeating any."""
    made: list[BlindIndex] = []
    for index in field.indexes:
        label = label_of(field, index)
        for version in versions.of(label):
            try:
                text = source(field, index, values, version)
                made += [] if text is None else entries(owner, label, index, text, [version], row)
            except NormalisationRefused as refused:
                message = f"{field.model.__name__}.{field.name} cannot be indexed"
                raise BadInput(message, errors=[FieldError(f"/{field.name}", str(refused))]) from refused
    return made


def identifier_entries(identifier: SubjectIdentifier, value: str, versions: Versions) -> list[BlindIndex]:
    """Make the rows of all indexes of one identifier of a person, to be inserted with it."""
    owner = Owner(
        controller_id=identifier.controller_id, subject_id=identifier.subject_id, person_key=_no_identifier_is_bucketed
    )
    made: list[BlindIndex] = []
    for index in index_keys.identifier_indexes(identifier.type):
        label = index_keys.label(identifier.type, index)
        made += entries(owner, label, index, value, versions.of(label), identifier.pk.hex)
    for row in made:
        row.identifier = identifier
    return made


def source(field: SealedField, index: Index, values: Mapping[str, Any], version: Version) -> str | None:
    """Answer the text that an index is made of: the field's own value, or all parts of a compound; None for NULL."""
    if index.kind != COMPOUND:
        text = "" if values[field.name] is None else text_of(values[field.name])
        return text if text.strip() else None  # nothing to look for; it is sealed all the same
    names = (field.name, *(each for each in index.parts if each != field.name))
    missing = [name for name in names if name not in values]
    if missing:
        message = (
            f"{field.model.__name__}.{field.name} is indexed together with {', '.join(missing)}: write them together"
        )
        raise BadInput(message, errors=[FieldError(f"/{name}", "Give it too") for name in missing])
    if any(values[name] is None for name in names):
        return None
    return compound_text(index, [values[name] for name in names], version)


def compound_text(index: Index, values: Iterable[Any], version: Version) -> str:
    """Join the parts of a compound, each in its normal form; an empty part stays empty."""
    texts = [text_of(value) for value in values]
    return joined(
        [normalised(index.normaliser, version.normaliser_version, text) if text.strip() else "" for text in texts]
    )


def reference(row: Model) -> str:
    """How an entry names the row that holds its value."""
    return row.pk.hex if isinstance(row.pk, UUID) else str(row.pk)


def text_of(value: Any) -> str:
    """Answer the one text of a value of any kind that an index can be made of: equal values, equal texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")  # 1.5 and 1.50 are equal; so are 0 and -0
    if isinstance(value, datetime):
        return str(value.timestamp())
    if isinstance(value, int | date):
        return str(value)
    message = f"A {type(value).__name__} has no form to index"
    raise BadInput(message)


def _no_identifier_is_bucketed() -> bytes:
    raise SealRefused("Identifiers have no bucket index")
