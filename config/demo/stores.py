"""The files that the made-up systems live in: each grows with the number of people; it knows none of their tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from config.demo.people import Person

    #: Rows, by the table they go into.
    Rows = Mapping[str, Iterable[Sequence[object]]]


class OtherSeed(Exception):
    """The files were made with another seed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Store:
    """One made-up system: its tables, what stands in them from the start, and the rows of some people."""

    key: str
    name: str
    dataset: str
    schema: str
    start: Callable[[date], Rows]
    rows: Callable[[int, date, Sequence[Person]], Rows]


def size(path: Path) -> int:
    """Tell how many people a file knows."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def require_seed(path: Path, seed: int) -> None:
    """Raise OtherSeed for a file that was made with another one."""
    if size(path):
        with closing(sqlite3.connect(path)) as connection:
            _require_seed(connection, seed)


def grow(store: Store, path: Path, seed: int, today: date, people: Sequence[Person]) -> None:
    """Add these people, who follow those that are there; what was there, and what was changed in it, stays.

    Raises OtherSeed.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # it can be made again
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            connection.executescript(store.schema)
            connection.execute(f"PRAGMA application_id={int(seed)}")
            _insert(connection, store.start(today), None)
        _require_seed(connection, seed)
        _insert(connection, store.rows(seed, today, people), people[-1].number)


def _require_seed(connection: sqlite3.Connection, seed: int) -> None:
    made_with = connection.execute("PRAGMA application_id").fetchone()[0]
    if made_with != seed:
        message = f"These people were made with --seed {made_with}; name it, or start with an empty var/ folder"
        raise OtherSeed(message)


def _insert(connection: sqlite3.Connection, rows: Rows, people: int | None) -> None:
    connection.execute("BEGIN")
    for table, values in rows.items():
        batch = list(values)
        if batch:
            places = ", ".join("?" * len(batch[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", batch)  # noqa: S608  # our own names
    if people is not None:
        # In the same transaction: a file is never half a step ahead of its number.
        connection.execute(f"PRAGMA user_version={int(people)}")
    connection.execute("COMMIT")
