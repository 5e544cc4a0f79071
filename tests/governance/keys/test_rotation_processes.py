"""Rotation by real processes: killed with signal 9, shared by two, read by a third; and one person made by many."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.databases import service_database
from tests.governance.keys.rotating import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.flow
PROJECT = Path(__file__).resolve().parents[3]
LEFT = """
    SELECT count(*) FROM governance_datakey k JOIN governance_controllerkey c ON c.key_id = k.controller_key_id
    WHERE c.epoch = 1
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with service_database(request, request.param, tmp_path_factory.mktemp("rotation")) as url:
        _finish(_start(url, "prepare"))
        yield url


def _start(database: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "PYTHONPATH": str(PROJECT),
    }
    command = [sys.executable, str(PROJECT / "tests" / "governance" / "keys" / "rotating.py"), *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _finish(process: subprocess.Popen[str]) -> str:
    said, failed = process.communicate(timeout=120)
    assert process.returncode == 0, failed[-3000:]
    return said.strip()


def _ask(database: str, statement: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(database.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def _left(database: str) -> int:
    return int(str(_ask(database, LEFT)[0][0]))


def _epochs(database: str) -> list[tuple[object, ...]]:
    return _ask(database, "SELECT epoch, state FROM governance_controllerkey ORDER BY epoch")


def test_a_killed_rotation_is_gone_on_with_by_two_while_a_third_reads(database: str) -> None:
    killed = 0
    while killed < 2:
        process = _start(database, "rotate", "10")
        before = _left(database)
        ends = time.monotonic() + 60
        while _left(database) == before and process.poll() is None and time.monotonic() < ends:
            pass  # until it is in the middle of its batches
        process.kill()
        process.communicate()
        killed += 1
        left = _left(database)
        assert 0 < left < PEOPLE
        assert left % 10 == 0  # a batch is done or not begun
    reader = _start(database, "read", "6")
    workers = [_start(database, "rotate", "50") for _ in range(2)]
    for worker in workers:
        _finish(worker)
    assert int(_finish(reader)) >= 1
    assert _left(database) == 0
    assert _epochs(database) == [(1, "destroyed"), (2, "active")]
    counted = _ask(database, "SELECT count(*) FROM governance_ledgerentry WHERE type = 'key.destroyed'")
    assert counted == [(1,)]


def test_one_person_made_by_many_processes_has_one_key(database: str) -> None:
    keys = "SELECT count(*) FROM governance_datakey WHERE state = 'active'"
    created = "SELECT count(*) FROM governance_ledgerentry WHERE type = 'key.created'"
    before = [int(str(_ask(database, each)[0][0])) for each in (keys, created)]
    moment = str(time.time() + 8)
    said = [_finish(each) for each in [_start(database, "mint", moment) for _ in range(4)]]
    assert len(set(said)) == 1
    assert len(said[0].split(",")) == 20
    after = [int(str(_ask(database, each)[0][0])) for each in (keys, created)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [20, 20]
