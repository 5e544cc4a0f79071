"""Registering many people at once: writes row for row what register() writes for each, in few statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit, vault
from governance.audit import Occurrence
from governance.errors import Conflict
from governance.keys import data_keys, index_keys
from governance.models import BlindIndex, Controller, DataSubject, SubjectIdentifier
from governance.models.inserting import insert_many
from governance.policy.vocabulary import AuditType
from governance.subjects.registering import require_usable, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from governance.keys.index_keys import Versions
    from governance.policy.principal import Principal

#: What finds a person: the label of a blind index, and its value.
_Handle = tuple[str, bytes]


def register_many(
    controller: Controller, people: Sequence[Sequence[tuple[str, str]]], *, principal: Principal, verified: bool = False
) -> list[DataSubject]:
    """Answer the person behind each list of identifiers, as register() would one after the other.

    The number of statements does not grow with the number of people: a few hundred at a time keep them short. Raises
    what register() raises, and then nothing of the call is kept. Joins the caller's transaction.
    """
    for identifiers in people:
        require_usable(identifiers)
    try:
        with transaction.atomic():
            return _register(controller, people, principal, verified=verified)
    except IntegrityError:
        # Another process registered one of the identifiers in this moment: its person is the one.
        with transaction.atomic():
            return _register(controller, people, principal, verified=verified)


@dataclass
class _Batch:
    """What will be written: people, their identifiers, and what the ledger says of them."""

    created: list[DataSubject] = field(default_factory=list)
    attached: list[tuple[DataSubject, _Handle, tuple[str, str]]] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)


def _register(
    controller: Controller, people: Sequence[Sequence[tuple[str, str]]], principal: Principal, *, verified: bool
) -> list[DataSubject]:
    # Held until the transaction ends, as in register().
    versions = index_keys.held(controller.pk)
    indexed = [
        # The first handle is of the version that everybody has an entry of.
        {index_keys.handles(versions, controller.pk, type_, value)[0]: (type_, value) for type_, value in identifiers}
        for identifiers in people
    ]
    owners = _owners(controller.pk, (handle for handles in indexed for handle in handles))
    batch = _Batch()
    found = [_one(controller, handles, owners, batch) for handles in indexed]
    insert_many(batch.created, recorded=True)
    data_keys.sealers(scope_of(subject) for subject in batch.created)
    audit.record_many(batch.occurrences, actor=principal, controller_id=controller.pk)
    _attach(batch.attached, versions, verified=verified)
    return found


def _owners(controller_id: UUID, handles: Iterable[_Handle]) -> dict[_Handle, DataSubject]:
    """Answer who is known by which of these, locked; two queries."""
    values: dict[str, list[bytes]] = {}
    for label_, value in handles:
        values.setdefault(label_, []).append(value)
    where = Q(pk__in=[])
    for label_, wanted in values.items():
        where |= Q(label=label_, value__in=wanted)
    rows = list(BlindIndex.objects.filter(where, controller_id=controller_id).only("label", "value", "subject_id"))
    # One after the other with an erasure, as in register(); in one order, so that imports never wait for each other.
    locked = DataSubject.objects.select_for_update().filter(pk__in={row.subject_id for row in rows}).order_by("pk")
    people = {person.pk: person for person in locked}
    if any(person.status == DataSubject.Status.ERASED for person in people.values()):
        raise Conflict(gettext("A person is being erased; try again in a moment"))
    return {(row.label, bytes(row.value)): people[row.subject_id] for row in rows}


def _one(
    controller: Controller,
    handles: Mapping[_Handle, tuple[str, str]],
    owners: dict[_Handle, DataSubject],
    batch: _Batch,
) -> DataSubject:
    """Settle one person, with those settled before in view, as if they were registered already."""
    known = {owners[handle].pk: owners[handle] for handle in handles if handle in owners}
    if len(known) > 1:
        raise Conflict(gettext("These identifiers belong to more than one person"))
    subject = next(iter(known.values()), None)
    added = [handle for handle in handles if handle not in owners]
    types = sorted({handles[handle][0] for handle in added})
    if subject is None:
        subject = DataSubject(controller=controller)
        batch.created.append(subject)
        batch.occurrences.append(_occurrence(AuditType.SUBJECT_REGISTERED, subject, types))
    elif added:
        batch.occurrences.append(_occurrence(AuditType.SUBJECT_IDENTIFIER_ADDED, subject, types))
    for handle in added:
        owners[handle] = subject
        batch.attached.append((subject, handle, handles[handle]))
    return subject


def _occurrence(type_: AuditType, subject: DataSubject, types: list[str]) -> Occurrence:
    return Occurrence(type=type_, subject_id=subject.pk, details={"types": types})


def _attach(
    attached: Sequence[tuple[DataSubject, _Handle, tuple[str, str]]], versions: Versions, *, verified: bool
) -> None:
    verified_at = timezone.now() if verified else None
    sealed = vault.seal_many(
        [(value, "subject.identifier", scope_of(subject)) for subject, _handle, (_type, value) in attached]
    )
    identifiers, indexes = [], []
    for (subject, _handle, (type_, value)), envelope in zip(attached, sealed, strict=True):
        row = SubjectIdentifier(
            controller_id=subject.controller_id, subject=subject, type=type_, verified_at=verified_at
        )
        row.value = envelope
        identifiers.append(row)
        indexes += vault.identifier_entries(row, value, versions)
    insert_many(identifiers, recorded=True)
    insert_many(indexes, recorded=True)
