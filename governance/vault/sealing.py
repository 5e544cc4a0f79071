"""Sealing: the way in. Anyone may seal; only opening is guarded."""

from collections.abc import Sequence

from governance.crypto.envelope import Place, encrypt
from governance.fields import Scope, Sealed
from governance.keys import data_keys
from governance.vault.codec import Value, encode


def seal(value: Value, *, label: str, scope: Scope) -> Sealed:
    """Seal a value for one label and owner. Raises Erased after the key was destroyed, BadInput for odd values."""
    key = data_keys.sealer(scope)
    envelope = encrypt(key.cipher, key.key_id, encode(value), place(label, scope))
    return Sealed(envelope, label, scope)


def seal_many(values: Sequence[tuple[Value, str, Scope]]) -> list[Sealed]:
    """Seal several values, each with its label and owner, as seal() does, in a constant number of statements."""
    keys = data_keys.sealers(scope for _value, _label, scope in values)
    return [
        Sealed(encrypt(keys[scope].cipher, keys[scope].key_id, encode(value), place(label, scope)), label, scope)
        for value, label, scope in values
    ]


def place(label: str, scope: Scope) -> Place:
    """The place an envelope is bound to: moved elsewhere it does not open (invariant 2)."""
    return Place(controller=scope.controller, label=label, scope_kind=scope.kind, scope_id=scope.id)
