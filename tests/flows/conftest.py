"""Installations for the journeys, on SQLite and on PostgreSQL; every process a journey starts is ended."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.installation import Installation
from tests.governance.systems.databases import postgresql_database

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(params=ENGINES)
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Answer an installation whose own database is of the parametrised kind."""
    if request.param == "sqlite":
        if os.environ.get("DATABASE_URL", "").startswith("postgresql"):
            pytest.skip("the SQLite journey belongs to make test")
        made = Installation(tmp_path, f"sqlite:///{tmp_path}/governance.sqlite3")
        try:
            yield made
        finally:
            made.stop()
        return
    with postgresql_database(request.getfixturevalue("postgres_url"), "SELECT 1") as url:
        made = Installation(tmp_path, url)
        try:
            yield made
        finally:
            made.stop()
