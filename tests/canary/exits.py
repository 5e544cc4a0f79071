"""The exits: every place where something leaves or stays, how it is read whole, and how a leak is planted there."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.superuser import database_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Where a work e-mail may stand: it is the name with which staff sign in.
_SIGN_IN_NAMES = {"governance_staffuser": "email", "account_emailaddress": "email"}
_PLANTED = "planted_by_the_canary_test"


@dataclass(frozen=True)
class Exit:
    """One exit. `allowed` names the canaries that may be there."""

    name: str
    read: Callable[[], bytes]
    plant: Callable[[str], object]
    allowed: tuple[str, ...] = ()


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def rows() -> bytes:
    """Every value of every table as the driver gives it, without the column in which sign-in names stand."""
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # a name from the database
            kept = [n for n, column in enumerate(cursor.description) if column[0] != _SIGN_IN_NAMES.get(table)]
            found += [table.encode(), *(_as_bytes(row[n]) for row in cursor.fetchall() for n in kept)]
    return b"\n".join(found)


def empty_tables() -> set[str]:
    """Which tables the story wrote nothing into: what is searched there proves nothing."""
    with connection.cursor() as cursor:
        found = set()
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")
            found |= set() if cursor.fetchone() else {table}
    return found


def stored() -> bytes:
    """What lies on the disk: SQLite's file with what is in its log yet, or what PostgreSQL dumps of the database."""
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))
    program = shutil.which("pg_dump")
    assert program, "pg_dump comes with PostgreSQL's client programs"
    return subprocess.run([program, "--inserts", database_url()], capture_output=True, check=True).stdout


def backup(file: Path) -> bytes:
    """What lies in a copy; PostgreSQL's is compressed, and read as whoever restores it would."""
    if connection.vendor == "sqlite":
        return file.read_bytes()
    program = shutil.which("pg_restore")
    assert program, "pg_restore comes with PostgreSQL's client programs"
    return subprocess.run([program, "--file=-", str(file)], capture_output=True, check=True).stdout


def plant_row(leak: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_PLANTED} (said text)")
        cursor.execute(f"INSERT INTO {_PLANTED} VALUES (%s)", [leak])  # our own name


def uproot_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_PLANTED}")


def dumped() -> bytes:
    """What `dumpdata` writes of every model."""
    told = StringIO()
    call_command("dumpdata", all=True, exclude=["governance.staffuser"], stdout=told)
    return told.getvalue().encode()


def plant_session(leak: str) -> None:
    Session.objects.create(session_key="planted", session_data=leak, expire_date=timezone.now())


def cached() -> bytes:
    """Every key and every value of the cache, as it keeps them: pickled."""
    kept = cache._cache  # type: ignore[attr-defined]  # noqa: SLF001  # Django offers no other way to read it whole
    return b"\n".join(key.encode() + b" " + bytes(value) for key, value in kept.items())


def plant_in_cache(leak: str) -> None:
    cache.set("planted", pickle.dumps({"said": leak}))


def folder(path: Path) -> bytes:
    """Every file below a folder with its name, or one file."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return b"\n".join(each.name.encode() + b" " + each.read_bytes() for each in files)


def of_files(name: str, path: Path, *allowed: str) -> Exit:
    """Make the exit of files: what is planted is one more line of one of them."""

    def plant(leak: str) -> None:
        with (path if path.is_file() else path / "planted").open("ab") as file:
            file.write(leak.encode())

    return Exit(name, lambda: folder(path), plant, allowed)


@contextmanager
def unplanted() -> Iterator[None]:
    """Take out of the database what was planted, whatever happens."""
    try:
        yield
    finally:
        with suppress(Exception):
            uproot_row()
        Session.objects.filter(session_key="planted").delete()
