"""What every test shares: real servers where given, and a last word on what was not run; no domain fixtures."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


class Server(NamedTuple):
    """A server some tests need: the fixture that names it, the variable that says where it is, an example."""

    fixture: str
    variable: str
    example: str


SERVERS = {
    "postgres": Server("postgres_url", "TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "redis": Server("redis_url", "TEST_REDIS_URL", "redis://127.0.0.1:6379/15"),
    "mariadb": Server("mariadb_url", "TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test"),
}

# Two cores shared with other work make timing an unfair reason to fail.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """Answer where PostgreSQL is: a server on which a test may make and drop databases of its own."""
    return _url("postgres")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Answer where Redis is."""
    return _url("redis")


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """Answer where MariaDB or MySQL is."""
    return _url("mariadb")


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


def _url(name: str) -> str:
    server = SERVERS[name]
    if not (url := os.environ.get(server.variable)):
        pytest.skip(f"needs {name}: set {server.variable}, for example to {server.example}")
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a server, so that none is forgotten."""
    fixtures = {server.fixture for server in SERVERS.values()}
    for item in items:
        if fixtures.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("service")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip for want of a server into a failure where REQUIRE_SERVICES=1 says that all are there."""
    report = yield
    if report.skipped and item.get_closest_marker("service") and os.environ.get("REQUIRE_SERVICES") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_SERVICES=1, but {call.excinfo.value if call.excinfo else 'it was skipped'}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last what was skipped, and how to have it run."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.getreports("skipped")
    )
    if not reasons:
        return
    terminalreporter.section("not run, and how to enable it")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4d}  {reason}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the scratch folder of the settings: it holds key files, if only throw-away ones."""
    folder = Path(os.environ.get("GOVERNANCE_TEST_DIR", ""))
    is_ours = folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith("governance-test-")
    if is_ours and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)
