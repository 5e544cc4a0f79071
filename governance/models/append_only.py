"""Triggers that refuse UPDATE, DELETE and TRUNCATE on append-only tables; there is no way here to lift them.

They stop slips and stolen application credentials. A database superuser can drop them: what such a person changes
in the ledger is found by `verify_audit`.
"""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

#: Tables whose rows are never changed or removed. The queue of pending events is not one: leaving it is its job.
APPEND_ONLY: list[str] = [
    "governance_alert",
    "governance_alertacknowledgement",
    "governance_incidententry",
    "governance_ledgercheckpoint",
    "governance_ledgercosignature",
    "governance_ledgerentry",
    "governance_ledgerleaf",
    "governance_ledgertile",
]

_REFUSAL = "append-only table: its rows are never changed or removed"

_SQLITE_EVENTS = ("delete", "update")

_POSTGRES_FUNCTION = "governance_refuse_change"
_POSTGRES_BODY = f"BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END"
# pg_trigger.tgtype: BEFORE (2), DELETE (8), UPDATE (16) and TRUNCATE (32), for the statement. A row trigger would
# not see a TRUNCATE.
_POSTGRES_TYPE = 2 + 8 + 16 + 32
_POSTGRES_STANDING = """
    SELECT c.relname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE pg_table_is_visible(c.oid)
      AND t.tgname = %s AND t.tgtype = %s AND t.tgqual IS NULL AND t.tgenabled IN ('O', 'A')
      AND p.proname = %s AND p.prosrc = %s
"""
_POSTGRES_TRIGGER = "append_only"


def add(table: str) -> None:
    """Declare a table of an app append-only; called from its AppConfig.ready(), before triggers are installed."""
    if table not in APPEND_ONLY:
        APPEND_ONLY.append(table)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers on every declared table that exists and lacks them; repeating it changes nothing."""
    tables = missing(connection)
    if not tables:
        return
    with connection.cursor() as cursor:
        for statement in _statements(connection, tables):
            cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Answer the declared tables that exist and could be changed: no trigger, or one that is disabled or altered."""
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor)).intersection(APPEND_ONLY)
        guarded = _guarded(connection, cursor, present)
    return sorted(present - guarded)


def trigger_names(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Answer what the triggers of a table are called, for the tests that stand in for a superuser."""
    if connection.vendor == "sqlite":
        return [_sqlite_name(table, event) for event in _SQLITE_EVENTS]
    return [_POSTGRES_TRIGGER]


def _guarded(connection: BaseDatabaseWrapper, cursor: CursorWrapper, tables: Iterable[str]) -> set[str]:
    if connection.vendor == "sqlite":
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        standing = dict(cursor.fetchall())
        return {table for table in tables if _sqlite_triggers(connection, table).items() <= standing.items()}
    _require_postgres(connection)
    cursor.execute(_POSTGRES_STANDING, (_POSTGRES_TRIGGER, _POSTGRES_TYPE, _POSTGRES_FUNCTION, _POSTGRES_BODY))
    return {name for (name,) in cursor.fetchall()}.intersection(tables)


def _statements(connection: BaseDatabaseWrapper, tables: list[str]) -> list[str]:
    quote = connection.ops.quote_name
    statements = []
    if connection.vendor == "sqlite":
        for table in tables:
            for name, sql in _sqlite_triggers(connection, table).items():
                statements += [f"DROP TRIGGER IF EXISTS {quote(name)}", sql]
        return statements
    statements.append(
        f"CREATE OR REPLACE FUNCTION {_POSTGRES_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${_POSTGRES_BODY}$$"
    )
    for table in tables:
        statements += [
            f"DROP TRIGGER IF EXISTS {_POSTGRES_TRIGGER} ON {quote(table)}",
            f"CREATE TRIGGER {_POSTGRES_TRIGGER} BEFORE UPDATE OR DELETE OR TRUNCATE ON {quote(table)} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_POSTGRES_FUNCTION}()",
        ]
    return statements


def _sqlite_triggers(connection: BaseDatabaseWrapper, table: str) -> Mapping[str, str]:
    quote = connection.ops.quote_name
    return {
        name: f"CREATE TRIGGER {quote(name)} BEFORE {event.upper()} ON {quote(table)} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for event in _SQLITE_EVENTS
        for name in (_sqlite_name(table, event),)
    }


def _sqlite_name(table: str, event: str) -> str:
    return f"append_only_{table}_{event}"


def _require_postgres(connection: BaseDatabaseWrapper) -> None:
    # Without triggers the tables would only look append-only.
    if connection.vendor != "postgresql":
        message = f"Append-only tables need SQLite or PostgreSQL, not {connection.vendor}"
        raise ImproperlyConfigured(message)
