"""Columns that say little of what is in them: no type at all, names SQLite does not know, text kept as bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.systems.sql import Located
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import database, dump, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PEOPLE, NOTES = CollectionRef("shop", "person"), CollectionRef("shop", "note")
MAIL = shop.field("email", "user.contact.email", "identity: email")
BARE = """
CREATE TABLE person (id PRIMARY KEY, email, name);
CREATE TABLE note (id PRIMARY KEY, person, text);
INSERT INTO person VALUES (1, 'ann@example.org', 'Ann'), ('2', 'bob@example.org', 'Bob');
INSERT INTO note VALUES (1, 1, 'on Ann'), ('2', '1', 'on Ann too'), (3, 2, 'on Bob');
"""
BYTES = """
CREATE TABLE person (id integer PRIMARY KEY, name {kind} NOT NULL, email varchar(60));
INSERT INTO person VALUES (1, 'Ann', 'x'), (2, 'Bob', 'y'), (3, 'QW5u', 'z');
"""


def made_plan(*collections: str) -> planning.Plan:
    return planning.plan(shop.described(*collections), {"email", "customer_id", "login"}, {"access", "erasure"})


@pytest.mark.parametrize("who", [{"email": ["ANN@example.org"]}, {"customer_id": ["1"]}])
def test_numbers_in_columns_without_a_type_are_found_read_and_erased(tmp_path: Path, who: dict[str, list[str]]) -> None:
    person = shop.collection("person", shop.key(identity="customer_id"), MAIL, shop.field("name", "user.name"))
    note = shop.collection("note", shop.key(), shop.link("person", "person.id"), shop.field("text", "user.content"))
    made = made_plan(person, note)
    with database("sqlite", "", tmp_path, BARE) as url, SqlSystem(url) as system:
        told = locate_all(made, {"shop": system}, who)
        found = {at: Located.from_dict(json.loads(json.dumps(each.to_dict()))) for at, each in told.items()}
        assert [row["name"] for row in system.read(made.node(PEOPLE), found[PEOPLE].rows)] == ["Ann"]
        texts = {row["text"] for row in system.read(made.node(NOTES), found[NOTES].rows)}
        assert texts == {"on Ann", "on Ann too"}
        erase_all(made, {"shop": system}, found, seed=bytes(32), instant=NOW)
        assert dump(url)["person"] == [(1, None, None), ("2", "bob@example.org", "Bob")]
        assert [row[2] for row in dump(url)["note"]] == [None, None, "on Bob"]


def test_a_type_that_sqlite_does_not_know_may_hold_text(tmp_path: Path) -> None:
    script = "CREATE TABLE person (id BLOB PRIMARY KEY, email STRING);"
    script += "INSERT INTO person VALUES ('abc', 'Ann@example.org'), ('a-b', 'ann@example.org'), (x'00ff', 'bob@x.y');"
    node = made_plan(shop.collection("person", shop.key(), MAIL)).node(PEOPLE)
    with database("sqlite", "", tmp_path, script) as url, SqlSystem(url) as system:
        found = system.locate(node, {"email": ["ann@example.org"]}, {})
        assert len(list(system.read(node, found.rows))) == 2
        bob = system.locate(node, {"email": ["bob@x.y"]}, {})
        assert [row["email"] for row in system.read(node, bob.rows)] == ["bob@x.y"]


@pytest.mark.parametrize(
    ("engine", "kind"),
    [("sqlite", "blob"), ("postgresql", "bytea"), ("mysql", "varbinary(255)"), ("mysql", "tinyblob")],
)
def test_a_name_kept_as_bytes_is_found(request: pytest.FixtureRequest, tmp_path: Path, engine: str, kind: str) -> None:
    fields = shop.field("name", "user.name", "identity: login"), shop.field("email", "user.contact.email")
    node = made_plan(shop.collection("person", shop.key(), *fields)).node(PEOPLE)
    script = BYTES.format(kind=kind)
    with database(engine, server_of(request, engine), tmp_path, script) as url, SqlSystem(url) as system:
        assert system.locate(node, {"login": ["Ann"]}, {}).rows == ((1,),)
        assert system.locate(node, {"login": ["ann"]}, {}).rows == ()
        assert (1,) not in system.locate(node, {"login": ["QW5u"]}, {}).rows  # which is "Ann" in base64


def test_a_name_kept_as_real_bytes_is_found_in_sqlite(tmp_path: Path) -> None:
    script = "CREATE TABLE person (id integer PRIMARY KEY, name blob); INSERT INTO person VALUES (1, x'416e6e');"
    node = made_plan(shop.collection("person", shop.key(), shop.field("name", "user.name", "identity: login")))
    with database("sqlite", "", tmp_path, script) as url, SqlSystem(url) as system:
        assert system.locate(node.node(PEOPLE), {"login": ["Ann"]}, {}).rows == ((1,),)


@pytest.mark.parametrize(("login", "rows"), [("7", {1, 3}), ("007", {2}), ("0", set()), ("9" * 20, {4})])
def test_digits_in_a_column_without_a_type_are_one_number_only(tmp_path: Path, login: str, rows: set[int]) -> None:
    script = "CREATE TABLE person (id integer PRIMARY KEY, name);"
    script += f"INSERT INTO person VALUES (1, 7), (2, '007'), (3, '7'), (4, '{'9' * 20}');"
    node = made_plan(shop.collection("person", shop.key(), shop.field("name", "user.name", "identity: login")))
    with database("sqlite", "", tmp_path, script) as url, SqlSystem(url) as system:
        assert {key for (key,) in system.locate(node.node(PEOPLE), {"login": [login]}, {}).rows} == rows


def test_codes_that_differ_in_case_only_are_different_people(tmp_path: Path) -> None:
    script = "CREATE TABLE person (id integer PRIMARY KEY, code text COLLATE NOCASE);"
    script += "INSERT INTO person VALUES (1, 'aB3'), (2, 'Ab3'), (3, 'ab3 ');"
    code = shop.field("code", "user.unique_id", "identity: customer_id")
    node = made_plan(shop.collection("person", shop.key(), code)).node(PEOPLE)
    with database("sqlite", "", tmp_path, script) as url, SqlSystem(url) as system:
        assert system.locate(node, {"customer_id": ["Ab3"]}, {}).rows == ((2,),)


@pytest.mark.service
@pytest.mark.parametrize("letters", ["latin1", "ascii", "utf8mb3", "utf8mb4"])
def test_a_name_that_a_column_cannot_hold_is_nobodys(mariadb_url: str, tmp_path: Path, letters: str) -> None:
    """Asked outright, MariaDB refuses to compare; and then nobody's request could be answered from this table."""
    script = f"CREATE TABLE person (id integer PRIMARY KEY, email varchar(60), login varchar(60)) CHARSET {letters};"
    script += "INSERT INTO person VALUES (1, 'ann@example.org', 'ann'), (2, 'bob@x.y', '?');"
    name = shop.field("login", "user.name", "identity: login")
    node = made_plan(shop.collection("person", shop.key(), MAIL, name)).node(PEOPLE)
    with database("mysql", mariadb_url, tmp_path, script) as url, SqlSystem(url) as system:
        for who in (
            {"login": ["\u0141ukasz \U0001f600", "ann"]},
            {"email": ["\u0142\U0001f600@x.y", "Ann@example.org"]},
        ):
            assert system.locate(node, who, {}).rows == ((1,),)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_a_dot_may_be_part_of_a_name(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    quote = "`" if engine == "mysql" else '"'
    script = f"CREATE TABLE {quote}old.person{quote} (id integer PRIMARY KEY, email varchar(60));"
    script += f"INSERT INTO {quote}old.person{quote} VALUES (1, 'ann@example.org');"
    node = made_plan(shop.collection("old.person", shop.key(), MAIL)).node(CollectionRef("shop", "old.person"))
    with database(engine, server_of(request, engine), tmp_path, script) as url, SqlSystem(url) as system:
        assert system.locate(node, {"email": ["ann@example.org"]}, {}).rows == ((1,),)
