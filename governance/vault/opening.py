"""Opening: policy decides, the audit row is committed, then the value opens. No audit row, no disclosure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from governance import access, audit, ledger
from governance.access.enforcement import deny
from governance.crypto.envelope import decrypt
from governance.crypto.errors import CryptoError
from governance.errors import AccessDenied, Erased, SealRefused
from governance.fields import Scope, Sealed
from governance.keys import data_keys
from governance.ledger import LedgerEvent
from governance.policy.opaque import Detail
from governance.policy.principal import DATA_SUBJECT, Principal
from governance.policy.vocabulary import Action, AuditType, RevealPurpose
from governance.vault.codec import Value, decode
from governance.vault.sealing import place


@dataclass(frozen=True, slots=True)
class ErasedMark:
    """Stands where a value was whose key is destroyed; never None, an empty text or ciphertext."""

    label: str


def reveal(sealed: Sealed, *, principal: Principal, purpose: str, object_ref: str = "") -> Value:
    """Open one value. Raises AccessDenied, Erased; refuses to run inside a transaction."""
    value = reveal_many([sealed], principal=principal, purpose=purpose, object_ref=object_ref)[0]
    if isinstance(value, ErasedMark):
        raise Erased
    return value


def reveal_many(
    sealeds: Sequence[Sealed], *, principal: Principal, purpose: str, object_ref: str = ""
) -> list[Value | ErasedMark]:
    """Open several values in order, with one audit row a person and a constant number of queries.

    1. every value knows its place; 2. the principal may, for a known purpose; 3. the audit rows are committed in a
    transaction of their own; 4. the values open.
    """
    if not sealeds:
        return []
    placed = [_placed(sealed) for sealed in sealeds]  # (1)
    _require(principal, purpose, placed)  # (2)
    keys = data_keys.opener({scope for _sealed, scope in placed})
    with transaction.atomic(durable=True):  # (3) durable: a surrounding transaction could still roll the record back
        living = {scope: labels for scope, labels in _labels_by_scope(placed).items() if keys[scope] is not None}
        _record(living, principal, purpose, object_ref)
    return [_open(sealed, scope, keys[scope]) for sealed, scope in placed]  # (4)


def _placed(sealed: Sealed) -> tuple[Sealed, Scope]:
    if sealed.scope is None:
        raise SealRefused("Read the sealed value from a row; a bare column value has no owner")
    return sealed, sealed.scope


def _require(principal: Principal, purpose: str, placed: Sequence[tuple[Sealed, Scope]]) -> None:
    for controller in sorted({scope.controller for _sealed, scope in placed}):
        access.require(principal, Action.SUBJECT_REVEAL, controller_id=UUID(controller))
    foreign = principal.kind == DATA_SUBJECT and any(scope.id != principal.id for _sealed, scope in placed)
    known = purpose in {each.value for each in RevealPurpose}
    if foreign or not known:
        # Free text is not recorded: whoever types a name as the purpose would put it into the ledger.
        deny(principal, Action.SUBJECT_REVEAL, controller_id=None, resource=None, purpose=purpose if known else "")
        raise AccessDenied("Name one of the purposes that personal data is opened for")


def _labels_by_scope(placed: Sequence[tuple[Sealed, Scope]]) -> dict[Scope, Counter[str]]:
    labels: dict[Scope, Counter[str]] = {}
    for sealed, scope in placed:
        labels.setdefault(scope, Counter())[sealed.label] += 1
    return labels


def _record(labels: dict[Scope, Counter[str]], principal: Principal, purpose: str, object_ref: str) -> None:
    """Write one row for each owner, in a constant number of statements for each controller and kind."""
    for controller in sorted({scope.controller for scope in labels}):
        people = {scope: found for scope, found in labels.items() if scope.controller == controller}
        about = {UUID(scope.id): _details(found) for scope, found in people.items() if scope.kind == "subject"}
        if about:
            audit.record_each(
                AuditType.SUBJECT_REVEALED,
                actor=principal,
                controller_id=UUID(controller),
                about=about,
                object_ref=object_ref,
                purpose=purpose,
                decision="allow",
            )
    ledger.append_many(
        [
            LedgerEvent(
                type=AuditType.SUBJECT_REVEALED,
                actor_ref=principal.ref,
                controller_id=UUID(scope.controller),
                object_ref=object_ref or f"{scope.kind}:{scope.id}",
                purpose=purpose,
                decision="allow",
                details=_details(found),
            )
            for scope, found in labels.items()
            if scope.kind != "subject"
        ]
    )


def _details(labels: Counter[str]) -> dict[str, Detail]:
    return {"labels": sorted(labels), "values": sum(labels.values())}


def _open(sealed: Sealed, scope: Scope, key: data_keys.OpenKey | None) -> Value | ErasedMark:
    if key is None:
        return ErasedMark(sealed.label)
    try:
        return decode(decrypt(key.cipher, key.key_id, sealed.envelope, place(sealed.label, scope)))
    except CryptoError as refused:
        message = f"A sealed value ({sealed.label}) does not open in its place; it was moved or changed"
        raise SealRefused(message) from refused
