"""The runner of the benchmarks: every figure is kept as promised, and a script that fails is not passed over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as runner
from benchmarks.figures import Figure, table

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"name", "value", "unit", "goal", "met", "compared_with", "n"}

HALF = Figure("check", 0.5, "share", ">= 0.5", met=True, compared_with="a bare view", n=1000)
UNMEASURED = Figure("replica", None, "ms", "< 5", met=None, compared_with="", n=0, reason="needs PostgreSQL")

SCRIPT = """
from benchmarks.figures import Figure

def run():
    return [Figure("made up", 2.0, "x", "<= 3", met=True, compared_with="nothing", n=1)]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the runner a folder of scripts of its own, beside a copy of its own code."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("__init__.py", "__main__.py", "figures.py"):
        (folder / name).write_text((runner.FOLDER / name).read_text())
    monkeypatch.setattr(runner, "FOLDER", folder)
    monkeypatch.setattr(runner, "RESULTS", folder / "results.json")
    return folder


def test_an_entry_has_the_promised_keys_and_a_reason_only_when_not_measured() -> None:
    assert HALF.entry().keys() == KEYS
    assert UNMEASURED.entry().keys() == KEYS | {"reason"}
    assert UNMEASURED.entry()["met"] is None


def test_a_figure_without_a_verdict_must_say_why() -> None:
    with pytest.raises(ValueError, match="says why"):
        Figure("replica", None, "ms", "< 5", met=None, compared_with="", n=0)


def test_the_table_shows_every_figure_and_every_reason() -> None:
    shown = table([HALF, UNMEASURED, Figure("batch", 12345.6, "items/s", "> 1", met=False, compared_with="", n=3)])
    assert "0.5" in shown
    assert "12,346" in shown
    assert "NOT MET" in shown
    assert shown.endswith("replica: needs PostgreSQL")


def test_scripts_are_found_run_and_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bench_made_up.py").write_text(SCRIPT)

    assert runner.main([]) == 0

    assert "made up" in capsys.readouterr().out
    (entry,) = json.loads((folder / "results.json").read_text())
    assert entry == {
        "name": "made up", "value": 2.0, "unit": "x", "goal": "<= 3", "met": True, "compared_with": "nothing", "n": 1,
    }  # fmt: skip


def test_a_script_that_fails_fails_the_run_and_spares_the_others(folder: Path) -> None:
    (folder / "bench_broken.py").write_text("raise SystemExit('no such table')")
    (folder / "bench_made_up.py").write_text(SCRIPT)

    assert runner.main([]) == 1

    broken, fine = json.loads((folder / "results.json").read_text())
    assert (broken["name"], broken["met"]) == ("broken", None)
    assert "failed" in broken["reason"]
    assert fine["met"] is True


def test_some_of_them_leave_the_results_alone(folder: Path) -> None:
    (folder / "bench_made_up.py").write_text(SCRIPT)
    assert runner.main(["made_up"]) == 0
    assert not (folder / "results.json").exists()


def test_an_unknown_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main([folder.name])
    assert "there is no benchmark named benchmarks" in capsys.readouterr().err
