"""Columns that allow only some values: what is written over them keeps the condition, wherever it is written down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.errors import SystemRefused
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import database, dump, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ENGINES = ["sqlite", "postgresql", "mysql"]
#: A column of Ann's: its type and condition, what stands in it, and what may stand there afterwards (SQL).
COLUMNS = {
    "a few words": ("char(6) NOT NULL CHECK (x IN ('single', 'it''s'))", "'it''s'", "x = 'single'"),
    "words in any case": ("varchar(6) NOT NULL CHECK (upper(x) IN ('M', 'F'))", "'f'", "x = 'M'"),
    "some numbers": ("integer NOT NULL CHECK (x IN (3, 4, 5))", "5", "x = 3"),
    "a span": ("integer NOT NULL CHECK (x BETWEEN 1 AND 5)", "5", "x = 1"),
    "at least": ("integer NOT NULL CHECK (x >= 18)", "33", "x = 18"),
    "more than": ("numeric(9, 2) NOT NULL CHECK (x > 0)", "33.5", "x = 1"),
    "a count of its own": ("integer NOT NULL UNIQUE CHECK (x >= 0)", "33", "x > 1000"),
    "long enough": ("varchar(20) NOT NULL CHECK (length(x) >= 8)", "'12345678'", "x = 'erased--'"),
    "long enough and not too long": (
        "varchar(20) NOT NULL, CONSTRAINT a CHECK (length(x) >= 8), CONSTRAINT b CHECK (length(x) <= 12)",
        "'12345678'",
        "x = 'erased--'",
    ),
    "as long as this": ("varchar(20) NOT NULL CHECK (length(x) = 2)", "'SE'", "x = 'er'"),
    "or nothing": ("integer NOT NULL CHECK (x IS NULL OR x >= 18)", "33", "x = 18"),
    "of the table": ("varchar(9) NOT NULL, CONSTRAINT known CHECK (x IN ('a', 'b'))", "'b'", "x = 'a'"),
}
TABLE = """
CREATE TABLE person (id integer PRIMARY KEY, email varchar(60), x {kind});
INSERT INTO person VALUES (1, 'ann@example.org', {value});
CREATE VIEW fitting AS SELECT id FROM person WHERE {left};
"""
PERSON = shop.collection(
    "person", shop.key(), shop.field("email", "user.contact.email", "identity: email"), shop.field("x", "user.behavior")
)


def erased(engine: str, server: str, folder: Path, script: str) -> dict[str, list[tuple[object, ...]]]:
    made = planning.plan(shop.described(PERSON), {"email"}, {"access", "erasure"})
    with database(engine, server, folder, script) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"email": ["ann@example.org"]})
        erase_all(made, {"shop": system}, found, seed=bytes(32), instant=NOW)
        for at in made.erase_order:
            assert system.still_there(made.node(at), found[at], seed=bytes(32), instant=NOW) == []
        return dump(url)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", COLUMNS)
def test_a_mask_keeps_the_condition(request: pytest.FixtureRequest, tmp_path: Path, engine: str, case: str) -> None:
    kind, value, left = COLUMNS[case]
    script = TABLE.format(kind=kind, value=value, left=left)
    made = planning.plan(shop.described(PERSON), {"email"}, {"access", "erasure"})
    fitting = shop.described(shop.collection("fitting", shop.field("id"))).datasets[0]
    with database(engine, server_of(request, engine), tmp_path, script) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"email": ["ann@example.org"]})
        erase_all(made, {"shop": system}, found, seed=bytes(32), instant=NOW)
        for at in made.erase_order:
            assert system.still_there(made.node(at), found[at], seed=bytes(32), instant=NOW) == []
        assert system.count_all(fitting) == {"fitting": 1}, dump(url)["person"]


def test_a_document_in_a_column_of_text_stays_one(tmp_path: Path) -> None:
    """So Django keeps its JSON on SQLite."""
    script = """CREATE TABLE person (
        id integer PRIMARY KEY, email text, "x" text NOT NULL CHECK ((JSON_VALID("x") OR "x" IS NULL)));"""
    rows = erased("sqlite", "", tmp_path, script + """INSERT INTO person VALUES (1, 'ann@example.org', '{"a": 1}')""")
    assert rows["person"] == [(1, None, "{}")]


def test_a_number_of_its_own_among_five_is_refused(tmp_path: Path) -> None:
    """The derived one may be the one that stands there, and then nothing would be written over it."""
    script = "CREATE TABLE person (id integer PRIMARY KEY, email text, x integer NOT NULL UNIQUE CHECK (x IN (4, 5)));"
    with pytest.raises(SystemRefused, match="allows too few numbers"):
        erased("sqlite", "", tmp_path, script + "INSERT INTO person VALUES (1, 'ann@example.org', 5)")


@pytest.mark.service
def test_the_condition_of_a_domain_counts(postgres_url: str, tmp_path: Path) -> None:
    script = "CREATE DOMAIN year_ AS integer CHECK (VALUE >= 1901 AND VALUE <= 2155);"
    script += "CREATE TABLE person (id integer PRIMARY KEY, email text, x year_ NOT NULL);"
    rows = erased(
        "postgresql", postgres_url, tmp_path, script + "INSERT INTO person VALUES (1, 'ann@example.org', 1999)"
    )
    assert rows["person"] == [(1, None, 1901)]


def test_what_is_not_understood_is_left_to_the_database(tmp_path: Path) -> None:
    script = "CREATE TABLE person (id integer PRIMARY KEY, email text, x integer CHECK (x > 5 OR id > 0 OR x IN (1)));"
    rows = erased("sqlite", "", tmp_path, script + "INSERT INTO person VALUES (1, 'ann@example.org', 7)")
    assert rows["person"] == [(1, None, None)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "condition", ["id % 10 = 3", "char_length(email) > 3 AND lower(right(email, 11)) IN ('example.org', 'EXAMPLE.COM')"]
)
def test_rows_are_found_and_erased_whatever_we_read_in_a_condition(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, condition: str
) -> None:
    """Of `id % 10 = 3` no bound of the number follows, and an address of known domains is no word of a list."""
    if engine == "sqlite":
        condition = condition.replace("char_length", "length").replace("right(email, 11)", "substr(email, -11)")
    script = f"CREATE TABLE person (id integer PRIMARY KEY, email varchar(60), x varchar(9), CHECK ({condition}));"
    script += "INSERT INTO person VALUES (13, 'Ann@example.org', 'Ann');"
    assert erased(engine, server_of(request, engine), tmp_path, script)["person"] == [(13, None, None)]
