"""A real MariaDB as a connected system: odd names, hostile values, slow, busy, read-only and forbidding servers."""

from __future__ import annotations

import secrets
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap
from governance.errors import GovernanceError, SystemRefused, SystemUnavailable
from governance.systems.sql.engine import Limits
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import dump, mariadb_connection, mariadb_database, run, run_on_mariadb
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.service

SEED = bytes(32)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANN = {"email": ["ann@example.org"]}
PEOPLE = CollectionRef("shop", "person")
PASSWORD = "pa55word"


@pytest.fixture
def url(mariadb_url: str) -> Iterator[str]:
    with mariadb_database(mariadb_url, shop.TABLES + shop.ROWS) as address:
        yield address


def people() -> DataMap:
    return shop.described(shop.PERSON, shop.ADDRESS)


def plan_of(data_map: DataMap) -> planning.Plan:
    return planning.plan(data_map, {"email", "client_id"}, {"access", "erasure"})


def erase(url: str, limits: Limits | None = None) -> None:
    made = plan_of(people())
    with SqlSystem(url, limits=limits) as system:
        erase_all(made, {"shop": system}, locate_all(made, {"shop": system}, ANN), seed=SEED, instant=NOW)


def refused(url: str, kind: type[GovernanceError], words: str, limits: Limits | None = None) -> None:
    """Nobody is erased, nothing is changed, and nothing of the server's words is passed on."""
    before = dump(url)
    with pytest.raises(kind, match=words) as caught:
        erase(url, limits)
    assert caught.value.__suppress_context__
    assert not [word for word in ("ann@", "connector_", PASSWORD, "person") if word in f"{caught.value!r}"]
    assert dump(url) == before


@contextmanager
def account(url: str, rights: str) -> Iterator[str]:
    """Make an account with some rights on the database alone, and answer the address with it."""
    made = make_url(url)
    name = f"connector_{secrets.token_hex(4)}"
    with closing(mariadb_connection(url)) as connection:
        run_on_mariadb(connection, f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        try:
            run_on_mariadb(connection, f"GRANT {rights} ON {made.database}.* TO {name}@'127.0.0.1'")
            yield made.set(username=name, password=PASSWORD).render_as_string(hide_password=False)
        finally:
            run_on_mariadb(connection, f"DROP USER {name}@'127.0.0.1'")


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_way_to_write_the_address_is_understood(url: str, scheme: str) -> None:
    with SqlSystem(f"{scheme}://{url.partition('://')[2]}") as system:
        system.ping()
        assert system.count_all(people().datasets[0]) == {"person": 3, "address": 3}


def test_every_session_is_strict_and_reads_no_files(url: str) -> None:
    with SqlSystem(f"{url}?charset=latin1") as system:
        with system._engine.connect() as connection:  # noqa: SLF001 -- the session itself is looked at
            driver = connection.connection.driver_connection
            modes = str(connection.exec_driver_sql("SELECT @@sql_mode").scalar()).split(",")
            assert connection.exec_driver_sql("SELECT @@character_set_client").scalar() == "utf8mb4"
        assert driver is not None
        assert not driver._local_infile  # noqa: SLF001 -- the driver tells it nowhere else
        assert not driver.get_autocommit()
    assert "STRICT_ALL_TABLES" in modes
    assert "NO_ZERO_DATE" not in modes


ODD = "odd `table` 100% of; them"
COLUMN = 'e-mail "%s" :x'


def test_names_may_hold_anything(mariadb_url: str) -> None:
    quoted = ODD.replace("`", "``")
    tables = (
        f"CREATE TABLE `{quoted}` (`%(id)s` int PRIMARY KEY, `{COLUMN}` varchar(60), `select` text);"
        f"INSERT INTO `{quoted}` VALUES (1, 'ann@example.org', 'x'), (2, 'bob@example.org', 'y');"
    )
    mail = shop.field(f"'{COLUMN}'", "user.contact.email", "identity: email")
    odd = shop.collection(
        f"'{ODD}'", shop.field("'%(id)s'", meta="primary_key: true"), mail, shop.field("select", "user.content")
    )
    made = plan_of(shop.described(odd))
    at = CollectionRef("shop", ODD)
    with mariadb_database(mariadb_url, tables) as url:
        with SqlSystem(url) as system:
            assert system.check(shop.described(odd).datasets[0]) == []
            found = locate_all(made, {"shop": system}, ANN)
            assert [row["select"] for row in system.read(made.node(at), found[at].rows)] == ["x"]
            erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
        assert dump(url)[ODD] == [(1, None, None), (2, "bob@example.org", "y")]


HOSTILE = [
    "ann@example.org' OR '1'='1",
    'ann@example.org" OR "1"="1',
    "\\' OR 1=1 -- ",
    "ann@example.org\\",
    "%' OR email LIKE '%",
    "0",
    "x\0y",
    "😀' OR 1=1 #",
]


def test_no_value_is_taken_for_sql(url: str) -> None:
    made = plan_of(people())
    with SqlSystem(url) as system:
        for value in HOSTILE:
            found = locate_all(made, {"shop": system}, {"email": [value]})
            assert found[PEOPLE].rows == (), value


def test_a_value_that_looks_like_sql_is_found_as_it_is(url: str) -> None:
    made = plan_of(people())
    run(url, "UPDATE person SET email = '\\\\'' OR 1=1 -- ' WHERE id = 3")
    with SqlSystem(url) as system:
        assert locate_all(made, {"shop": system}, {"email": ["\\' OR 1=1 -- "]})[PEOPLE].rows == ((3,),)


def test_a_statement_that_takes_too_long_is_stopped_by_the_server(url: str) -> None:
    run(url, "CREATE VIEW slow AS SELECT id, CONCAT(email, SLEEP(5)) AS email FROM person")
    mail = shop.field("email", "user.contact.email", "identity: email")
    slow = plan_of(shop.described(shop.collection("slow", mail)))
    with SqlSystem(url, limits=Limits(statement_seconds=0.3)) as system:
        with pytest.raises(SystemUnavailable, match="longer than the limit"):
            locate_all(slow, {"shop": system}, ANN)
        system.ping()


@pytest.mark.parametrize("held", ["SELECT * FROM person WHERE id = 1 FOR UPDATE", "LOCK TABLES person READ"])
def test_a_row_or_table_that_somebody_holds_is_tried_again_later(url: str, held: str) -> None:
    with closing(mariadb_connection(url)) as holder:
        holder.begin()
        run_on_mariadb(holder, held)
        refused(url, SystemUnavailable, "busy|longer than the limit", Limits(statement_seconds=1))


def test_a_row_that_is_let_go_in_time_is_waited_for(url: str) -> None:
    ended: list[str] = []

    def work() -> None:
        erase(url, Limits(statement_seconds=10))
        ended.append("done")

    with closing(mariadb_connection(url)) as holder:
        holder.begin()
        run_on_mariadb(holder, "UPDATE person SET points = 1 WHERE id = 1")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        holder.commit()
        thread.join(10)
    assert ended == ["done"]
    assert dump(url)["person"][0][2:5:2] == ("erased", 0)


def test_the_loser_of_a_deadlock_is_tried_again(url: str) -> None:
    from governance.systems.sql.engine import open_engine, writing_to

    with closing(mariadb_connection(url)) as other:
        other.begin()
        run_on_mariadb(other, "UPDATE person SET points = 1; UPDATE address SET city = 'x' WHERE id = 2")
        threads: list[threading.Thread] = []

        def cross() -> None:
            engine = open_engine(url, Limits())
            with writing_to(engine) as connection:
                connection.exec_driver_sql("UPDATE address SET city = 'y' WHERE id = 1")
                wanted = (other, "UPDATE address SET city = 'x' WHERE id = 1")
                threads.append(threading.Thread(target=run_on_mariadb, args=wanted))
                threads[0].start()
                threads[0].join(0.3)
                connection.exec_driver_sql("UPDATE address SET city = 'y' WHERE id = 2")

        with pytest.raises(SystemUnavailable, match="busy"):
            cross()
        threads[0].join(10)
        other.rollback()
    assert dump(url)["address"][1][2] == "Lund"


def test_a_server_that_is_read_only_is_told_so(url: str) -> None:
    with account(url, "SELECT, UPDATE, DELETE") as limited, closing(mariadb_connection(url)) as connection:
        run_on_mariadb(connection, "SET GLOBAL read_only = 1")
        try:
            refused(limited, SystemRefused, "read-only")
        finally:
            run_on_mariadb(connection, "SET GLOBAL read_only = 0")
        erase(limited)


def test_finding_and_reading_need_no_right_to_write(url: str) -> None:
    made = plan_of(people())
    with account(url, "SELECT") as limited:
        with SqlSystem(limited) as system:
            assert system.check(people().datasets[0]) == []
            found = locate_all(made, {"shop": system}, ANN)
            assert [row["name"] for row in system.read(made.node(PEOPLE), found[PEOPLE].rows)] == ["Ann"]
        refused(limited, SystemRefused, "grant it the right")


def test_reading_cannot_write(url: str) -> None:
    """Not even where a view or function would."""
    from governance.systems.sql.engine import open_engine, reading_from

    engine = open_engine(url, Limits())
    with pytest.raises(SystemRefused, match="read-only"), reading_from(engine) as connection:
        connection.exec_driver_sql("UPDATE person SET name = 'x'")
    engine.dispose()
    assert dump(url)["person"][0][2] == "Ann"


@pytest.mark.parametrize(
    "guard",
    [
        "ALTER TABLE person ADD CONSTRAINT known CHECK (name <> 'erased')",
        "CREATE TRIGGER no BEFORE UPDATE ON person FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ann@example.org stays'",
    ],
)
def test_a_guard_of_the_database_undoes_everything(url: str, guard: str) -> None:
    run(url, guard)
    refused(url, SystemRefused, "constraint")


def test_a_value_that_would_be_cut_short_is_refused(url: str) -> None:
    """A server without strict mode would keep 127, and the person's data would be called erased."""
    run(url, "ALTER TABLE person MODIFY points TINYINT NOT NULL")
    strategy = "{strategy: string_rewrite, configuration: {rewrite_value: '999'}}"
    points = shop.field("points", "user.behavior", f"masking_strategy_override: {strategy}")
    plain = shop.field("points", "user.behavior")
    assert plain in shop.PERSON
    made = plan_of(shop.described(shop.PERSON.replace(plain, points), shop.ADDRESS))
    before = dump(url)
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        with pytest.raises(SystemRefused, match="cannot hold"):
            system.erase(made.node(PEOPLE), found[PEOPLE], seed=SEED, instant=NOW)
    assert dump(url) == before


def test_who_is_unknown_or_sent_away_learns_no_more(url: str) -> None:
    made = make_url(url)
    for wrong, kind in (
        (made.set(database=f"{made.database}_none"), SystemUnavailable),
        (made.set(username="nobody_here", password=PASSWORD), SystemRefused),
        (made.set(port=1), SystemUnavailable),
    ):
        with SqlSystem(wrong.render_as_string(hide_password=False)) as system, pytest.raises(kind) as caught:
            system.ping()
        assert not [word for word in ("connector_", "nobody_here", PASSWORD) if word in f"{caught.value!r}"]
        assert caught.value.__suppress_context__
