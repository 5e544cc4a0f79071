"""Installations for the journeys, on SQLite and on PostgreSQL; every process a journey starts is ended.

A journey brings its own databases, so `make test` drives all of them and `make test-postgres` none.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import postgresql_database
from tests.flows.installation import Installation
from tests.services.lending import redis_database

if os.environ.get("DATABASE_URL", "").startswith("postgresql"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def sqlite_installation(tmp_path: Path) -> Iterator[Installation]:
    """Answer an installation that needs no server."""
    with closing(Installation(tmp_path, f"sqlite:///{tmp_path}/governance.sqlite3")) as made:
        yield made


@pytest.fixture
def postgresql_installation(postgres_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Answer an installation on PostgreSQL, whose broker is still the file system."""
    with postgresql_database(postgres_url) as url, closing(Installation(tmp_path, url)) as made:
        yield made


@pytest.fixture
def redis_installation(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Answer an installation on PostgreSQL, with Redis as broker and cache."""
    with (
        redis_database(redis_url) as lent,
        postgresql_database(postgres_url) as url,
        closing(Installation(tmp_path, url, redis_url=lent)) as made,
    ):
        yield made
