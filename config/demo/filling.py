"""Fills the files of the made-up systems: a large company's beside the service's own tables, in a second process."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from config.demo import crm, helpdesk, mailing, stores
from config.demo.people import person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from config.demo.people import Person

STORES: Final = (crm.STORE, helpdesk.STORE, mailing.STORE)
CHUNK: Final = 500
#: From here on a second process is worth its start.
LARGE: Final = 5000


@contextmanager
def filled(
    folder: Path, seed: int, people: int, today: date, progress: Callable[[str, int, int], None]
) -> Iterator[None]:
    """Have the files filled once the block is left; what the block does meanwhile must not need them.

    Raises OtherSeed.
    """
    if people < LARGE:
        fill(folder, seed, people, today, progress)
        yield
        return
    for store in STORES:  # before anybody else is told of these people
        stores.require_seed(path_of(folder, store), seed)
    # A fresh interpreter: a copy of this one would share its connections to the database.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        done = beside.submit(fill, folder, seed, people, today)
        yield
        done.result()
        progress("The connected systems", people, people)


def fill(
    folder: Path, seed: int, people: int, today: date, progress: Callable[[str, int, int], None] | None = None
) -> None:
    """Add to each file whoever it does not know yet."""
    for store in STORES:
        path = path_of(folder, store)
        for several in chunks(seed, stores.size(path) + 1, people):
            stores.grow(store, path, seed, today, several)
            if progress is not None:
                progress(store.name, several[-1].number, people)


def chunks(seed: int, first: int, last: int, size: int = CHUNK) -> Iterator[list[Person]]:
    """Give people in portions."""
    for start in range(first, last + 1, size):
        yield [person(seed, number) for number in range(start, min(start + size, last + 1))]


def path_of(folder: Path, store: stores.Store) -> Path:
    """Say where a system's file is."""
    return folder / f"{store.dataset}.sqlite3"
