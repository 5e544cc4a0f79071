"""What the README and the operating guide tell people to type works as written, on a demonstration of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from django.core.management import get_commands

from tests.flows.browser import Browser
from tests.flows.installation import PROJECT, Installation
from tests.flows.service import Service

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [README, *((PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("operating.md",))]


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def demonstration(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, f"sqlite:///{tmp_path}/governance.sqlite3", is_copied=False)
    made.environment["GOVERNANCE_VAR_DIR"] = str(tmp_path / "var")
    made.manage("seed_demo", "--people", "60")
    try:
        yield made
    finally:
        made.stop()


def test_the_first_integration_does_what_it_says(demonstration: Installation) -> None:
    address = demonstration.web()
    demonstration.environment["GOVERNANCE_PUBLIC_URL"] = address
    said = demonstration.manage("welcome")
    key = re.search(r"cxg_[0-9a-f]{16}_[\w-]{43}", said)
    link = re.search(r"http://\S+/accounts/link/\S+", said)
    assert key
    assert link
    (snippet,) = snippets("python")
    done = subprocess.run(  # the README's own lines
        [sys.executable, "-c", snippet],
        env={"PATH": os.environ["PATH"], "GOVERNANCE_URL": address, "GOVERNANCE_KEY": key[0]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["allow", "deny"], "")
    assert "Today" in Browser(address).get(link[0]).submit("Sign in").text
    connects_a_first_database(Service(address, key[0]), demonstration)


def connects_a_first_database(service: Service, installation: Installation) -> None:
    store = f"sqlite:///{installation.folder}/first.db"
    with sa.create_engine(store).begin() as connection:
        connection.execute(sa.text("CREATE TABLE buyer (id INTEGER PRIMARY KEY, email TEXT)"))
    described = """
dataset:
  - fides_key: first
    collections:
      - name: buyer
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
"""
    service.post("/v1/systems", {"key": "first", "name": "First", "url": store}, 201)
    service.post("/v1/datasets", {"system": "first", "yaml": described}, 201)


def test_every_command_that_is_named_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"manage\.py ([a-z_]+)", page)}
    assert named - set(get_commands()) == set()
    targets = {name for page in PAGES for name in re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)}
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_every_page_that_is_linked_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (PROJECT / link).exists()] == []
