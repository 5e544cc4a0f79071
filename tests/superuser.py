"""Stands in for a database superuser, whom no trigger stops: lifts the guards so that tests can flush or forge."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from governance.models import append_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Take the append-only triggers away and put them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It alters no table for which this transaction still has checks to do.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        present = connection.introspection.table_names(cursor)
        for table in set(present).intersection(append_only.APPEND_ONLY):
            for name in append_only.trigger_names(connection, table):
                place = "" if connection.vendor == "sqlite" else f" ON {connection.ops.quote_name(table)}"
                cursor.execute(f"DROP TRIGGER IF EXISTS {connection.ops.quote_name(name)}{place}")
    try:
        yield
    finally:
        append_only.install(connection)


@contextmanager
def unchecked(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """The same with foreign keys ignored. SQLite ignores the request inside a transaction."""
    off, on = {
        "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
        "postgresql": ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT"),
    }[connection.vendor]
    with lifted(connection):
        with connection.cursor() as cursor:
            cursor.execute(off)
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(on)


def database_url() -> str:
    """Where the tests' own database is, for processes that they start."""
    from django.conf import settings

    found = settings.DATABASES["default"]
    if "sqlite" in found["ENGINE"]:
        return f"sqlite:///{found['NAME']}"
    return f"postgresql://{found['USER']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
