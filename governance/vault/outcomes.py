"""Opening many values with an outcome for each: what one may not see, or what is broken, never spoils the others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from governance.access.enforcement import NO_FORM, deny
from governance.crypto.errors import CryptoError
from governance.errors import SealRefused
from governance.keys import data_keys
from governance.models import DataKey
from governance.policy.forms import Form, form_of
from governance.policy.vocabulary import Action
from governance.vault import disclosing
from governance.vault.masks import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from governance.fields import Scope
    from governance.fields.codec import Value
    from governance.keys.data_key_rows import OpenKey
    from governance.policy.principal import Principal


class Status(StrEnum):
    """What became of one item of a call."""

    DENIED = "denied"
    ERASED = "erased"
    EXPIRED = "expired"
    INVALID = "invalid"
    MASKED = "masked"
    NOT_FOUND = "not_found"
    RESTRICTED = "restricted"
    REVEALED = "revealed"
    SEALED = "sealed"
    TOKENISED = "tokenised"


_SHUT: Final = {DataKey.State.DESTROYED.value: Status.ERASED, DataKey.State.SUSPENDED.value: Status.DENIED}


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """One item's end. Its `repr` is the default object's: the value is personal data."""

    status: Status
    value: Any = None
    form: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """One value to be opened: what kind it is to the policy, whose it is, and how it opens once the key is there."""

    label: str
    scope: Scope
    opened: Callable[[OpenKey], Value]


def disclose(wanted: Sequence[Wanted], *, principal: Principal, purpose: str) -> list[Outcome]:
    """Open values in order, each in the form that the policy gives, in a constant number of statements.

    What the caller may not see is denied, in one record; the record of the rest is committed before any of it opens.
    Refuses to run inside a transaction; raises AccessDenied without the right or a known purpose.
    """
    permitted = [form_of(principal.roles_at(each.scope.controller), each.label) is not None for each in wanted]
    if not all(permitted):
        controllers = {each.scope.controller for each, may in zip(wanted, permitted, strict=True) if not may}
        for controller in sorted(controllers):
            _deny(principal, purpose, controller)
    shown = [(each.label, each.scope) for each, may in zip(wanted, permitted, strict=True) if may]
    if not shown:
        return [Outcome(Status.DENIED) for _each in wanted]
    forms = disclosing.forms_for(principal, purpose, shown)
    barred = disclosing.barred(principal, purpose, shown)
    keys = disclosing.record([each for each in shown if each[1] not in barred], forms, principal, purpose, "")
    shut = data_keys.standing([scope for scope, key in keys.items() if key is None])

    def outcome_of(each: Wanted) -> Outcome:
        if each.scope in barred:
            return Outcome(Status.RESTRICTED)
        if (key := keys[each.scope]) is None:
            # Of an owner without any key nobody says "erased": the key was lost or moved.
            return Outcome(_SHUT.get(shut.get(each.scope, ""), Status.INVALID))
        return _opened(each, key, forms.of(each.label, each.scope))

    return [outcome_of(each) if may else Outcome(Status.DENIED) for each, may in zip(wanted, permitted, strict=True)]


def _opened(wanted: Wanted, key: OpenKey, form: Form) -> Outcome:
    try:
        value = wanted.opened(key)
    except (CryptoError, SealRefused):
        return Outcome(Status.INVALID)  # moved, changed, or never ours: nobody is told which
    if form is Form.CLEAR:
        return Outcome(Status.REVEALED, value)
    return Outcome(Status.MASKED, masked(value, form), form.value)


def _deny(principal: Principal, purpose: str, controller: str) -> None:
    known = purpose in disclosing.PURPOSES
    deny(
        principal,
        Action.SUBJECT_REVEAL,
        controller_id=UUID(controller),
        resource=None,
        purpose=purpose if known else "",
        rule=NO_FORM,
    )
