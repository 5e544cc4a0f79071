"""record(): turns what happened into an event about pseudonyms; personal data goes nowhere but the sealed body."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from governance import ledger
from governance.crypto.canonical import canonical
from governance.crypto.errors import CanonicalFormRefused
from governance.errors import AuditRefused, Erased
from governance.fields import Scope, Sealed
from governance.fields.codec import as_bytes, as_json
from governance.keys import data_keys, pseudonyms
from governance.keys.data_key_rows import OpenKey
from governance.ledger import LedgerEvent
from governance.models import AuditBody, LedgerEntry
from governance.policy.opaque import Detail
from governance.policy.principal import DATA_SUBJECT, Principal
from governance.policy.vocabulary import AuditType

#: Stands for a person whose key is gone: later events about them are kept and cannot be linked.
ERASED_REF = "p:erased"

# The labels that AuditBody declares; the field refuses any other.
_SALT, _BODY = "audit.salt", "audit.body"
_SALT_LENGTH = 32  # per event: without it a commitment to a guessable body could be found by trying (EDPB 02/2025)


@dataclass(frozen=True, slots=True)
class _Body:
    """A body ready to store, and the commitment that the ledger keeps of it."""

    salt: Sealed
    body: Sealed
    commit: str


def record(  # noqa: PLR0913  # one call says all of one event; each argument is a column of the payload
    type_: AuditType,
    *,
    actor: Principal,
    controller_id: UUID | None = None,
    subject_id: UUID | None = None,
    object_ref: str = "",
    purpose: str = "",
    decision: str = "",
    rules: Sequence[str] = (),
    ruleset: str = "",
    details: Mapping[str, Detail] | None = None,
    body: Mapping[str, Any] | None = None,
) -> LedgerEntry:
    """Record one event in the current transaction, about the person behind `subject_id` if there is one.

    The person appears as a pseudonym under their own key; `details` take ids, codes, counts and field names; `body`
    is sealed under the person's key and the ledger keeps a salted commitment. Raises AuditRefused outside a
    transaction or for a value that could be personal, and Erased for a body about an erased person.
    """
    ledger.require_transaction()
    event = LedgerEvent(
        type=type_,
        actor_ref=_actor_ref(actor),
        controller_id=controller_id,
        object_ref=object_ref,
        purpose=purpose,
        decision=decision,
        rules=rules,
        ruleset=ruleset,
        details=details or {},
    )
    if subject_id is None:
        if body is not None:
            raise AuditRefused("A sealed body belongs to a person: it needs subject_id.")
        return ledger.append(event)
    scope = _scope(controller_id, subject_id)
    if body is not None:
        data_keys.hold_still([scope])
    key = _key(scope)
    sealed = None if body is None else _seal(body, scope, key)
    about = _about(event, scope, key)
    entry = ledger.append(about if sealed is None else replace(about, body_commit=sealed.commit))
    if sealed is not None:
        owner = {"controller_id": UUID(scope.controller), "subject_id": subject_id}
        AuditBody(entry=entry, salt=sealed.salt, body=sealed.body, **owner).save(force_insert=True)
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One event about one person, or about none, for record_many(); its fields mean what record()'s arguments do."""

    type: AuditType
    subject_id: UUID | None = None
    object_ref: str = ""
    purpose: str = ""
    decision: str = ""
    rules: Sequence[str] = ()
    ruleset: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)


def record_many(occurrences: Sequence[Occurrence], *, actor: Principal, controller_id: UUID) -> list[LedgerEntry]:
    """Record these events about people of one controller, in their order, in a constant number of statements.

    The promises and refusals are those of record().
    """
    ledger.require_transaction()
    people = {each.subject_id for each in occurrences} - {None}
    scopes = {subject_id: _scope(controller_id, subject_id) for subject_id in people if subject_id is not None}
    keys = data_keys.namers(scopes.values())
    # A key that was not found is minted, or its owner was erased: rare enough to ask one by one.
    of_person = {subject_id: keys[scope] or _key(scope) for subject_id, scope in scopes.items()}
    actor_ref = _actor_ref(actor)
    events = []
    for each in occurrences:
        event = LedgerEvent(
            type=each.type,
            actor_ref=actor_ref,
            controller_id=controller_id,
            object_ref=each.object_ref,
            purpose=each.purpose,
            decision=each.decision,
            rules=each.rules,
            ruleset=each.ruleset,
            details=each.details,
        )
        if each.subject_id is not None:
            event = _about(event, scopes[each.subject_id], of_person[each.subject_id])
        events.append(event)
    return ledger.append_many(events)


def record_each(  # noqa: PLR0913  # as record()
    type_: AuditType,
    *,
    actor: Principal,
    controller_id: UUID,
    about: Mapping[UUID, Mapping[str, Detail]],
    object_ref: str = "",
    purpose: str = "",
    decision: str = "",
    rules: Sequence[str] = (),
    ruleset: str = "",
) -> list[LedgerEntry]:
    """Record one event about each of these people, with the details of each, in a constant number of statements.

    `about` is keyed by subject id; the rows come in its order. The promises and refusals are those of record().
    """
    occurrences = [
        Occurrence(
            type=type_,
            subject_id=subject_id,
            object_ref=object_ref,
            purpose=purpose,
            decision=decision,
            rules=rules,
            ruleset=ruleset,
            details=details,
        )
        for subject_id, details in about.items()
    ]
    return record_many(occurrences, actor=actor, controller_id=controller_id)


def _actor_ref(actor: Principal) -> str:
    """The actor's opaque reference; a person who acts for themselves appears as their pseudonym."""
    if actor.kind == DATA_SUBJECT:
        # Their id in the clear would outlive their erasure. A request's id has no such key, and stays.
        scopes = [Scope(controller, "subject", actor.id) for controller in actor.controllers]
        key = next(filter(None, data_keys.namers(scopes).values()), None)
        if key is not None:
            return f"{DATA_SUBJECT}:{pseudonyms.of_key(key.pseudonym_key)}"
    return actor.ref


def _scope(controller_id: UUID | None, subject_id: UUID) -> Scope:
    if controller_id is None:
        raise AuditRefused("A person belongs to a controller: subject_id needs controller_id.")
    return Scope(controller_id.hex, "subject", subject_id.hex)


def _key(scope: Scope) -> OpenKey | None:
    known = data_keys.namers([scope])[scope]
    if known is not None:
        return known
    try:
        return data_keys.sealer(scope)
    except Erased:
        return None


def _about(event: LedgerEvent, scope: Scope, key: OpenKey | None) -> LedgerEvent:
    subject_ref = ERASED_REF if key is None else pseudonyms.of_key(key.pseudonym_key)
    # Still in the clear when the key is only now minted, or already destroyed.
    is_self = event.actor_ref == f"{DATA_SUBJECT}:{scope.id}"
    actor_ref = f"{DATA_SUBJECT}:{subject_ref}" if is_self else event.actor_ref
    about = replace(event, subject_ref=subject_ref, actor_ref=actor_ref)
    _require_unlinked(scope.id, about)
    return about


def _require_unlinked(subject_hex: str, event: LedgerEvent) -> None:
    """Refuse the person's own id in the open fields: it would tie the pseudonym to them beyond their erasure."""
    for text in (
        event.actor_ref,
        event.object_ref,
        event.purpose,
        event.decision,
        *event.rules,
        *_texts(event.details.values()),
    ):
        if subject_hex in text.replace("-", "").lower():
            raise AuditRefused("A person is named by subject_id alone; their id stands nowhere else in the event.")


def _texts(values: Iterable[object]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, str))


def _seal(body: Mapping[str, Any], scope: Scope, key: OpenKey | None) -> _Body:
    if key is None:
        raise Erased("The key was destroyed; nothing can be sealed about this person again")
    try:
        plain = canonical(dict(body))
    except CanonicalFormRefused as refused:
        raise AuditRefused("A body takes texts, whole numbers, truth values, lists and objects of them.") from refused
    salt = os.urandom(_SALT_LENGTH)
    commit = sha256(salt + plain).hexdigest()
    return _Body(_sealed(_SALT, as_bytes(salt), scope, key), _sealed(_BODY, as_json(plain), scope, key), commit)


def _sealed(label: str, value: bytes, scope: Scope, key: OpenKey) -> Sealed:
    return Sealed(key.at(scope).encrypt(value, label), label, scope)
