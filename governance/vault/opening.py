"""Opening: policy decides who sees what form, the audit row is committed, the value opens. No row, no disclosure."""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.crypto.errors import CorruptEnvelope, CryptoError
from governance.errors import Disabled, Erased, GovernanceError, KeyUnknown, Restricted, SealRefused
from governance.fields import Scope, Sealed
from governance.fields.codec import Value, decode
from governance.keys import data_keys
from governance.keys.data_key_rows import OpenKey
from governance.models import DataKey
from governance.policy.forms import Form
from governance.policy.principal import Principal
from governance.vault import disclosing
from governance.vault.masks import masked


@dataclass(frozen=True, slots=True)
class ErasedMark:
    """Stands where a value was whose key is destroyed; never None, an empty text or ciphertext."""

    label: str


@dataclass(frozen=True, slots=True)
class DisabledMark:
    """Stands where a value is that nobody may read: the person's erasure waits for the end of its grace."""

    label: str


@dataclass(frozen=True, slots=True)
class RestrictedMark:
    """Stands where a value is that may not be opened for this purpose: its person's data is restricted."""

    label: str


#: What may stand where a value was.
Mark = ErasedMark | DisabledMark | RestrictedMark


def reveal(sealed: Sealed, *, principal: Principal, purpose: str, object_ref: str = "") -> Value:
    """Open one value. Raises AccessDenied, Disabled, Erased, Restricted; refuses to run inside a transaction."""
    value = reveal_many([sealed], principal=principal, purpose=purpose, object_ref=object_ref)[0]
    if isinstance(value, RestrictedMark):
        raise Restricted(disclosing.UNDER_RESTRICTION)
    if isinstance(value, DisabledMark):
        raise Disabled
    if isinstance(value, ErasedMark):
        raise Erased
    return value


def reveal_many(
    sealeds: Sequence[Sealed], *, principal: Principal, purpose: str, object_ref: str = ""
) -> list[Value | Mark]:
    """Open several values in order, with one audit row a person and a constant number of queries.

    1. every value knows its place; 2. the principal may see each, in the form that the policy gives, for a known
    purpose; 3. nobody's are restricted against that purpose; 4. the audit rows, with the forms, are committed in a
    transaction of their own; 5. the values open, and what is not to be seen clear comes out as Masked.
    """
    if not sealeds:
        return []
    shown = [(sealed.label, _place(sealed)) for sealed in sealeds]  # (1)
    forms = disclosing.forms_for(principal, purpose, shown)  # (2)
    barred = disclosing.barred(principal, purpose, shown)  # (3)
    free = [each for each in shown if each[1] not in barred]
    keys = disclosing.record(free, forms, principal, purpose, object_ref)  # (4)
    shut = data_keys.standing([scope for scope, key in keys.items() if key is None])  # no query when all are open
    return [  # (5)
        RestrictedMark(sealed.label)
        if scope in barred
        else _closed(sealed, scope, shut.get(scope))
        if (key := keys[scope]) is None
        else open_one(sealed, scope, key, forms.of(sealed.label, scope))
        for sealed, (_label, scope) in zip(sealeds, shown, strict=True)
    ]


def open_one(sealed: Sealed, scope: Scope, key: OpenKey, form: Form) -> Value | ErasedMark:
    """Open one value under a key that `disclosing.record` gave out; raises SealRefused where it does not belong."""
    try:
        value = decode(key.at(scope).decrypt(sealed.envelope, sealed.label))
    except CorruptEnvelope as refused:
        message = f"A sealed value ({sealed.row or sealed.label}) is no envelope; it was moved or changed"
        raise SealRefused(message) from refused
    except CryptoError as refused:
        if (reason := _reason(sealed.envelope, scope)) is not None:
            if isinstance(reason, Erased):
                return ErasedMark(sealed.label)
            raise reason from refused
        message = f"A sealed value ({sealed.row or sealed.label}) does not open in its place; it was moved or changed"
        raise SealRefused(message) from refused
    return value if form is Form.CLEAR else masked(value, form)


def _closed(sealed: Sealed, scope: Scope, state: str | None) -> ErasedMark | DisabledMark:
    """Say what stands for a value whose owner has no key in use; raises where nobody was erased."""
    if state == DataKey.State.DESTROYED:
        return ErasedMark(sealed.label)
    if state == DataKey.State.SUSPENDED:
        return DisabledMark(sealed.label)
    raise _reason(sealed.envelope, scope) or KeyUnknown("The owner of a sealed value has no key that can be used")


def _reason(envelope: bytes, scope: Scope) -> GovernanceError | None:
    try:
        return data_keys.explained(scope, envelope)
    except CryptoError:
        return None  # no envelope at all


def _place(sealed: Sealed) -> Scope:
    if sealed.scope is None:
        raise SealRefused("Read the sealed value from a row; a bare column value has no owner")
    return sealed.scope
