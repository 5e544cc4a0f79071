"""One migrated database of each engine, made once by a process of pytest and copied; there is nobody in it.

To migrate takes a process five seconds, and some thirty tests start processes on a database of their own. The copies
go with the tests' key file: the keys that migrations make are wrapped under its root.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

PROJECT = Path(__file__).resolve().parent.parent
_made: list[tuple[str, str]] = []


def key_file() -> Path:
    """Answer the key file under which the copies open."""
    return Path(os.environ["GOVERNANCE_TEST_DIR"]) / "keyring"


def bring(url: str) -> None:
    """Fill an empty database of the service: a file that is not there yet, or a database without tables."""
    if url.startswith("sqlite"):
        shutil.copyfile(_file(), url.removeprefix("sqlite:///"))
        return
    address = make_url(url).set(drivername="postgresql")
    server = address.set(database="postgres").render_as_string(hide_password=False)
    _create(server, str(address.database), _template(server))


def forget() -> None:
    """Drop what was made on servers; the file lies in the scratch folder of the settings and goes with it."""
    while _made:
        server, name = _made.pop()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@functools.cache
def _file() -> Path:
    path = key_file().with_name(f"migrated-{os.getpid()}.sqlite3")
    _migrate(f"sqlite:///{path}")
    return path


@functools.cache
def _template(server: str) -> str:
    name = f"test_migrated_{secrets.token_hex(6)}"
    _create(server, name, "template1")
    _made.append((server, name))
    _migrate(make_url(server).set(database=name).render_as_string(hide_password=False))
    return name


def _create(server: str, name: str, template: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(statement)


def _migrate(url: str) -> None:
    # With the tables of the apps that only tests have: they have no migrations.
    subprocess.run(  # our own interpreter and file
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0", "--run-syncdb"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings_test"},
        check=True,
    )
