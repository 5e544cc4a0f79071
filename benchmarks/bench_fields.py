"""One sealed column through the ORM against a plain one, beside three existing packages in the same run.

Also beside it: a column of as many bytes without any cipher, which is the floor of what a sealed one can cost. On
SQLite, where no server takes part, the processor time of the thread counts; on PostgreSQL the clock does. Rounds are
interleaved and the figure is the median of their ratios.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.databases import made
from benchmarks.fields_work import FLOOR, PAGE, PEERS, ROWS
from benchmarks.figures import Figure

ROUNDS = 7
LOOK_UP_ROWS = 1_000_000
_GOALS = {"write": 2.3, "used": 2.5, "untouched": 1.35}
_WORDS = {"write": "bulk_create", "used": "read_and_use", "untouched": "read_untouched"}
_NO_SERVER = "set TEST_POSTGRES_URL to a server on which a database may be made"


def run() -> list[Figure]:
    """Answer multiples of a plain column: on SQLite the whole table, on PostgreSQL a page and a look-up."""
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(f"sqlite:///{folder}/bench.sqlite3", ROUNDS, 0)
    figures = [_column(found, "sealed", what, goal) for what, goal in _GOALS.items()]
    figures += [_column(found, peer, what, None) for peer in (FLOOR, *PEERS) for what in _GOALS]
    return figures + _on_postgresql()


def _measured(url: str, rounds: int, look_up_rows: int) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-W", "ignore", "-m", "benchmarks.fields_work", str(rounds), str(look_up_rows)],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings_test"},
        cwd=Path(__file__).resolve().parent.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _column(found: dict[str, Any], name: str, what: str, goal: float | None) -> Figure:
    measured = found.get(f"{name}.{what}")
    ratio = None if measured is None else round(measured, 2)
    reason = None if goal else "for comparison" if ratio else "not installed: make bench does"
    prefix = "fields" if name == "sealed" else f"fields.{name}"
    met = None if goal is None or ratio is None else ratio <= goal
    return Figure(
        f"{prefix}.{_WORDS[what]}", ratio, "x", f"<= {goal}" if goal else "none", met, "plain column", ROWS, reason
    )


def _on_postgresql() -> list[Figure]:
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        return [_figure("page_of_50", None, 2.0, PAGE), _figure("point_look_up", None, 1.3, LOOK_UP_ROWS)]
    with made(server) as url:
        found = _measured(url, 1, LOOK_UP_ROWS)
    few, many = found["page.queries"]
    constant = Figure("fields.page_queries", many, "queries", "same for 10 and 50 rows", few == many, "10 rows", PAGE)
    plain = found["look_up.plain"]
    return [
        _figure("page_of_50", found["page.ratio"], 2.0, PAGE),
        Figure(
            "fields.page_floor",
            round(found["page.floor"], 2),
            "x",
            "none",
            None,
            "plain column",
            PAGE,
            "for comparison: the bytes, one statement for the keys, and the bare ciphers of fifty people",
        ),
        constant,
        _figure("point_look_up", found["look_up.statement"] / plain, 1.3, LOOK_UP_ROWS),
        Figure(
            "fields.find",
            round(found["look_up.find"] / plain, 2),
            "x",
            "none",
            None,
            "plain index",
            LOOK_UP_ROWS,
            "vault.find asks once more whether an index was rotated meanwhile; decisions need one statement",
        ),
    ]


def _figure(name: str, ratio: float | None, goal: float, rows: int) -> Figure:
    value, met = (None, None) if ratio is None else (round(ratio, 2), ratio <= goal)
    return Figure(
        f"fields.{name}", value, "x", f"<= {goal}", met, "plain column and index", rows, None if ratio else _NO_SERVER
    )
