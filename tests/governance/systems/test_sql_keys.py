"""A key of too few fields, or of none that is unique, reaches nobody else's rows: it is refused before anything."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.errors import SystemRefused
from governance.systems.sql import Located
from governance.systems.sql.system import SqlSystem
from tests.databases import database, dump, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governance.catalogue.planning import Node

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BADGE = "identity: customer_id"
ANN = {"email": ["ann@example.org"]}
MEMBERS = """
CREATE TABLE member (
    club INTEGER NOT NULL, number INTEGER NOT NULL, badge INTEGER NOT NULL, alias INTEGER, email VARCHAR(60),
    PRIMARY KEY (club, number)
);
CREATE UNIQUE INDEX member_badge ON member (badge);
CREATE UNIQUE INDEX member_alias ON member (alias);
INSERT INTO member VALUES (1, 1, 11, NULL, 'ann@example.org'), (2, 1, 12, NULL, 'bob@example.org');
CREATE TABLE loose (number INTEGER, email VARCHAR(60));
INSERT INTO loose VALUES (1, 'ann@example.org'), (1, 'bob@example.org');
"""


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    server = server_of(request, request.param)
    with ExitStack() as stack:
        yield stack.enter_context(database(request.param, server, tmp_path, MEMBERS))


def node_of(table: str, *keys: str) -> Node:
    fields = [shop.key(name) for name in keys]
    data_map = shop.described(
        shop.collection(table, *fields, shop.field("email", "user.contact.email", "identity: email"))
    )
    return planning.plan(data_map, {"email"}, {"access", "erasure"}).node(CollectionRef("shop", table))


@pytest.mark.parametrize(("table", "keys"), [("member", ["number"]), ("member", ["alias"]), ("loose", ["number"])])
def test_a_key_that_does_not_tell_rows_apart_is_refused_in_every_verb(url: str, table: str, keys: list[str]) -> None:
    node, before, found = node_of(table, *keys), dump(url), Located(rows=((1,),))
    with SqlSystem(url) as system:
        with pytest.raises(SystemRefused, match="apart"):
            system.locate(node, ANN, {})
        with pytest.raises(SystemRefused, match="apart"):
            list(system.read(node, found.rows))
        with pytest.raises(SystemRefused, match="apart"):
            system.erase(node, found, seed=bytes(32), instant=NOW)
    assert dump(url) == before


@pytest.mark.parametrize("keys", [["club", "number"], ["badge"], ["club", "number", "badge"], []])
def test_a_key_that_covers_one_of_the_database_reaches_one_row(url: str, keys: list[str]) -> None:
    node = node_of("member", *keys)
    with SqlSystem(url) as system:
        found = system.locate(node, ANN, {})
        assert [row["email"] for row in system.read(node, found.rows)] == ["ann@example.org"]
        system.erase(node, found, seed=bytes(32), instant=NOW)
    ann, bob = dump(url)["member"]
    assert (ann[4], bob[4]) == (None if keys else "ann@example.org", "bob@example.org")


def test_a_table_without_a_key_is_read_by_what_finds_it(url: str) -> None:
    node = node_of("loose")
    with SqlSystem(url) as system:
        found = system.locate(node, ANN, {})
        assert [row["email"] for row in system.read(node, found.rows)] == ["ann@example.org"]


def test_the_description_is_told_at_once(url: str) -> None:
    data_map = shop.described(
        shop.collection("loose", shop.key("number"), shop.field("email", "user.contact.email", "identity: email"))
    )
    with SqlSystem(url) as system:
        assert [each.code for each in system.check(data_map.datasets[0]) if each.blocks] == ["no_primary_key"]


def test_an_empty_key_names_no_row(tmp_path: Path) -> None:
    script = "CREATE TABLE person (email TEXT PRIMARY KEY, owner TEXT);"
    script += "INSERT INTO person VALUES (NULL, 'ann@example.org'), (NULL, 'bob@example.org');"
    data_map = shop.described(
        shop.collection("person", shop.key("email"), shop.field("owner", "user.contact.email", "identity: email"))
    )
    node = planning.plan(data_map, {"email"}, {"access"}).node(CollectionRef("shop", "person"))
    refused = pytest.raises(SystemRefused, match="without a key")
    with database("sqlite", "", tmp_path, script) as url, SqlSystem(url) as system, refused:
        system.locate(node, ANN, {})


@pytest.mark.parametrize("spelt", ["1_1", "011e0", "11e0", "11.0", "\u0661\u0661", "+11", "1 1", "0x0b"])
def test_a_number_has_one_spelling(url: str, spelt: str) -> None:
    """Another spelling is another identifier to the service: it must not find the same row."""
    data_map = shop.described(
        shop.collection("member", shop.key("club"), shop.key("number"), shop.field("badge", "user.unique_id", BADGE))
    )
    node = planning.plan(data_map, {"customer_id"}, {"access"}).node(CollectionRef("shop", "member"))
    with SqlSystem(url) as system:
        assert system.locate(node, {"customer_id": ["11"]}, {}).rows == ((1, 1),)
        assert system.locate(node, {"customer_id": [spelt]}, {}).rows == ()


@pytest.mark.parametrize(
    ("engine", "kind", "value"),
    [
        ("sqlite", "blob", "'abcd'"),  # text, and base64 of other bytes
        ("sqlite", "decimal(10, 2)", "1.257"),
        ("postgresql", "real", "1.1"),
        ("mysql", "float", "1.1"),
    ],
)
def test_a_row_that_its_key_does_not_find_again_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, kind: str, value: str
) -> None:
    script = f"CREATE TABLE member (id {kind} PRIMARY KEY, email varchar(60));"
    script += f"INSERT INTO member VALUES ({value}, 'ann@example.org');"
    server, refused = server_of(request, engine), pytest.raises(SystemRefused, match="does not name exactly")
    with database(engine, server, tmp_path, script) as url, SqlSystem(url) as system, refused:
        system.locate(node_of("member", "id"), ANN, {})
