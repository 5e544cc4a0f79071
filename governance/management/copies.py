"""Whole copies of the database, as SQLite and PostgreSQL themselves make and restore them; never of the key file.

Passwords go to PostgreSQL's programs in the environment: what stands in an argument every account can list.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQLITE_HEADER = b"SQLite format 3\x00"
_ARCHIVE_HEADER = b"PGDMP"


def copy_to(file: Path) -> None:
    """Write a copy of the database as of one moment to a new file that only its owner reads; the service may go on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    if connection.vendor == "sqlite":
        _copy_sqlite(_sqlite_path(), file)
    else:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}"])


def restore_from(file: Path) -> None:
    """Put a copy in the place of the database. On PostgreSQL in one transaction: it is the copy, or as it was."""
    with file.open("rb") as copy:
        header = copy.read(len(_SQLITE_HEADER))
    expected = _SQLITE_HEADER if connection.vendor == "sqlite" else _ARCHIVE_HEADER
    if not header.startswith(expected):
        message = f"{file} is not a copy of a {connection.vendor} database that `backup` made."
        raise CommandError(message)
    connection.close()
    if connection.vendor == "sqlite":
        _require_whole(file)
        _copy_sqlite(file, _sqlite_path())
    else:
        _restore_postgresql(file)


def _sqlite_path() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _copy_sqlite(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as come, closing(sqlite3.connect(target, timeout=20)) as go:
        come.backup(go)


def _require_whole(file: Path) -> None:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        try:
            (answer,) = copy.execute("PRAGMA quick_check").fetchone()
        except sqlite3.DatabaseError as damaged:
            message = f"{file} is damaged: {damaged}"
            raise CommandError(message) from damaged
    if answer != "ok":
        message = f"{file} is damaged: {answer}"
        raise CommandError(message)


def _restore_postgresql(file: Path) -> None:
    script = file.with_name(f"{file.name}.sql")
    script.unlink(missing_ok=True)  # left by a restore that was killed
    descriptor = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as text:
            # Everything in the schema goes first, or tables that are newer than the copy would stay behind.
            text.write(b"DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
            text.flush()
            _run(["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)], stdout=text)
        _run(["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={script}"])
    finally:
        script.unlink()


def _run(command: Sequence[str], stdout: Any = subprocess.DEVNULL) -> None:
    program = shutil.which(command[0])
    if program is None:
        message = f"{command[0]} is not installed; it comes with PostgreSQL's client programs."
        raise CommandError(message)
    done = subprocess.run(  # noqa: S603  # programs of PostgreSQL, arguments of ours
        [program, *command[1:]], env=_environment(), stdout=stdout, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        message = f"{command[0]} answered {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
        raise CommandError(message)


def _environment() -> dict[str, str]:
    found = connection.settings_dict
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {variable: str(found[name]) for variable, name in named.items() if found.get(name)}
    options = {f"PG{key.upper()}": str(value) for key, value in found["OPTIONS"].items() if key.startswith("ssl")}
    return {**os.environ, **given, **options}
