"""A skip is never silent: it is named last with its remedy, and is a failure where the servers are said to be there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = """
import pytest

def test_asks(postgres_url):
    assert postgres_url.startswith("postgresql:")

def test_passes():
    pass

@pytest.mark.skip(reason="set CHINOOK_DIR to the folder of the public database")
def test_data():
    pass
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    shutil.copy(Path(__file__).with_name("skips.py"), tmp_path / "conftest.py")
    (tmp_path / "test_sample.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = service: needs a server\n")

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        outside = {
            key: value for key, value in os.environ.items() if not key.startswith(("TEST_", "PYTEST_", "REQUIRE_"))
        }
        command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=outside | variables, capture_output=True, text=True, check=False, timeout=60
        )

    return run


@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_was_skipped_is_said_last_with_the_remedy(
    run: Callable[..., subprocess.CompletedProcess[str]], workers: str
) -> None:
    done = run("-n", workers)

    assert done.returncode == 0
    *_, heading, server, data, closing = filter(None, done.stdout.splitlines())
    assert "not run, and how to enable it" in heading
    assert data.endswith("1  set CHINOOK_DIR to the folder of the public database")
    assert "1  needs postgres: set TEST_POSTGRES_URL" in server
    assert "1 passed, 2 skipped" in closing


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_missing_server_fails_where_it_is_required(
    run: Callable[..., subprocess.CompletedProcess[str]], workers: str
) -> None:
    done = run("-n", workers, REQUIRE_SERVICES="1")

    assert done.returncode == 1
    assert "REQUIRE_SERVICES=1, but" in done.stdout
    assert done.stdout.index("short test summary") < done.stdout.index("not run, and how to enable it")
    assert "1 passed, 1 skipped, 1 error" in done.stdout


def test_a_given_server_is_used(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run(REQUIRE_SERVICES="1", TEST_POSTGRES_URL="postgresql://somewhere/else")
    assert "2 passed, 1 skipped" in done.stdout
