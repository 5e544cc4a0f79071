"""A person with very many rows under a key of several fields: few statements, whatever the number of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.systems.sql import Located
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import locate_all
from tests.databases import database, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ROWS = 6_000
TABLES = """
CREATE TABLE person (id integer PRIMARY KEY, email varchar(60));
INSERT INTO person VALUES (1, 'ann@example.org'), (2, 'bob@example.org');
CREATE TABLE visit (person integer NOT NULL, number integer NOT NULL, page varchar(20), PRIMARY KEY (person, number));
"""
NUMBERS = {
    "sqlite": f"(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i FROM n)",
    "postgresql": f"generate_series(1, {ROWS}) AS n (i)",
    "mysql": f"(SELECT seq AS i FROM seq_1_to_{ROWS}) AS n",
}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_many_rows_are_read_and_erased_in_portions(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    fill = f"INSERT INTO visit SELECT 1 + i % 2, i, 'page' FROM {NUMBERS[engine]};"
    person = shop.collection("person", shop.key(), shop.field("email", "user.contact.email", "identity: email"))
    visit = shop.collection(
        "visit",
        shop.link("person", "person.id", ", primary_key: true"),
        shop.key("number"),
        shop.field("page", "user.behavior"),
    )
    made = planning.plan(shop.described(person, visit), {"email"}, {"access", "erasure"})
    node = made.node(CollectionRef("shop", "visit"))
    statements: list[str] = []
    with database(engine, server_of(request, engine), tmp_path, TABLES + fill) as url, SqlSystem(url) as system:
        sa.event.listen(
            system._engine,  # noqa: SLF001  what is sent is counted where it leaves
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: statements.append(statement),
        )
        found = locate_all(made, {"shop": system}, {"email": ["ann@example.org"]})[node.at]
        assert sum(1 for _row in system.read(node, found.rows)) == ROWS // 2
        system.erase(node, found, seed=bytes(32), instant=NOW)
        assert system.still_there(node, found, seed=bytes(32), instant=NOW) == []
        bob = Located(rows=tuple((2, number) for number in range(1, ROWS, 2)))
        assert {row["page"] for row in system.read(node, bob.rows)} == {"page"}
    assert len(statements) < 6 * ROWS // 2 // system.limits.chunk + 60


KEYS = {
    "sqlite": "b blob NOT NULL, t text NOT NULL, r real NOT NULL|x'00ff', '5', 1.5",
    "postgresql": "k mood NOT NULL, ip inet NOT NULL, c char(4) NOT NULL, ts timestamptz NOT NULL|"
    "'low', '192.0.2.1', 'x', 'infinity'",
    "mysql": "t time NOT NULL, b binary(4) NOT NULL|'-26:00:00', 'a'",
}


@pytest.mark.parametrize("engine", list(KEYS))
def test_a_key_of_odd_types_names_its_row(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    columns, values = KEYS[engine].split("|")
    names = [each.split()[0] for each in columns.split(", ")]
    script = "CREATE TYPE mood AS ENUM ('low');" if engine == "postgresql" else ""
    script += f"CREATE TABLE visit (number integer NOT NULL, email varchar(60), {columns},"
    script += f" PRIMARY KEY (number, {', '.join(names)}));"
    script += f"INSERT INTO visit VALUES (1, 'ann@example.org', {values}), (2, 'bob@example.org', {values});"
    mail = shop.field("email", "user.contact.email", "identity: email")
    visit = shop.collection("visit", shop.key("number"), *map(shop.key, names), mail)
    node = planning.plan(shop.described(visit), {"email"}, {"access", "erasure"}).node(CollectionRef("shop", "visit"))
    with database(engine, server_of(request, engine), tmp_path, script) as url, SqlSystem(url) as system:
        found = system.locate(node, {"email": ["ann@example.org"]}, {})
        assert [row["email"] for row in system.read(node, found.rows)] == ["ann@example.org"]
        system.erase(node, found, seed=bytes(32), instant=NOW)
        assert [row["email"] for row in system.read(node, found.rows)] == [None]
