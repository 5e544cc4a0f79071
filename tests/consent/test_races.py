"""Choices at the same moment, on real connections: one person, one projection, one event a key."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]


@contextmanager
def _postgresql(server: str) -> Iterator[str]:
    name = f"consent_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'consent.sqlite3'}"
    else:
        with _postgresql(request.getfixturevalue("postgres_url")) as url:
            yield url


def test_choices_at_the_same_moment(database: str, tmp_path: Path) -> None:
    done = subprocess.run(  # our own interpreter and file
        [sys.executable, "-c", "import django; django.setup(); from tests.consent import race; race.main()"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": database, "PYTHONPATH": str(PROJECT), "GOVERNANCE_TEST_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    came = json.loads(done.stdout.splitlines()[-1])
    assert came["stranger"] == {"people": 1, "events": 6}
    assert came["person"] == {"events": 48, "told": 54, "agree": True}
    assert set(came["key"]["statuses"]) <= {201, 409}
    assert (came["key"]["ids"], came["key"]["events"]) == (1, 1)
