"""Reads located rows for an access copy, in portions and never more than the plan names; it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from governance.catalogue.planning import Reason
from governance.systems.sql.keys import key_of, portions, rows_named
from governance.systems.sql.values import json_value

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from governance.catalogue.planning import Node
    from governance.systems.sql.engine import Limits
    from governance.systems.sql.results import Key
    from governance.systems.sql.tables import Table


def read(
    connection: sa.Connection, table: Table, node: Node, rows: Sequence[Key], limits: Limits
) -> Generator[dict[str, Any]]:
    """Yield each row as JSON-able values, in the order of the keys, holding one portion in memory at a time."""
    if node.read is None:
        raise ValueError("the plan was not made for access")
    fields = node.read.fields
    infos = [table.info(name) for name in fields]
    key = key_of(node, table)
    order = [table.column(name) for name in key]
    statement = sa.select(*(table.column(name) for name in fields)).order_by(*order)
    for portion in portions(rows, limits.chunk):
        for row in connection.execute(statement.where(rows_named(table, key, portion))):
            pairs = zip(fields, row, infos, strict=True)
            yield {name: json_value(value, info, limits.binary_bytes) for name, value, info in pairs}


def held(connection: sa.Connection, table: Table, node: Node, rows: Sequence[Key], limits: Limits) -> dict[str, int]:
    """Count the rows that hold each credential, so that it can be said without disclosing one."""
    secret = [each.field for each in node.read.withheld if each.reason is Reason.CREDENTIAL] if node.read else []
    counts = dict.fromkeys(secret, 0)
    key = key_of(node, table)
    for portion in portions(rows, limits.chunk) if secret else ():
        columns = [sa.func.count(table.column(name)) for name in secret]
        row = connection.execute(sa.select(*columns).where(rows_named(table, key, portion))).one()
        for name, count in zip(secret, row, strict=True):
            counts[name] += count
    return counts
