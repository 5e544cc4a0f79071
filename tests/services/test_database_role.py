"""The service under a PostgreSQL role of its own: it appends and sequences, and the server refuses everything else."""

from __future__ import annotations

import secrets
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.flows.installation import PROJECT, Installation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.flow
SCRIPT = (PROJECT / "deploy" / "postgresql_roles.sql").read_text()
#: What the service does all day: a person, a consent, a staff member, a tick with its checkpoint, an alarm run.
WORK = """
import django; django.setup()
from consent.models import ConsentEvent
from django.core.checks import run_checks
from django.db import transaction
from governance import subjects
from governance.models import Controller, LedgerCheckpoint
from governance.policy.principal import operator
from governance.tasks import work_once
controller = Controller.objects.get()
by = operator(controller.pk.hex)
with transaction.atomic():
    person = subjects.register(controller, [("email", "jane@example.org")], principal=by)
work_once()
subjects.erase(person, principal=by)
work_once()
assert LedgerCheckpoint.objects.exists()
found = run_checks(databases=["default"], tags=["database"], include_deployment_checks=True)
print("checks", sorted(each.id for each in found))
"""
REFUSED = [
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} DISABLE TRIGGER append_only",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} ADD COLUMN more text",
    "DROP TRIGGER append_only ON {table}",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "DROP TABLE {table}",
    "MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
]
REFUSED_ONCE = [
    "CREATE OR REPLACE FUNCTION governance_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NULL; END'",
    "DROP FUNCTION governance_refuse_change() CASCADE",
    "CREATE TABLE mine (id int)",
    "SET session_replication_role = replica",
    "ALTER ROLE {role} SUPERUSER",
    "CREATE ROLE another_{role}",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
]


class Place(NamedTuple):
    """A database with both roles."""

    owner: str
    service: str
    role: str
    installation: Installation


@pytest.fixture
def place(postgres_url: str, tmp_path: Path) -> Iterator[Place]:
    mark = secrets.token_hex(4)
    name, role, password = f"role_test_{mark}", f"service_{mark}", secrets.token_hex(16)
    parts = urlsplit(postgres_url)
    owner = urlunsplit(parts._replace(path=f"/{name}"))
    service = urlunsplit(
        parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port or 5432}", path=f"/{name}")
    )
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        installation = Installation(tmp_path, owner, is_copied=False)
        with psycopg.connect(owner, autocommit=True) as database:
            for _ in range(2):  # repeating it changes nothing
                database.execute(SCRIPT.replace(":'service'", f"'{role}'"))
            database.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
        yield Place(owner, service, role, installation)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def test_the_service_works_under_a_role_that_cannot_change_the_ledger(place: Place) -> None:
    checks = work(place, place.owner, create=True)
    assert "governance.W007" in checks  # the owner may change everything, and is told so
    place.installation.environment["DATABASE_URL"] = place.service
    checks = work(place, place.service)
    assert "governance.W007" not in checks
    place.installation.manage("verify_audit")
    with closing(psycopg.connect(place.service, autocommit=True)) as connection:
        tables = guarded(connection)
        assert {"governance_ledgerentry", "governance_ledgerleaf", "consent_consentevent"} <= set(tables)
        for table, column in tables.items():
            for statement in REFUSED:
                refuse(connection, statement.format(table=table, column=column))
        for statement in REFUSED_ONCE:
            refuse(connection, statement.format(role=place.role))
    place.installation.manage("verify_audit")


def test_the_owner_is_refused_by_the_triggers_alone(place: Place) -> None:
    work(place, place.owner, create=True)
    with closing(psycopg.connect(place.owner, autocommit=True)) as connection:
        for statement in ("UPDATE governance_ledgerentry SET type = type", "TRUNCATE governance_ledgerentry CASCADE"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                connection.execute(statement)


def work(place: Place, url: str, *, create: bool = False) -> str:
    if create:
        place.installation.manage("create_controller", "acme", "--name", "Acme", "--default")
    done = subprocess.run(  # our own interpreter
        [sys.executable, "-c", WORK],
        cwd=PROJECT,
        env=place.installation.environment | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "work.failed" not in done.stderr, done.stderr[-3000:]
    return done.stdout


def guarded(connection: psycopg.Connection) -> dict[str, str]:
    """Answer every append-only table with one of its columns."""
    rows = connection.execute(
        "SELECT c.relname, (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND attnum > 0 LIMIT 1) "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'append_only'"
    )
    return dict(rows.fetchall())


def refuse(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
