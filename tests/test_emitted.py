"""The end of a full run fails for a type that no test emitted; with workers, without, and never for a partial run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
CONFTEST = """
import tests.emitted as emitted
from tests.emitted import pytest_sessionfinish, pytest_testnodedown

emitted.vocabulary = lambda: {"a.done", "b.done"}
"""
TESTS = {
    "test_a.py": "import tests.emitted as e\n\ndef test_a():\n    e.seen.add('a.done')\n",
    "test_b.py": "import tests.emitted as e\n\ndef test_b():\n    {line}\n",
}
INI = "[pytest]\ntestpaths = .\naddopts = -p no:django -p no:cacheprovider\n"


def run(folder: Path, *arguments: str, emits_b: bool) -> tuple[int, str]:
    line = "e.seen.add('b.done')" if emits_b else "assert e"
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI)
    for name, text in TESTS.items():
        (folder / name).write_text(text.format(line=line))
    done = subprocess.run(  # our own interpreter
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "workers"])
def test_a_full_run_fails_for_a_type_that_no_test_emits(tmp_path: Path, workers: tuple[str, ...]) -> None:
    assert run(tmp_path, *workers, emits_b=True)[0] == 0
    status, told = run(tmp_path, *workers, emits_b=False)
    assert (status, "b.done" in told, "a.done" in told) == (1, True, False)


@pytest.mark.parametrize("chosen", [("test_b.py",), ("-k", "test_"), ("--deselect", "test_a.py::test_a")])
def test_a_partial_run_judges_nothing(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    status, told = run(tmp_path, *chosen, emits_b=False)
    assert (status, "b.done" in told) == (0, False)
