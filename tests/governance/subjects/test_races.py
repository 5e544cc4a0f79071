"""Erasing while other processes seal and register: nothing is sealed after the destruction, nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.databases import service_database
from tests.governance.subjects.race import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.flow
PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = PROJECT / "tests" / "governance" / "subjects" / "race.py"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with service_database(request, request.param, tmp_path) as url:
        yield url


def start(database: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "PYTHONPATH": str(PROJECT),
    }
    return subprocess.Popen(  # our own interpreter and file
        [sys.executable, str(SCRIPT), *arguments],
        cwd=PROJECT,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def answer(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


# On SQLite writers stand in one line for the file, so there is nothing to race for.
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nothing_is_sealed_after_the_destruction_and_nothing_is_left(database: str) -> None:
    people = answer(start(database, "prepare"))
    others = [start(database, what, *people) for what in ("attach", "attach", "write")]
    eraser = start(database, "erase", *people)
    assert answer(eraser) == [PEOPLE]
    turns = [answer(each) for each in others]
    assert all(any(each) for each in turns)  # they were in the middle of it, not behind
    came = answer(start(database, "judge", *people))
    assert came.pop("bodies") > 0
    nothing = {"indexes": 0, "identifiers": 0, "keys": 0, "sealed_later": 0}
    assert came == {"erased": PEOPLE, "certified": PEOPLE, **nothing}


def test_a_key_in_the_memory_of_another_process_opens_nothing_any_more(database: str) -> None:
    person, *_others = answer(start(database, "prepare"))
    reader = start(database, "read", person)
    assert reader.stdin is not None
    assert reader.stdout is not None
    for _time in range(2):
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "C-0\n"
    assert answer(start(database, "erase_now", person)) == "done"
    reader.stdin.write("again\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "erased\n"
    reader.communicate(timeout=30)
