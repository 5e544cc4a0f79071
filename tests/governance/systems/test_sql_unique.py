"""Columns in which no two rows may agree: the second person erased gets a value of their own as well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import database, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ENGINES = ["sqlite", "postgresql", "mysql"]
INLINE = "CREATE TABLE member (id integer PRIMARY KEY, login varchar(30) NOT NULL UNIQUE, email varchar(60));"
NAMED = """
CREATE TABLE member (
    id integer PRIMARY KEY, login varchar(30) NOT NULL, email varchar(60), CONSTRAINT one_login UNIQUE (login)
);
"""
PLAIN = "CREATE TABLE member (id integer PRIMARY KEY, login varchar(30) NOT NULL, email varchar(60));"
INDEX = PLAIN + "CREATE UNIQUE INDEX member_login ON member (login);"
TERM = PLAIN + "CREATE UNIQUE INDEX member_login ON member (lower(login));"
PARTIAL = PLAIN + "CREATE UNIQUE INDEX member_login ON member (login) WHERE id > 0;"
ROWS = "INSERT INTO member VALUES (1, 'ann', 'ann@example.org'), (2, 'ann2', 'ann@example.org'), (3, 'bob', 'bob@x.y');"
MEMBER = shop.collection(
    "member", shop.key(), shop.field("login", "user.name"), shop.field("email", "user.contact.email", "identity: email")
)


@pytest.mark.parametrize(
    ("engine", "table"),
    [(engine, table) for engine in ENGINES for table in (INLINE, NAMED, INDEX)]
    + [(engine, table) for engine in ENGINES[:2] for table in (TERM, PARTIAL)],
)
def test_a_column_that_must_be_unique_gets_derived_values(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, table: str
) -> None:
    made = planning.plan(shop.described(MEMBER), {"email"}, {"access", "erasure"})
    with database(engine, server_of(request, engine), tmp_path, table + ROWS) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"email": ["ann@example.org"]})
        erase_all(made, {"shop": system}, found, seed=bytes(32), instant=NOW)
        logins = [row["login"] for at in found for row in system.read(made.node(at), found[at].rows)]
    assert len(set(logins)) == 2
    assert not {"ann", "ann2", "erased"} & set(logins)
