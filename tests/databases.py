"""Makes and drops real databases, for the service and the connector, and takes dumps to compare; it asserts nothing."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from psycopg import sql
from pymysql.constants import CLIENT
from sqlalchemy.engine import make_url

from tests import migrated

if TYPE_CHECKING:
    from collections.abc import Iterator


def chinook_folder() -> Path:
    folder = os.environ.get("CHINOOK_DIR")
    if not folder:
        pytest.skip("needs the Chinook sample database: set CHINOOK_DIR to the folder of its SQL files")
    return Path(folder)


def server_of(request: pytest.FixtureRequest, engine: str) -> str:
    """Answer where the server of an engine is, or skip the test; a file needs none."""
    fixtures = {"postgresql": "postgres_url", "mysql": "mariadb_url"}
    if engine not in fixtures:
        return ""
    request.node.add_marker("service")
    return str(request.getfixturevalue(fixtures[engine]))


def sqlite_file(path: Path, script: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return f"sqlite:///{path}"


@contextmanager
def postgresql_database(server: str, script: str = "") -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        mine = url.set(database=name).render_as_string(hide_password=False)
        try:
            if script:
                with psycopg.connect(mine, autocommit=True) as own:
                    own.execute(script)
            yield mine
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def mariadb_database(server: str, script: str) -> Iterator[str]:
    name = f"connector_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="mysql+pymysql", database=name)
    with closing(mariadb_connection(server)) as connection:
        run_on_mariadb(connection, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            with closing(mariadb_connection(url.render_as_string(hide_password=False))) as own:
                run_on_mariadb(own, script)
            yield url.render_as_string(hide_password=False)
        finally:
            run_on_mariadb(connection, f"DROP DATABASE {name}")


def mariadb_connection(url: str) -> pymysql.Connection:
    made = make_url(url)
    return pymysql.connect(
        host=made.host,
        port=made.port or 3306,
        user=made.username,
        password=made.password or "",
        database=made.database,
        client_flag=CLIENT.MULTI_STATEMENTS,
        autocommit=True,
    )


def run_on_mariadb(connection: pymysql.Connection, script: str) -> list[tuple[object, ...]]:
    """Run statements, and answer the rows of the last."""
    with connection.cursor() as cursor:
        cursor.execute(script)
        rows = list(cursor.fetchall())
        while cursor.nextset():
            rows = list(cursor.fetchall())
    return rows


@contextmanager
def database(engine: str, server: str, folder: Path, script: str) -> Iterator[str]:
    """Make a database of any kind; `server` says where, unless it is a file in `folder`."""
    if engine == "sqlite":
        yield sqlite_file(folder / f"{secrets.token_hex(6)}.db", script)
    else:
        with (postgresql_database if engine == "postgresql" else mariadb_database)(server, script) as url:
            yield url


@contextmanager
def service_database(request: pytest.FixtureRequest, engine: str, folder: Path) -> Iterator[str]:
    """Lend a migrated database of its own to processes; it goes with the tests' key file."""
    if engine == "sqlite":
        url = f"sqlite:///{folder / 'service.sqlite3'}"
        migrated.bring(url)
        yield url
    else:
        with postgresql_database(server_of(request, engine)) as url:
            migrated.bring(url)
            yield url


def run(url: str, statement: str) -> None:
    """Change a database behind the connector's back."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def without_database_commands(script: str) -> str:
    unwanted = ("DROP DATABASE", "CREATE DATABASE", "USE ", "\\c")
    return "\n".join(line for line in script.splitlines() if not line.startswith(unwanted))


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as the driver gives it."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        if engine.dialect.name == "sqlite":  # typed reading would hide a change of spelling
            quote = engine.dialect.identifier_preparer.quote_identifier
            return {
                name: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {quote(name)} ORDER BY rowid")]
                for name in metadata.tables
            }
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
            for name, table in metadata.tables.items()
        }
