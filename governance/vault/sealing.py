"""Sealing: the way in. Anyone may seal; only opening is guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.fields import Sealed
from governance.fields.codec import Value, encode
from governance.keys import data_keys
from governance.vault import declared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from governance.crypto.padding import Buckets
    from governance.fields import Scope
    from governance.keys.data_key_rows import OpenKey


def seal(value: Value, *, label: str, scope: Scope) -> Sealed:
    """Seal a value for one label and owner. Raises Erased after the key was destroyed, BadInput for odd values."""
    return _sealed(value, label, scope, data_keys.sealer(scope))


def seal_many(values: Sequence[tuple[Value, str, Scope]]) -> list[Sealed]:
    """Seal several values, each with its label and owner, as seal() does, in a constant number of statements."""
    keys = data_keys.sealers(scope for _value, _label, scope in values)
    return [_sealed(value, label, scope, keys[scope]) for value, label, scope in values]


def seal_for(row: Model, field: str, value: Value | None) -> Sealed | None:
    """Seal a value for one column of one row, to be assigned there; None stays None.

    The row knows its controller and owner already. Raises BadInput for a value of another kind than declared.
    """
    column = declared.field(row, field)
    return None if value is None else seal(value, label=column.label, scope=column.scope_of(row))


def _sealed(value: Value, label: str, scope: Scope, key: OpenKey) -> Sealed:
    # By label, so that what a column declares holds wherever its values are sealed.
    column = declared.fields().get(label)
    pad_to: Buckets | None = None
    if column is not None:
        column.require_kind(value)
        pad_to = column.pad_to
    return Sealed(key.at(scope).encrypt(encode(value), label, pad_to=pad_to), label, scope)
