"""A database on PostgreSQL for one measurement, gone afterwards; it measures nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def made(server: str) -> Iterator[str]:
    """Make a database for this run and drop it afterwards."""
    import psycopg  # noqa: PLC0415  # only where PostgreSQL is measured

    name = f"governance_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
