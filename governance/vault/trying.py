"""Trying to open what is said to be destroyed: every sealed column and the keys of files; it shows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from governance.crypto.envelope import header
from governance.crypto.errors import CryptoError
from governance.errors import KeyForeign
from governance.fields import SealedField, sealed_fields
from governance.keys import data_keys
from governance.registry import sockets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from governance.fields import Scope
    from governance.keys.data_key_rows import OpenKey


@dataclass(frozen=True, slots=True)
class Tried:
    """How the values of one column ended: how many there are, and how many still opened."""

    model: str
    label: str
    values: int
    opened: int


def try_all(scope: Scope) -> list[Tried]:
    """Try to open every value of one owner in every sealed column, with every key that still opens anything.

    A column is found by introspection, not from a list: one that somebody adds tomorrow is tried tomorrow.
    """
    keys: dict[str, list[OpenKey]] = {}
    return [_try_column(column, scope, keys) for column in sealed_fields()]


def try_files(scope: Scope, key_ids: Collection[str]) -> Tried:
    """Try the key of every file that an app keeps under these keys of one owner: what has no key has no stream.

    Tokens need no such try: each is a sealed column, and deleted with its person.
    """
    named = [key_id for held in sockets.files for key_id in held(key_ids)]
    opened = sum(any(key.key_id.hex() == each for key in data_keys.openable(scope, [each])) for each in set(named))
    return Tried("file", "file", len(set(named)), opened)


def _try_column(column: SealedField, scope: Scope, keys: dict[str, list[OpenKey]]) -> Tried:
    values = opened = 0
    for envelope in _envelopes(column, scope):
        values += 1
        opened += any(_opens(key, envelope, column.label, scope) for key in _keys_for(envelope, scope, keys))
    return Tried(column.model._meta.label_lower, column.label, values, opened)


def _envelopes(column: SealedField, scope: Scope) -> Iterator[bytes]:
    names = {field.name for field in column.model._meta.get_fields()}
    if {"scope_kind", "scope_id"} <= names:
        owned = {"scope_kind": scope.kind, "scope_id": UUID(scope.id)}
    elif column.scope_kind == scope.kind:
        owned = {column.scope_field: UUID(scope.id)}
    else:
        return
    # The manager that leaves nothing out, whatever a model shows by default.
    everything = column.model._base_manager  # noqa: SLF001  # Django's own, documented name
    rows = everything.filter(**owned).exclude(**{f"{column.name}__isnull": True})
    for sealed in rows.values_list(column.name, flat=True).iterator():
        yield sealed.envelope


def _keys_for(envelope: bytes, scope: Scope, keys: dict[str, list[OpenKey]]) -> list[OpenKey]:
    try:
        named = header(envelope).key_id.hex()
    except CryptoError:
        return []
    if named not in keys:
        keys[named] = data_keys.openable(scope, [named])
    return keys[named]


def _opens(key: OpenKey, envelope: bytes, label: str, scope: Scope) -> bool:
    try:
        key.at(scope).decrypt(envelope, label)
    except (CryptoError, KeyForeign):
        return False
    return True
