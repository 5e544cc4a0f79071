"""Writing rows with sealed columns and their indexes in one transaction; it opens nothing and asks no policy."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from governance.errors import Conflict, SealRefused
from governance.fields import SealedField
from governance.keys import data_keys, index_keys
from governance.models import BlindIndex
from governance.vault import declared, indexing
from governance.vault.sealing import seal_many
from governance.vault.searching import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = TypeVar("Row", bound=models.Model)


def write(row: Row, **values: Any) -> Row:
    """Seal the values into their columns, save the row and bring its indexes up to date, all or nothing.

    Raises BadInput for a value that cannot be sealed or indexed, Conflict for one that a unique index has already.
    """
    return write_many([(row, values)])[0]


def write_many(rows: Sequence[tuple[Row, Mapping[str, Any]]], *, only: Sequence[str] | None = None) -> list[Row]:
    """Write several rows of one model, as write() does each. New rows are inserted together.

    `only` names the columns that are saved of rows that exist.
    """
    if not rows:
        return []
    is_new = {id(row) for row, _values in rows if row._state.adding}  # noqa: SLF001  # Django's mark of an unsaved row
    with transaction.atomic():
        _seal(rows)
        _save([row for row, _values in rows], is_new, only)
        made = _entries(rows)
        _forget([(row, values) for row, values in rows if id(row) not in is_new])
        _insert(made)
    return [row for row, _values in rows]


def delete(row: models.Model) -> None:
    """Delete a row and what finds it. Deleting the row alone would leave its entries in the way of unique values."""
    with transaction.atomic():
        labels = [indexing.label_of(field, index) for field in _indexed(type(row)) for index in field.indexes]
        BlindIndex.objects.recorded().filter(row=indexing.reference(row), label__in=labels).delete()
        row.delete()


def get_or_create(
    controller_id: UUID, rows: models.QuerySet[Row], *, defaults: Mapping[str, Any], **condition: Any
) -> tuple[Row, bool]:
    """Answer the row with this value in a unique index, or write it; of two at once, one writes and both answer it.

    `defaults` are the other columns, sealed or not.
    """
    (name,) = condition
    if not indexing.index_of(declared.field(rows.model, name), "").is_unique:
        message = f"{rows.model.__name__}.{name} has no unique index; declare indexes=[exact(…, unique=True)]"
        raise SealRefused(message)
    found = find(controller_id, rows, **condition).first()
    if found is not None:
        return found, False
    sealed = {key for key in defaults if isinstance(rows.model._meta.get_field(key), SealedField)}
    row = rows.model(**{key: value for key, value in defaults.items() if key not in sealed})
    try:
        return write(row, **condition, **{key: defaults[key] for key in sealed}), True
    except Conflict:
        return find(controller_id, rows, **condition).get(), False


def _seal(rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
    """Seal every value that is not None, with one look at the keys for all of them."""
    places = [(row, name, value, declared.field(row, name)) for row, values in rows for name, value in values.items()]
    given = [(row, name, value, field) for row, name, value, field in places if value is not None]
    sealed = seal_many([(value, field.label, field.scope_of(row)) for row, _name, value, field in given])
    for row, name, _value, _field in places:
        setattr(row, name, None)
    for (row, name, _value, _field), envelope in zip(given, sealed, strict=True):
        setattr(row, name, envelope)


def _save(rows: Sequence[models.Model], is_new: set[int], only: Sequence[str] | None) -> None:
    new = [row for row in rows if id(row) in is_new]
    if len(new) > 1:
        # A governed model refuses this, as it refuses every bulk write that nobody records.
        type(new[0])._default_manager.bulk_create(new)  # noqa: SLF001  # Django's own door to it
    for row in rows if len(new) <= 1 else [row for row in rows if id(row) not in is_new]:
        row.save(update_fields=only)


def _entries(rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> list[BlindIndex]:
    made: list[BlindIndex] = []
    for row, values in rows:
        fields = [field for field in _indexed(type(row)) if field.name in values]
        if not fields:
            continue
        scope = fields[0].scope_of(row)
        versions = index_keys.held(UUID(scope.controller))
        owner = indexing.Owner(
            controller_id=UUID(scope.controller),
            subject_id=UUID(scope.id),
            person_key=lambda scope=scope: data_keys.sealer(scope).pseudonym_key,  # type: ignore[misc]  # bound now
        )
        for field in fields:
            made += indexing.entries_of(owner, field, values, versions, indexing.reference(row))
    return made


def _forget(rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
    for row, values in rows:
        labels = [
            indexing.label_of(each, index)
            for each in _indexed(type(row))
            if each.name in values
            for index in each.indexes
        ]
        if labels:
            BlindIndex.objects.recorded().filter(row=indexing.reference(row), label__in=labels).delete()


def _insert(made: list[BlindIndex]) -> None:
    try:
        with transaction.atomic():
            BlindIndex.objects.recorded().bulk_create(made, batch_size=1000)
    except IntegrityError as taken:
        raise Conflict("Another row has this value already, and its index is unique") from taken


@cache
def _indexed(model: type[models.Model]) -> tuple[SealedField, ...]:
    fields = (field for field in model._meta.concrete_fields if isinstance(field, SealedField))
    return tuple(field for field in fields if field.indexes)
