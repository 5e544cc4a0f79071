"""A real browser, and a town to look at: the service in processes of its own, reached by HTTP.

Both end with the file that asked for them: left standing, they would slow down every later test.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium as driver
from tests.browser.town import Town
from tests.flows.installation import Installation

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


def missing(what: str) -> None:
    """Skip, or fail where everything is said to be there."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but it {what}")
    pytest.skip(what)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driver.Chromium]:
    path = driver.binary()
    if path is None:
        missing("needs a browser: apt-get install chromium, or set CHROMIUM_PATH")
    browser = driver.Chromium(str(path), tmp_path_factory.mktemp("chromium") / "profile")
    yield browser
    browser.stop()


@pytest.fixture(scope="session")
def axe() -> str:
    """Answer the text of axe-core, which is fetched where it is used and never kept with the project."""
    path = Path(os.environ.get("AXE_PATH", ""))
    if not path.is_file():
        missing("needs axe-core: npm install --prefix /tmp/axe axe-core, then set AXE_PATH to its axe.min.js")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installation(chromium: driver.Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Answer an installation; asked for after the browser, so that nothing is started in vain."""
    if os.environ.get("DATABASE_URL", "").startswith("postgresql"):
        pytest.skip("the pages are looked at in make test")
    folder = tmp_path_factory.mktemp("town")
    made = Installation(folder, f"sqlite:///{folder}/governance.sqlite3")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def town(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Answer a town with a shop, purposes and people."""
    made = Town(installation)
    made.settle(tmp_path_factory.mktemp("shop"))
    return made
