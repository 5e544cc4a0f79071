"""The triggers: what they refuse, that they come back after a flush, and that a missing or altered one is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction

from governance.audit.sequencer import sequence
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending, append_only
from tests.superuser import lifted

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from tests.governance.audit.conftest import Write

LEDGER = ["governance_ledgercheckpoint", "governance_ledgerentry", "governance_ledgerleaf"]
pytestmark = pytest.mark.django_db


def execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def settle() -> None:
    """Carry out foreign key checks now: PostgreSQL neither alters nor truncates a table that still has some to do."""
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(("table", "column"), list(zip(LEDGER, ["note", "payload", "hash"], strict=True)))
def test_rows_are_never_changed_or_removed(write: Write, table: str, column: str) -> None:
    write(2)
    sequence()
    settle()
    statements = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    if connection.vendor == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with pytest.raises(IntegrityError, match="append-only"):
            execute(statement)
    counts = [model.objects.count() for model in (LedgerEntry, LedgerLeaf, LedgerCheckpoint)]
    assert counts == [2, 2, 1]


def test_the_orm_is_refused_too(write: Write) -> None:
    (entry,) = write(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.filter(pk=entry.pk).update(type="access.denied")
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save()


def test_a_row_is_not_replaced_either(write: Write) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has INSERT OR REPLACE; run make test")
    write(1)
    with pytest.raises(IntegrityError, match="append-only"):
        execute("INSERT OR REPLACE INTO governance_ledgerentry SELECT * FROM governance_ledgerentry")


def test_the_queue_is_not_append_only(write: Write) -> None:
    (entry,) = write(1)
    LedgerPending.objects.filter(entry=entry).delete()
    assert not LedgerPending.objects.exists()


def test_every_declared_table_is_guarded_after_migration() -> None:
    assert set(LEDGER) <= set(append_only.APPEND_ONLY)
    assert append_only.missing(connection) == []


def test_a_table_of_an_app_is_guarded_once_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_only, "APPEND_ONLY", list(append_only.APPEND_ONLY))
    append_only.add("audit_test_table")
    append_only.add("audit_test_table")
    assert append_only.APPEND_ONLY.count("audit_test_table") == 1
    assert append_only.missing(connection) == []  # it does not exist yet
    execute("CREATE TABLE audit_test_table (id integer PRIMARY KEY)")
    execute("INSERT INTO audit_test_table VALUES (1)")
    assert append_only.missing(connection) == ["audit_test_table"]
    append_only.install(connection)
    assert append_only.missing(connection) == []
    with pytest.raises(IntegrityError, match="append-only"):
        execute("DELETE FROM audit_test_table")


def test_a_database_that_could_not_keep_the_promise_is_refused() -> None:
    """Without triggers the tables would only look append-only."""
    other = MagicMock(vendor="mysql")
    other.introspection.table_names.return_value = LEDGER
    with pytest.raises(ImproperlyConfigured, match="not mysql"):
        append_only.missing(other)


def test_installing_again_only_looks(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(2):
        append_only.install(connection)


def test_a_dropped_trigger_is_noticed_and_put_back() -> None:
    with lifted(connection):
        assert append_only.missing(connection) == sorted(append_only.APPEND_ONLY)
    assert append_only.missing(connection) == []


def test_a_disabled_or_hollow_trigger_is_noticed_and_replaced() -> None:
    hollow = {
        "sqlite": [
            "DROP TRIGGER append_only_governance_ledgerleaf_delete",
            "CREATE TRIGGER append_only_governance_ledgerleaf_delete BEFORE DELETE ON governance_ledgerleaf "
            "BEGIN SELECT 1; END",
        ],
        "postgresql": ["ALTER TABLE governance_ledgerleaf DISABLE TRIGGER append_only"],
    }[connection.vendor]
    for statement in hollow:
        execute(statement)
    assert append_only.missing(connection) == ["governance_ledgerleaf"]
    append_only.install(connection)
    assert append_only.missing(connection) == []


def test_a_hollow_function_is_noticed_and_replaced() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL keeps what a trigger does in a function; run make test-postgres")
    execute(
        "CREATE OR REPLACE FUNCTION governance_refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "AS $$BEGIN RETURN NULL; END$$"
    )
    assert append_only.missing(connection) == sorted(append_only.APPEND_ONLY)
    append_only.install(connection)
    assert append_only.missing(connection) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", [1, 2])
def test_a_flush_empties_the_tables_and_leaves_them_guarded(write: Write, run: int) -> None:
    assert append_only.missing(connection) == [], run
    assert not LedgerEntry.objects.exists()
    write(1)
    sequence()
