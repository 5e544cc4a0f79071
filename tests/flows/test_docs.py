"""The guides work as written: every snippet and command of them runs against a demonstration of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from django.core.management import get_commands

from tests.flows.installation import PROJECT, Installation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = PROJECT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all guides, with few people in it: what one of them adds does not disturb the next."""
    folder = tmp_path_factory.mktemp("guides")
    made = Installation(folder, f"sqlite:///{folder}/governance.sqlite3")
    made.environment["GOVERNANCE_VAR_DIR"] = str(folder / "var")
    made.manage("seed_demo", "--people", "60")
    found = re.search(r"cxg_[0-9a-f]{16}_[\w-]{43}", made.manage("welcome"))
    assert found
    made.environment["GOVERNANCE_KEY"] = found[0]  # it is printed once, as to a person
    made.environment["GOVERNANCE_URL"] = made.web()
    yield made
    made.stop()


def snippets(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def run(page: str, made: Installation, **environment: str) -> list[str]:
    """Run the snippets of a page one after the other, as somebody who follows it does, and answer what they print."""
    known = {name: made.environment[name] for name in ("GOVERNANCE_KEY", "GOVERNANCE_URL")}
    whole = "\n".join(snippets(page, "python"))
    done = subprocess.run(
        [sys.executable, "-c", whole],
        env={"PATH": os.environ["PATH"], **known, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_tutorial_does_what_it_says(demonstration: Installation) -> None:
    said = run("tutorial.md", demonstration)
    assert said[0] == "allow consent"
    assert said[1].startswith("deny")
    assert "withdrawn" in said[2]
    assert re.fullmatch(r"R-\w{4}-\w{4} (received|verifying)", said[3])


def test_a_database_is_connected_as_described(demonstration: Installation, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/shop.db"
    with sa.create_engine(store).begin() as connection:
        connection.execute(sa.text("CREATE TABLE buyer (id INTEGER PRIMARY KEY, email TEXT, name TEXT)"))
        connection.execute(sa.text("CREATE TABLE purchase (id INTEGER PRIMARY KEY, buyer_id INTEGER, total INTEGER)"))
    assert run("how-to/connect-a-database.md", demonstration, SHOP=store) == ["shop", "shop"]


def test_the_ledger_is_verified_and_exported_as_written(
    demonstration: Installation,
    tmp_path: Path,
) -> None:
    commands = [shlex.split(line)[1:] for line in snippets("how-to/verify-the-ledger.md", "sh")]
    assert [name for name, *_rest in commands] == ["verify_audit", "verify_audit", "export_audit"]
    assert "The ledger holds" in demonstration.manage(*commands[0])
    events = tmp_path / "events.jsonl"
    demonstration.manage(*[str(events) if word == "events.jsonl" else word for word in commands[2]])
    assert events.read_text().count("\n") > 100


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_link_of_a_guide_exists(page: str) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", PAGES[page]))
    assert named - set(get_commands()) == set()
    links = [link for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGES[page]) if "://" not in link]
    assert [link for link in links if not ((DOCS / page).parent / link).exists()] == []


def test_the_index_names_every_page() -> None:
    linked = {os.path.normpath(link) for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGES["README.md"])}
    assert set(PAGES) - {"README.md"} - linked == set()
