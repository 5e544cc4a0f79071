"""Makes and drops real databases for the connector's tests, and takes dumps to compare; it asserts nothing."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator


def chinook_folder() -> Path:
    folder = os.environ.get("CHINOOK_DIR")
    if not folder:
        pytest.skip("needs the Chinook sample database: set CHINOOK_DIR to the folder of its SQL files")
    return Path(folder)


def sqlite_file(path: Path, script: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return f"sqlite:///{path}"


@contextmanager
def postgresql_database(server: str, script: str) -> Iterator[str]:
    name = f"connector_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        mine = url.set(database=name).render_as_string(hide_password=False)
        try:
            with psycopg.connect(mine, autocommit=True) as own:
                own.execute(script)
            yield mine
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def without_database_commands(script: str) -> str:
    lines = (line for line in script.splitlines() if not line.startswith(("DROP DATABASE", "CREATE DATABASE", "\\c")))
    return "\n".join(lines)


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
