"""A target that is down, slow, read-only or not as described: a clear refusal, nothing half done, nothing echoed."""

from __future__ import annotations

import socket
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap
from governance.errors import GovernanceError, SystemRefused, SystemUnavailable
from governance.systems.sql.engine import Limits
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import dump, sqlite_file
from tests.governance.systems import shop

if TYPE_CHECKING:
    from pathlib import Path

    from governance.catalogue.planning import Plan

SEED = bytes(32)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANN = {"email": ["ann@example.org"]}
SECRET = "pa55word"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'x' || i AS email FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sqlite_file(tmp_path / "shop.db", shop.TABLES + shop.ROWS)
    return tmp_path / "shop.db"


def people() -> DataMap:
    return shop.described(shop.PERSON, shop.ADDRESS)


def plan_of(data_map: DataMap) -> Plan:
    return planning.plan(data_map, {"email"}, {"access", "erasure"})


def says_nothing_personal(error: GovernanceError) -> bool:
    """Neither the message nor anything a log would print with it."""
    texts = [repr(error), str(error), error.detail, repr(error.__cause__)]
    if not error.__suppress_context__:
        texts.append(repr(error.__context__))
    return not any(word in text for text in texts for word in ("ann@", "Ann", SECRET, "shop.db"))


def test_a_read_only_file_refuses_and_stays_as_it_was(path: Path) -> None:
    before = dump(f"sqlite:///{path}")
    made = plan_of(people())
    with SqlSystem(f"sqlite:///{path}") as system:
        event.listen(
            system._engine,  # noqa: SLF001  the only way to a file that cannot be written, also for root
            "connect",
            lambda connection, _record: connection.execute("PRAGMA query_only = ON"),
        )
        found = locate_all(made, {"shop": system}, ANN)
        with pytest.raises(SystemRefused, match="read-only") as caught:
            erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
    assert says_nothing_personal(caught.value)
    assert dump(f"sqlite:///{path}") == before


def test_a_missing_file_is_unavailable_and_is_not_made(tmp_path: Path) -> None:
    with SqlSystem(f"sqlite:///{tmp_path}/none.db") as system, pytest.raises(SystemUnavailable, match="not there"):
        system.ping()
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("ann@example.org " * 100)
    with SqlSystem(f"sqlite:///{tmp_path}/text.db") as system, pytest.raises(GovernanceError) as caught:
        system.check(people().datasets[0])
    assert says_nothing_personal(caught.value)


def test_a_closed_port_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://reader:{SECRET}@127.0.0.1:{port}/shop"
    with SqlSystem(url, limits=Limits(connect_seconds=1)) as system, pytest.raises(SystemUnavailable) as caught:
        system.ping()
    assert says_nothing_personal(caught.value)
    assert SECRET not in repr(system)


def test_a_statement_that_takes_too_long_is_stopped(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE VIEW slow AS {ENDLESS}")
    connection.close()
    slow = shop.described(shop.collection("slow", shop.field("email", "user.contact.email", "identity: email")))
    with SqlSystem(f"sqlite:///{path}", limits=Limits(statement_seconds=0.2)) as system:
        with pytest.raises(SystemUnavailable, match="longer than the limit"):
            locate_all(plan_of(slow), {"shop": system}, ANN)
        system.ping()  # and the next statement has its own time


def test_a_locked_database_is_tried_again_later(path: Path) -> None:
    made = plan_of(people())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        limits = Limits(connect_seconds=0.1)
        with SqlSystem(f"sqlite:///{path}", limits=limits) as system, pytest.raises(SystemUnavailable, match="busy"):
            locate_all(made, {"shop": system}, ANN)
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@pytest.mark.parametrize("url", ["", "nonsense", "oracle://x", f"ftp://u:{SECRET}@h/x", "postgresql://h:port/x", "://"])
def test_an_address_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SystemRefused) as caught:
        SqlSystem(url)
    assert says_nothing_personal(caught.value)


def test_a_table_or_column_that_is_not_there_is_named(path: Path) -> None:
    missing = shop.described(
        shop.collection("people", shop.key(), shop.field("email", "user.contact.email", "identity: email"))
    )
    renamed = shop.described(shop.PERSON.replace("born", "birthday"), shop.ADDRESS)
    with SqlSystem(f"sqlite:///{path}") as system:
        with pytest.raises(SystemRefused, match="no table people"):
            locate_all(plan_of(missing), {"shop": system}, ANN)
        found = locate_all(plan_of(renamed), {"shop": system}, ANN)
        with pytest.raises(SystemRefused, match="no column birthday"):
            erase_all(plan_of(renamed), {"shop": system}, found, seed=SEED, instant=NOW)
    assert dump(f"sqlite:///{path}")["person"][0][1] == "ann@example.org"


def test_the_check_finds_every_difference(path: Path) -> None:
    person = (
        shop.PERSON.replace("name: born", "name: birthday")
        .replace('"user.name"', "user.name")
        .replace(
            "{name: name, data_categories: [user.name]}",
            "{name: name, data_categories: [user.name],"
            " fides_meta: {data_type: integer, masking_strategy_override: {strategy: null_rewrite}}}",
        )
    )
    basket_item = shop.BASKET_ITEM.replace(
        "{name: line, data_categories: [system.operations], fides_meta: {primary_key: true}}",
        "{name: line, data_categories: [system.operations]}",
    )
    data_map = shop.described(
        person, shop.ADDRESS, shop.BASKET, basket_item, shop.VISIT, shop.collection("none", shop.key())
    )
    with SqlSystem(f"sqlite:///{path}") as system:
        findings = system.check(data_map.datasets[0])
    said = {(each.code, each.collection, each.field) for each in findings}
    assert said == {
        ("missing_table", "none", ""),
        ("missing_column", "person", "birthday"),
        ("unmapped_column", "person", "born"),
        ("type_differs", "person", "name"),
        ("cannot_be_erased", "person", "name"),
        ("primary_key_differs", "basket_item", ""),
        ("no_primary_key", "visit", ""),
    }
    blocking = [each.blocks for each in findings]
    assert blocking == sorted(blocking, reverse=True)


def test_a_strategy_that_cannot_work_is_refused_before_anything_is_touched(path: Path) -> None:
    person = shop.PERSON.replace(
        "{name: name, data_categories: [user.name]}",
        "{name: name, data_categories: [user.name], fides_meta: {masking_strategy_override: {strategy: null_rewrite}}}",
    )
    made = plan_of(shop.described(person, shop.ADDRESS))
    before = dump(f"sqlite:///{path}")
    with SqlSystem(f"sqlite:///{path}") as system:
        found = locate_all(made, {"shop": system}, ANN)
        node = made.node(CollectionRef("shop", "person"))
        with pytest.raises(SystemRefused, match="does not allow NULL"):
            system.erase(node, found[node.at], seed=SEED, instant=NOW)
    assert dump(f"sqlite:///{path}") == before


def test_a_constraint_undoes_the_whole_collection(path: Path) -> None:
    """The second row cannot be changed, so the first is not changed either."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE basket SET person_id = 1")
        connection.execute(
            "CREATE TRIGGER no BEFORE UPDATE ON basket WHEN old.id = 2"
            " BEGIN SELECT RAISE(ABORT, 'ann@example.org'); END"
        )
    connection.close()
    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS, shop.BASKET))
    before = dump(f"sqlite:///{path}")
    with SqlSystem(f"sqlite:///{path}") as system:
        found = locate_all(made, {"shop": system}, ANN)
        node = made.node(CollectionRef("shop", "basket"))
        with pytest.raises(SystemRefused, match="constraint") as caught:
            system.erase(node, found[node.at], seed=SEED, instant=NOW)
    assert says_nothing_personal(caught.value)
    assert dump(f"sqlite:///{path}") == before


def test_what_was_erased_is_not_left_in_the_file(path: Path) -> None:
    made = plan_of(people())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE person SET name = 'Zyxwvutsrq' WHERE id = 1")
    connection.close()
    assert b"Zyxwvutsrq" in path.read_bytes()
    with SqlSystem(f"sqlite:///{path}") as system:
        erase_all(made, {"shop": system}, locate_all(made, {"shop": system}, ANN), seed=SEED, instant=NOW)
    assert b"Zyxwvutsrq" not in path.read_bytes()
