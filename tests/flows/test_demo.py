"""The first ten minutes of somebody who has just typed `make run`: the checklist is followed by its own links."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.browser import Browser
from tests.flows.installation import Installation

pytestmark = pytest.mark.flow
ADA = "ada.marlow@example.org"
PATIENCE = 90


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, f"sqlite:///{tmp_path}/governance.sqlite3")
    made.environment["GOVERNANCE_VAR_DIR"] = str(tmp_path / "var")
    try:
        yield made
    finally:
        made.stop()


def until(page: Browser, path: str, words: str) -> Browser:
    """Look at a page again and again until it says these words."""
    deadline = time.monotonic() + PATIENCE
    while words not in page.get(path).text:
        assert time.monotonic() < deadline, (words, page.text)
        time.sleep(0.5)
    return page


def code(officer: Browser) -> str:
    officer.get("/console/").follow("Verify the address")
    found = re.search(r"\b(\d{6})\b", officer.text.split(f"To {ADA}")[1])
    assert found
    return found[1]


def ticked(officer: Browser) -> int:
    text = officer.get("/console/").text
    return len(re.findall(r"[1-5]\. [^.]*? done ", text))


def started(installation: Installation) -> tuple[str, Browser]:
    """Do what `make run` does, and sign in with the link that it prints."""
    assert "60 people" in installation.manage("seed_demo", "--people", "60")
    address = installation.web()
    installation.environment["GOVERNANCE_PUBLIC_URL"] = address
    installation.worker()
    installation.scheduler()
    link = re.search(r"http://\S+/accounts/link/\S+", installation.manage("welcome"))
    assert link
    return address, Browser(address).get(link[0]).submit("Sign in")


def test_the_checklist_leads_from_a_request_to_its_copy(installation: Installation) -> None:
    address, officer = started(installation)
    customer = Browser(address)
    assert ticked(officer) == 0

    way_in = next(href for href, text in officer.page.links if "Submit a request" in text)
    customer.get(way_in).follow("Start").submit("Continue", ask="copy")
    customer.submit("Continue", email=ADA).submit("Send my request")
    assert ticked(officer) == 1
    customer.submit("Continue", code=code(officer))
    reference = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", customer.text)
    assert reference
    assert ticked(officer) == 2
    request = next(href for href, text in officer.page.links if "Review what was found" in text)
    until(officer, request, "Approve copy of").submit("Approve")
    assert ticked(officer) == 3
    until(officer, request, "Send the answer").submit("Send the answer")
    assert ticked(officer) == 4
    customer.get(next(href for href, text in officer.get("/console/").page.links if "Download the copy" in text))
    customer.submit("Continue", reference=reference[0], email=ADA).submit("Continue", code=code(officer))
    copy = customer.follow("Get your copy").submit("Download")
    assert copy.body[:2] == b"PK"
    assert ticked(officer) == 5

    # The two requests that were left under way have been carried on by the workers, the held one alone stands.
    until(officer, "/console/requests/?tab=waiting", "waiting for review")
    page = officer.get("/console/requests/?tab=open").text
    assert page.count("being carried out") == page.count("being carried out held") == 1, page
    assert "The ledger holds" in installation.manage("verify_audit")
    assert ADA not in installation.logs()
