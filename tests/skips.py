"""Real servers for the tests that need them, and a last word on what was not run; loads no Django."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    "softhsm": Server("pkcs11_module", "TEST_PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so"),
}


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


@pytest.fixture(scope="session")
def pkcs11_module() -> str:
    """Answer where SoftHSM's library is: where Debian's softhsm2 puts it, unless it is said to be elsewhere."""
    usual = SERVERS["softhsm"].example
    # The library comes without the tool that makes tokens as well: it is a package of its own.
    if "TEST_PKCS11_MODULE" not in os.environ and Path(usual).exists() and shutil.which("softhsm2-util"):
        return usual
    return _url("softhsm")


def _url(name: str) -> str:
    server = SERVERS[name]
    if not (url := os.environ.get(server.variable)):
        pytest.skip(f"needs {name}: set {server.variable}, for example to {server.example}")
    return url


_LONG = {"browser", "flows"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test that asks for a server, so that none is forgotten; put the long ones first, lest one waits last.

    See uses_database() for those that are left to the other gate.
    """
    fixtures = {server.fixture for server in SERVERS.values()}
    for item in items:
        if fixtures.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("service")
    items.sort(key=lambda item: not (item.get_closest_marker("flow") or item.path.parent.name in _LONG))
    if os.environ.get("DATABASE_URL", "").startswith("postgresql"):
        kept = [item for item in items if uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if not uses_database(item)])
        items[:] = kept


def uses_database(item: pytest.Item) -> bool:
    """Whether a test uses the service's own test database, the one thing that `make test-postgres` exchanges.

    Every other test has just run in `make test`: pure ones, and those that make databases of their own on each engine.
    """
    asked = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}
    return bool(item.get_closest_marker("django_db") or asked.intersection(getattr(item, "fixturenames", ())))


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say last, after every other summary, what was skipped, and how to have it run."""
    yield
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.getreports("skipped")
    )
    if not reasons:
        return
    terminalreporter.section("not run, and how to enable it")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4d}  {reason}")
