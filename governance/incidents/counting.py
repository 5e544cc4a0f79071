"""Whom and what a breach touched, counted from the ledger and the vault; it opens no value and decides nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils.translation import gettext

from governance.catalogue import datasets
from governance.errors import BadInput, FieldError
from governance.fields import Scope, sealed_fields
from governance.keys import data_keys, pseudonyms
from governance.models import DataKey, Dataset, DataSubject, LedgerEntry, SubjectIdentifier
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from governance.models import Controller

_SLICE: Final = 500
_SUBJECT: Final = "subject"


@dataclass(frozen=True, slots=True)
class Affected:
    """What a count found. `people` are ids; whoever was erased since cannot be named any more and is only counted."""

    people: frozenset[UUID]
    persons: int
    records: int
    labels: tuple[str, ...]


def under_key(controller: Controller, key_id: str) -> Affected:
    """Count the people readable under a wrapping key of one epoch, or under one data key."""
    rows = DataKey.objects.filter(controller=controller, scope_kind=_SUBJECT).exclude(wrapped=None)
    found = frozenset(rows.filter(controller_key=key_id).values_list("scope_id", flat=True))
    found = found or frozenset(rows.filter(key_id=key_id).values_list("scope_id", flat=True))
    if not found:
        raise BadInput(errors=[FieldError("/key", gettext("No living key of this controller has this id"))])
    return _with_values(found)


def holding_label(controller: Controller, label: str) -> Affected:
    """Count the people of whom a sealed value with this label lies here."""
    column = next((each for each in sealed_fields() if each.label == label and each.scope_kind == _SUBJECT), None)
    if column is None:
        raise BadInput(errors=[FieldError("/label", gettext("No sealed column of people has this label"))])
    rows = column.model._base_manager.filter(controller=controller)  # noqa: SLF001  # Django's own, documented name
    owners = rows.exclude(**{f"{column.name}__isnull": True}).values_list(column.scope_field, flat=True)
    found = frozenset(owners.distinct())
    return Affected(found, len(found), owners.count(), (label,))


def revealed_between(controller: Controller, since: datetime, until: datetime, actor_ref: str = "") -> Affected:
    """Count whose values were opened in a stretch of time, by anybody or by one actor, from the ledger."""
    events = LedgerEntry.objects.filter(
        controller=controller.pk, type=AuditType.SUBJECT_REVEALED, recorded_at__gte=since, recorded_at__lt=until
    ).exclude(subject_ref="")
    if actor_ref:
        events = events.filter(actor_ref=actor_ref)
    refs: set[str] = set()
    labels: set[str] = set()
    records = 0
    for ref, payload in events.values_list("subject_ref", "payload").iterator():
        details = json.loads(payload).get("details", {})
        refs.add(ref)
        labels.update(details.get("labels", ()))
        records += int(details.get("values", 0))
    return Affected(frozenset(_behind(controller, refs)), len(refs), records, tuple(sorted(labels)))


def in_system(controller: Controller, key: str) -> Affected:
    """Count whom a connected system can hold: everybody with an identifier by which its datasets find people.

    Where they are found only through another system, that is everybody. What categories it holds, the data map says.
    """
    described = datasets.map_of(list(Dataset.objects.filter(controller=controller, system__key=key)))
    if not described.datasets:
        raise BadInput(
            errors=[FieldError("/system", gettext("No system of this controller with this key has a dataset"))]
        )
    rows = SubjectIdentifier.objects.filter(controller=controller).exclude(subject__status=DataSubject.Status.ERASED)
    if types := described.identity_types():
        rows = rows.filter(type__in=types)
    people = frozenset(rows.values_list("subject_id", flat=True).distinct())
    fields = [field for _at, collection in described for field in collection.fields]
    categories = sorted({category for field in fields for category in field.all_categories})
    return Affected(people, len(people), rows.count(), tuple(categories))


def everybody(controller: Controller) -> Affected:
    """Count everybody who is registered and not erased: the upper bound where nothing narrower is known."""
    living = DataSubject.objects.filter(controller=controller).exclude(status=DataSubject.Status.ERASED)
    return _with_values(frozenset(living.values_list("pk", flat=True)))


def _behind(controller: Controller, refs: set[str]) -> Iterator[UUID]:
    """Name the people behind pseudonyms, by making everybody's; the ledger itself names nobody."""
    rows = DataKey.objects.filter(controller=controller, scope_kind=_SUBJECT).exclude(wrapped=None)
    owners = list(rows.values_list("scope_id", flat=True).distinct()) if refs else []
    for start in range(0, len(owners), _SLICE):
        scopes = [Scope(controller.pk.hex, _SUBJECT, owner.hex) for owner in owners[start : start + _SLICE]]
        for scope, key in data_keys.namers(scopes).items():
            if key is not None and pseudonyms.of_key(key.pseudonym_key) in refs:
                yield UUID(scope.id)


def _with_values(people: frozenset[UUID]) -> Affected:
    labels, records = [], 0
    for column in sealed_fields():
        if column.scope_kind != _SUBJECT or column.scope_field not in _names(column.model):
            continue
        rows = column.model._base_manager.exclude(**{f"{column.name}__isnull": True})  # noqa: SLF001  # as above
        count = sum(rows.filter(**{f"{column.scope_field}__in": some}).count() for some in _slices(sorted(people)))
        records += count
        labels += [column.label] if count else []
    return Affected(people, len(people), records, tuple(labels))


def _names(model: type[object]) -> set[str]:
    fields = model._meta.get_fields()  # type: ignore[attr-defined]  # a model
    return {name for field in fields for name in (field.name, getattr(field, "attname", ""))}


def _slices(people: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(people), _SLICE):
        yield people[start : start + _SLICE]
