"""Reads the key rows of many owners with one lean statement, as a page needs them; opens and writes nothing."""

import json
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from governance.fields import Scope
from governance.models import DataKey


class StoredKey(NamedTuple):
    """What opening a key needs of its row, ids as hex. As model instances, fifty would cost more than their ciphers."""

    key_id: str
    controller: str
    scope_kind: str
    scope_id: str
    version: int
    wrapped: bytes | None
    commitment: bytes
    state: str
    controller_key_id: str
    #: Read along with the key and never kept: an epoch that another process ended opens nothing here.
    epoch_state: str


_HEX: Final = re.compile("[0-9a-f]{32}")
_AS_HEX: Final = {"postgresql": "encode(uuid_send({}), 'hex')"}
# One parameter, however many owners: a thousand of them, each quoted by the driver, would take longer than the query.
_AMONG: Final = {"postgresql": "= ANY (%s::uuid[])", "sqlite": "IN (SELECT value FROM json_each(%s))"}


def stored(row: DataKey) -> StoredKey:
    """Answer the same of a row that is at hand as a model instance."""
    return StoredKey(
        row.key_id,
        row.controller_id.hex,
        row.scope_kind,
        row.scope_id.hex,
        row.version,
        None if row.wrapped is None else bytes(row.wrapped),
        bytes(row.commitment),
        row.state,
        row.controller_key_id,
        row.controller_key.state,
    )


def versions_of(scopes: Iterable[Scope]) -> dict[Scope, list[StoredKey]]:
    """Answer the rows of each owner that has any, the newest last, with one query."""
    wanted = {(scope.kind, _hex(scope.id)): scope for scope in scopes}
    if not wanted:
        return {}
    owners: dict[str, list[str]] = {}
    for kind, owner in wanted:
        owners.setdefault(kind, []).append(owner)
    parameters = [each for kind, ids in owners.items() for each in (kind, _joined(ids))]
    found: dict[Scope, list[StoredKey]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_statement(len(owners)), parameters)
        for row in map(StoredKey._make, cursor.fetchall()):
            found.setdefault(wanted[row.scope_kind, row.scope_id], []).append(row)
    return found


def _statement(kinds: int) -> str:
    as_hex, among = _AS_HEX.get(connection.vendor, "{}"), _AMONG[connection.vendor]
    controller, owner = as_hex.format("k.controller_id"), as_hex.format("k.scope_id")
    where = " OR ".join([f"(k.scope_kind = %s AND k.scope_id {among})"] * kinds)
    return (
        f"SELECT k.key_id, {controller}, k.scope_kind, {owner}, k.version, k.wrapped, k.commitment, k.state, "  # noqa: S608
        "k.controller_key_id, e.state FROM governance_datakey k "
        f"JOIN governance_controllerkey e ON e.key_id = k.controller_key_id WHERE {where} ORDER BY k.version"
    )


def _joined(owners: list[str]) -> str:
    return "{" + ",".join(owners) + "}" if connection.vendor == "postgresql" else json.dumps(owners)


def _hex(owner: str) -> str:
    # What is joined to one parameter is an id and nothing that could pass for two.
    return owner if _HEX.fullmatch(owner) else UUID(owner).hex
