"""Choices at the same moment, on real connections: one person, one projection, one event a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.databases import service_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.flow
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with service_database(request, request.param, tmp_path) as url:
        yield url


def test_choices_at_the_same_moment(database: str) -> None:
    done = subprocess.run(  # our own interpreter and file
        [sys.executable, "-c", "import django; django.setup(); from tests.consent import race; race.main()"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": database, "PYTHONPATH": str(PROJECT)},
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
