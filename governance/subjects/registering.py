"""Registering people and their identifiers, sealed and indexed; finding them again. No merge of two people."""

from collections.abc import Sequence
from unicodedata import category
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit, vault
from governance.errors import BadInput, Conflict, FieldError
from governance.fields import Scope
from governance.keys import index_keys
from governance.models import BlindIndex, Controller, DataSubject, SubjectIdentifier
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType

#: Types a person can be known by; others are refused by name, so that a typing error never makes a second person.
TYPES = ("email", "phone", "customer_id", "device_id")
_LONGEST = 254


def register(
    controller: Controller, identifiers: Sequence[tuple[str, str]], *, principal: Principal, verified: bool = False
) -> DataSubject:
    """Answer the person with any of these identifiers, new or known, with all of them attached.

    Raises Conflict when they belong to two people, BadInput for a type or value that cannot be used. Joins the
    caller's transaction; without one it makes its own.
    """
    require_usable(identifiers)
    try:
        with transaction.atomic():
            return _register(controller, identifiers, principal, verified=verified)
    except IntegrityError:
        # Another process registered the same identifier in this moment: its person is the one.
        with transaction.atomic():
            return _register(controller, identifiers, principal, verified=verified)


def find(controller: Controller, identifiers: Sequence[tuple[str, str]]) -> DataSubject | None:
    """Answer the one person with any of these identifiers. Raises Conflict when they belong to two."""
    require_usable(identifiers)
    people = vault.matches(controller.pk, identifiers)
    if len(people) > 1:
        raise Conflict(gettext("These identifiers belong to more than one person"))
    return people[0] if people else None


def find_many(controller: Controller, identifiers: Sequence[tuple[str, str]]) -> list[DataSubject | None]:
    """Answer the person with each of these identifiers, or None, in their order, in few statements."""
    for each in identifiers:
        require_usable([each])
    return vault.match_many(controller.pk, identifiers)


def identifiers_of(
    subject: DataSubject, *, principal: Principal, purpose: str, object_ref: str = ""
) -> list[tuple[str, str]]:
    """Reveal a person's identifiers as (type, value); audited. Call outside any transaction."""
    rows = list(subject.identifiers.order_by("created_at", "pk"))
    values = vault.reveal_many([row.value for row in rows], principal=principal, purpose=purpose, object_ref=object_ref)
    return [(row.type, value) for row, value in zip(rows, values, strict=True) if isinstance(value, str)]


def scope_of(subject: DataSubject) -> Scope:
    """The scope that this person's data is sealed in."""
    return Scope(subject.controller_id.hex, "subject", subject.pk.hex)


def _register(
    controller: Controller, identifiers: Sequence[tuple[str, str]], principal: Principal, *, verified: bool
) -> DataSubject:
    subject = find(controller, identifiers)
    if subject is not None:
        # One after the other with an erasure: an identifier attached meanwhile would survive it (invariant 3).
        subject = DataSubject.objects.select_for_update().get(pk=subject.pk)
        if subject.status == DataSubject.Status.ERASED:
            raise Conflict(gettext("The person is being erased; try again in a moment"))
    if subject is None:
        subject = DataSubject.objects.create(controller=controller)
        audit.record(
            AuditType.SUBJECT_REGISTERED,
            actor=principal,
            controller_id=controller.pk,
            subject_id=subject.pk,
            details={"types": sorted({type_ for type_, _value in identifiers})},
        )
    _attach_new(subject, identifiers, principal, verified=verified)
    return subject


def _attach_new(
    subject: DataSubject, identifiers: Sequence[tuple[str, str]], principal: Principal, *, verified: bool
) -> None:
    # Held until the transaction ends: whoever rotates an index waits for this, or this knows of the rotation.
    versions = index_keys.held(subject.controller_id)
    held = {(row.label, bytes(row.value)) for row in BlindIndex.objects.filter(subject=subject).only("label", "value")}
    added: dict[index_keys.Handle, tuple[str, str]] = {}
    for type_, value in identifiers:
        handles = index_keys.handles(versions, subject.controller_id, type_, value)
        if held.isdisjoint(handles):
            added.setdefault(handles[0], (type_, value))
    for type_, value in added.values():
        _attach(subject, type_, value, versions, verified=verified)
    if added and held:
        audit.record(
            AuditType.SUBJECT_IDENTIFIER_ADDED,
            actor=principal,
            controller_id=subject.controller_id,
            subject_id=subject.pk,
            details={"types": sorted({type_ for type_, _value in added.values()})},
        )


def _attach(subject: DataSubject, type_: str, value: str, versions: index_keys.Versions, *, verified: bool) -> None:
    identifier = SubjectIdentifier(controller_id=subject.controller_id, subject=subject, type=type_)
    identifier.verified_at = timezone.now() if verified else None
    identifier.value = vault.seal(value, label="subject.identifier", scope=scope_of(subject))
    identifier.save(force_insert=True)
    BlindIndex.objects.recorded().bulk_create(vault.identifier_entries(identifier, value, versions))


def require_usable(identifiers: Sequence[tuple[str, str]]) -> None:
    """Raise BadInput, naming each identifier that cannot be used, without repeating its value."""
    errors = []
    if not identifiers:
        errors.append(FieldError("/identifiers", gettext("Name at least one identifier")))
    for position, (type_, value) in enumerate(identifiers):
        if type_ not in TYPES:
            known_types = gettext("Use one of: %(known)s") % {"known": ", ".join(TYPES)}
            errors.append(FieldError(f"/identifiers/{position}/type", known_types))
        if said := complaint(type_, value):
            errors.append(FieldError(f"/identifiers/{position}/value", said))
    if errors:
        raise BadInput(gettext("An identifier cannot be used"), errors=errors)


def complaint(type_: str, value: str) -> str:
    """Say what is wrong with an identifier, without repeating it; empty when it can be used."""
    if not value.strip() or len(value) > _LONGEST or "\x00" in value:
        return gettext("Give 1 to %(most)s characters") % {"most": _LONGEST}
    if type_ == "email" and not _is_address(value.strip()):
        return gettext("Give an address such as name@example.org")
    return index_keys.refusal(type_, value)


def _is_address(value: str) -> bool:
    local, at, domain = value.rpartition("@")
    # Format characters are dropped by the index: an address of nothing else would be one for all who send such.
    is_whole = bool(at) and all(any(category(each) != "Cf" for each in part) for part in (local, domain))
    return is_whole and not any(character.isspace() for character in value)


def known(controller_id: UUID, subject_id: UUID) -> DataSubject | None:
    """Answer a person by reference within one controller."""
    return DataSubject.objects.filter(controller_id=controller_id, pk=subject_id).first()
