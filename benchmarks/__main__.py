"""Runs the scripts of this folder, each in a process of its own, shows their figures and keeps them in results.json."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, table

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"


def scripts() -> list[str]:
    """Name every script there is, without its prefix."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def measure(name: str) -> list[Figure] | None:
    """Run one script in a fresh process, so that no cache or leak of another weighs on it; None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks", "--write-to", str(answer), name]
        if subprocess.run(command, cwd=FOLDER.parent, check=False).returncode:  # noqa: S603 -- our own script
            return None
        return [Figure(**entry) for entry in json.loads(answer.read_text(encoding="utf-8"))]


def failure(name: str) -> Figure:
    """Stand in for the figures of a script that failed, so that their absence shows."""
    reason = "the script failed; see its message above"
    return Figure(name, None, "", "runs to its end", met=None, compared_with="", n=0, reason=reason)


def write(path: Path, figures: list[Figure]) -> None:
    """Write the figures at once or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps([figure.entry() for figure in figures], indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is named, or everything; answers 1 when a script failed, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(scripts()) or 'none yet'}")
    parser.add_argument("--write-to", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(scripts()):
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")

    if chosen.write_to:
        (name,) = chosen.names
        write(chosen.write_to, importlib.import_module(f"benchmarks.bench_{name}").run())
        return 0

    measured = {name: measure(name) for name in chosen.names or scripts()}
    figures = [figure for name, found in measured.items() for figure in (found or [failure(name)])]
    print(table(figures))
    if chosen.names:
        print("Only some were run: results.json is left as it is.")
    else:
        write(RESULTS, figures)
        print(f"Written to {RESULTS.relative_to(FOLDER.parent)}.")
    return int(None in measured.values())


if __name__ == "__main__":
    sys.exit(main())
