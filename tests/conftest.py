"""What every test shares: servers, skips, a clean database, no leftovers; fixtures of one room live beside it."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests import migrated
from tests.emitted import (  # noqa: F401 -- as below
    _notice_events,
    pytest_sessionfinish,
    pytest_testnodedown,
)
from tests.skips import (  # noqa: F401 -- pytest finds fixtures and hooks by their names here
    mariadb_url,
    pkcs11_module,
    postgres_url,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    redis_url,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_django.fixtures import SettingsWrapper

# Two cores shared with other work make timing an unfair reason to fail.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def _flush_past_triggers() -> Generator[None]:
    """Let Django empty append-only tables between transactional tests; within every test their triggers stand.

    Django flushes at the end of a `transactional_db` test through this one method, on SQLite and on PostgreSQL. The
    triggers are lifted around that call only, so a test can never see a table without them.
    """
    from django.db.backends.base.operations import BaseDatabaseOperations

    from tests.superuser import lifted

    original = BaseDatabaseOperations.execute_sql_flush

    def flush(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with lifted(self.connection):
            original(self, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush)
        yield


_erasure_files = itertools.count()


@pytest.fixture(autouse=True)
def _own_erasure_file(settings: SettingsWrapper) -> None:
    """Give each test a file of erasures of its own: its database forgets them, and the file must not."""
    settings.GOVERNANCE_ERASURE_LEDGER += f"-{next(_erasure_files)}"


@pytest.fixture(autouse=True)
def _own_tally() -> None:
    """Drop the decisions that earlier tests left in this process: their controllers are gone with their databases."""
    from governance.access import decision_log

    decision_log._tally.take()  # noqa: SLF001


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop the database that was copied, and remove the settings' scratch folder: it holds throw-away key files."""
    try:
        migrated.forget()
    finally:
        _remove_scratch(config)


def _remove_scratch(config: pytest.Config) -> None:
    folder = Path(os.environ.get("GOVERNANCE_TEST_DIR", ""))
    is_scratch = folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith("governance-test-")
    if is_scratch and not hasattr(config, "workerinput"):  # a worker of pytest-xdist shares it with others
        shutil.rmtree(folder, ignore_errors=True)
