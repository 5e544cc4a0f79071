"""Workers as real processes: one is killed with signal 9 in the middle, two race for the rest; the end is the same."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.databases import service_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.flow
PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = PROJECT / "tests" / "dsar" / "process.py"


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with service_database(request, request.param, tmp_path) as url:
        yield url


def _start(database: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DATABASE_URL": database,
        "GOVERNANCE_STEP_LEASE_SECONDS": "2",
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "PYTHONPATH": str(PROJECT),
    }
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments], env=environment, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )


def _ask(database: str, statement: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(database.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


@pytest.mark.parametrize(
    ("database", "moment"),
    [("sqlite", ("erase", "after")), ("postgresql", ("collect", "before"))],
    indirect=["database"],
    ids=["sqlite", "postgresql"],
)
def test_a_killed_worker_and_two_that_race_reach_the_same_end(
    database: str, tmp_path: Path, moment: tuple[str, str]
) -> None:
    with _start(database, "prepare", str(tmp_path)) as prepared:
        assert prepared.wait(60) == 0
    with _start(database, "hang", *moment) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "hanging\n"
        dying.kill()
    with _start(database, "work", "40") as one, _start(database, "work", "40") as other:
        assert (one.wait(60), other.wait(60)) == (0, 0)

    assert _ask(database, "SELECT status FROM dsar_subjectrequest") == [("reviewing",)]
    unfinished = "SELECT COUNT(*) FROM governance_systemstep WHERE state <> 'done'"
    assert _ask(database, unfinished) == [(0,)]
    steps = _ask(database, "SELECT COUNT(*) FROM governance_systemstep")
    noted = _ask(database, "SELECT COUNT(*) FROM governance_ledgerentry WHERE type = 'step.finished'")
    assert noted == steps  # nothing was done, or told, twice
    assert _ask(database, "SELECT COUNT(*) FROM dsar_requestpackage") == [(1,)]
    assert _ask(database, "SELECT COUNT(*) FROM dsar_fieldoutcome WHERE outcome = 'failed'") == [(0,)]
    erased = _ask(database, "SELECT COUNT(*) FROM governance_ledgerentry WHERE type = 'subject.erased'")
    assert erased == [(1,)]
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as store:
        assert store.execute("SELECT email, name FROM customer ORDER BY id").fetchall() == [
            (None, None),
            ("bob.canary@example.org", "Bob"),
        ]
