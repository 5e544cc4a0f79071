"""Finding people and rows by sealed values without opening anything, through the blind indexes.

Every search compares the versions it was made for with the database's afterwards, and is made again where an index was
rotated in between: no version is ever missed, and the number of queries does not depend on what is found.
"""

from __future__ import annotations

import hmac
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Cast

from governance.crypto.errors import NormalisationRefused
from governance.crypto.index_kinds import BUCKET, COMPOUND, EXACT, Index
from governance.errors import BadInput, FieldError, GovernanceError
from governance.fields import Scope
from governance.keys import data_keys, index_keys
from governance.models import BlindIndex, DataSubject
from governance.vault import declared, indexing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from uuid import UUID

    from governance.fields import SealedField
    from governance.keys.index_keys import Version, Versions

Row = TypeVar("Row", bound=Model)
Answer = TypeVar("Answer")

_ATTEMPTS = 3
_CHUNK = 400  # far below what any database takes as parameters of one statement
_LIMIT = 200


def match(controller_id: UUID, type_: str, value: str) -> DataSubject | None:
    """Answer the person with this identifier, or None."""
    found = matches(controller_id, [(type_, value)])
    return found[0] if found else None


def match_many(controller_id: UUID, identifiers: Sequence[tuple[str, str]]) -> list[DataSubject | None]:
    """Answer the person with each of these identifiers, or None, in their order; one query a kind of identifier."""

    def look(versions: Versions) -> list[DataSubject | None]:
        wanted = [index_keys.handles(versions, controller_id, type_, value) for type_, value in identifiers]
        found: dict[index_keys.Handle, DataSubject] = {}
        for name in sorted({name for handles in wanted for name, _value in handles}):
            values = [value for handles in wanted for each, value in handles if each == name]
            rows = BlindIndex.objects.filter(controller_id=controller_id, label=name, value__in=values)
            found |= {(name, bytes(row.value)): row.subject for row in rows.select_related("subject")}
        return [next((found[each] for each in handles if each in found), None) for handles in wanted]

    return settled(controller_id, look) if identifiers else []


def matches(controller_id: UUID, identifiers: Sequence[tuple[str, str]]) -> list[DataSubject]:
    """Answer the distinct people who have any of these identifiers; two queries, however many there are."""
    return [row.subject for row in matching(controller_id, identifiers)]


def matching(controller_id: UUID, identifiers: Sequence[tuple[str, str]]) -> list[BlindIndex]:
    """Answer one entry of each person who has any of these identifiers, with the person and the identifier."""

    def look(versions: Versions) -> list[BlindIndex]:
        where = Q(pk__in=[])
        for type_, value in identifiers:
            for label, digest in index_keys.handles(versions, controller_id, type_, value):
                where |= Q(label=label, value=digest)
        rows = BlindIndex.objects.filter(where, controller_id=controller_id).select_related("subject", "identifier")
        # The first by its identifier is kept, whichever version found it.
        return list({row.subject_id: row for row in rows.order_by("-pk")}.values())[::-1]

    return settled(controller_id, look) if identifiers else []


def settled(controller_id: UUID, look: Callable[[Versions], Answer]) -> Answer:
    """Look, then make sure that what was looked up was still all there is; otherwise look again."""
    for _attempt in range(_ATTEMPTS):
        versions = index_keys.cached(controller_id)
        answer = look(versions)
        if index_keys.ruleset(controller_id) == versions.ruleset:
            return answer
        index_keys.reload(controller_id)
    raise GovernanceError("The indexes change faster than they can be read; try again")


def kept() -> list[tuple[str, str]]:
    """Name the further indexes that this installation keeps: type of identifier and name, as search() takes them."""
    return [(name.partition(".")[0], index_keys.FURTHER[name].name) for name in settings.GOVERNANCE_SEARCH_INDEXES]


def search(controller_id: UUID, type_: str, index_name: str, value: str, *, limit: int = _LIMIT) -> list[DataSubject]:
    """Answer people by a further index of their identifiers, such as ("email", "domain"); those registered last first.

    Raises BadInput for an index that this installation does not keep, or a value that cannot be searched for.
    """
    index = next((each for each in index_keys.identifier_indexes(type_) if each.name == index_name), None)
    if index is None:
        raise BadInput("This installation keeps no such index", errors=[FieldError("/index", "Name another index")])
    label = index_keys.label(type_, index)

    def look(versions: Versions) -> list[DataSubject]:
        where = Q(pk__in=[])
        for version in versions.of(label):
            for text in _asked("/value", index, value, version):
                where |= Q(label=label, value=index_keys.digest_of(controller_id, label, index, text, version))
        found = BlindIndex.objects.filter(where, controller_id=controller_id).values("subject_id")
        return list(DataSubject.objects.filter(pk__in=found).order_by("-created_at", "pk")[:limit])

    return settled(controller_id, look)


def find(controller_id: UUID, rows: QuerySet[Row], **conditions: Any) -> QuerySet[Row]:
    """Narrow rows down to those whose sealed columns have these values: `email="…"`, `email__domain="example.org"`.

    A compound takes its values in order: `country__with_gender=("DE", "f")`. Several conditions must all hold. Raises
    SealRefused for an index that is not declared, BadInput for a value that cannot be searched for.
    """
    for condition, value in conditions.items():
        name, _separator, index_name = condition.partition("__")
        field = declared.field(rows.model, name)
        rows = rows.filter(_condition(controller_id, field, indexing.index_of(field, index_name), [value]))
    return rows


def find_in(controller_id: UUID, rows: QuerySet[Row], field: str, values: Iterable[Any]) -> Iterator[Row]:
    """Answer the rows with any of these values in the main index, however many values: some hundred a query."""
    column = declared.field(rows.model, field)
    index = indexing.index_of(column, "")
    wanted = iter(dict.fromkeys(values))
    while chunk := list(islice(wanted, _CHUNK)):
        yield from rows.filter(_condition(controller_id, column, index, chunk))


def _condition(controller_id: UUID, field: SealedField, index: Index, values: Sequence[Any]) -> Q:
    """Any of the values, in any version; of one value, every word."""
    label = indexing.label_of(field, index)

    def look(versions: Versions) -> Q:
        condition = Q(pk__in=[])
        for version in versions.of(label):
            texts = [_asked(f"/{field.name}", index, _text(field, index, value, version), version) for value in values]
            condition |= _found(controller_id, field, index, texts, version)
        return condition

    return settled(controller_id, look)


def _found(controller_id: UUID, field: SealedField, index: Index, texts: list[list[str]], version: Version) -> Q:
    label = indexing.label_of(field, index)
    digests = {
        text: index_keys.digest_of(controller_id, label, index, text, version) for group in texts for text in group
    }
    entries = BlindIndex.objects.filter(controller_id=controller_id, label=label)
    if index.kind == BUCKET:
        return Q(pk__in=_checked(field, label, entries.filter(value__in=set(digests.values())), list(digests)))
    if len(texts) > 1:
        return Q(pk__in=_rows(field, entries.filter(value__in=list(digests.values()))))
    condition = Q()
    for digest in digests.values():
        condition &= Q(pk__in=_rows(field, entries.filter(value=digest)))
    return condition


def _rows(field: SealedField, entries: QuerySet[BlindIndex]) -> QuerySet[BlindIndex, Any]:
    return entries.values_list(Cast("row", field.model._meta.pk), flat=True)


def _checked(field: SealedField, label: str, candidates: QuerySet[BlindIndex], texts: Sequence[str]) -> list[Any]:
    """Keep the candidates of a bucket whose commitment fits; the keys of all of them are fetched with one query.

    Nothing is opened, so nothing is revealed: the answer is what an exact index would have given.
    """
    found = list(candidates.values_list("controller_id", "subject_id", "row", "check_value"))
    scopes = {each[1]: Scope(each[0].hex, "subject", each[1].hex) for each in found}
    keys = data_keys.opener(scopes.values())
    kept = []
    for _controller, subject_id, row, check in found:
        key = keys[scopes[subject_id]]
        proofs = [] if key is None else [index_keys.check_of(key.pseudonym_key, label, text) for text in texts]
        if any(hmac.compare_digest(bytes(check or b""), proof) for proof in proofs):
            kept.append(field.model._meta.pk.to_python(row))
    return kept


def _text(field: SealedField, index: Index, value: Any, version: Version) -> str:
    if index.kind != COMPOUND:
        field.require_kind(value) if index.kind in {EXACT, BUCKET} else None
        return indexing.text_of(value)
    try:
        return indexing.compound_text(index, value, version)
    except NormalisationRefused as refused:
        raise BadInput("This cannot be searched for", errors=[FieldError(f"/{field.name}", str(refused))]) from refused


def _asked(pointer: str, index: Index, value: str, version: Version) -> list[str]:
    try:
        return index.asked(value, version.normaliser_version)
    except NormalisationRefused as refused:
        raise BadInput("This cannot be searched for", errors=[FieldError(pointer, str(refused))]) from refused
