"""Whoever points at a row from elsewhere: another schema, a partition, a table nobody may read, the row itself."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy.engine import make_url

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.errors import SystemRefused
from governance.systems.sql.engine import Limits
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all, settle_shares
from tests.databases import database, dump, postgresql_database, run, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = bytes(32)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANN = {"email": ["ann@example.org"]}
MAIL = shop.field("email", "user.contact.email", "identity: email")
DELETE = "masking_strategy_override: {strategy: delete}"
SCHEMAS = """
CREATE SCHEMA people;
CREATE SCHEMA sales;
CREATE TABLE people.address (id int PRIMARY KEY, street text);
CREATE TABLE people.person (id int PRIMARY KEY, email text, address int REFERENCES people.address);
CREATE TABLE sales.address (id int PRIMARY KEY, street text, warehouse int REFERENCES people.address);
CREATE TABLE sales.person (number int PRIMARY KEY, address int REFERENCES people.address);
CREATE TABLE sales.note (id int PRIMARY KEY, author int REFERENCES people.person ON DELETE CASCADE, text text);
INSERT INTO people.address VALUES (1, 'Ann''s and a client''s'), (2, 'Ann''s own');
INSERT INTO people.person VALUES (1, 'ann@example.org', 1), (2, 'ann@example.org', 2);
INSERT INTO sales.person VALUES (7, 1);
INSERT INTO sales.note VALUES (1, 2, 'by Ann');
"""
PARTS = """
CREATE TABLE address (id int PRIMARY KEY, street text);
CREATE TABLE person (id int PRIMARY KEY, email text);
CREATE TABLE parcel (
    id int, day date, person int, address int, PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE parcel_2020 PARTITION OF parcel FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parcel_2021 PARTITION OF parcel FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
ALTER TABLE parcel_2020 ADD FOREIGN KEY (person) REFERENCES person, ADD FOREIGN KEY (address) REFERENCES address;
ALTER TABLE parcel_2021 ADD FOREIGN KEY (person) REFERENCES person, ADD FOREIGN KEY (address) REFERENCES address;
CREATE TABLE old_parcel (id int PRIMARY KEY, person int, address int);
CREATE TABLE older_parcel (FOREIGN KEY (address) REFERENCES address) INHERITS (old_parcel);
INSERT INTO address VALUES (1, 'road');
INSERT INTO person VALUES (1, 'ann@example.org');
INSERT INTO parcel VALUES (1, '2020-05-05', 1, 1), (2, '2021-05-05', 1, 1);
INSERT INTO older_parcel VALUES (3, 1, 1);
"""
THREAD = """
CREATE TABLE person (id integer PRIMARY KEY, email varchar(60));
CREATE TABLE remark (
    id integer PRIMARY KEY, person integer, parent integer, text varchar(60),
    FOREIGN KEY (person) REFERENCES person (id), FOREIGN KEY (parent) REFERENCES remark (id)
);
INSERT INTO person VALUES (1, 'ann@example.org'), (2, 'bob@example.org');
INSERT INTO remark VALUES (1, 1, NULL, 'first'), (2, 1, 1, 'answer'), (3, 1, 2, 'and another'), (4, 2, NULL, 'his');
"""


def address(name: str) -> str:
    return shop.collection(name, shop.key(), shop.field("street", "user.contact.address"))


@contextmanager
def opened(server: str, script: str) -> Iterator[tuple[str, SqlSystem]]:
    with postgresql_database(server, script) as url, SqlSystem(url) as system:
        yield url, system


def made_plan(*collections: str) -> planning.Plan:
    return planning.plan(shop.described(*collections), {"email"}, {"access", "erasure"})


@pytest.mark.service
def test_an_owner_in_another_schema_counts_under_any_name(postgres_url: str) -> None:
    person = shop.collection("people.person", shop.key(), MAIL, shop.link("address", "people.address.id"))
    at = CollectionRef("shop", "people.address")
    made = made_plan(person, address("people.address"))
    with opened(postgres_url, SCHEMAS) as (_url, system):
        rows, _unlink = settle_shares(made, {"shop": system}, locate_all(made, {"shop": system}, ANN))
    assert (rows[at].rows, rows[at].co_owned) == (((2,),), ((1,),))


@pytest.mark.service
def test_rows_of_another_schema_are_not_deleted_along(postgres_url: str) -> None:
    at = CollectionRef("shop", "people.person")
    made = made_plan(shop.collection("people.person", shop.key(), MAIL, meta=DELETE))
    with opened(postgres_url, SCHEMAS) as (url, system):
        found = locate_all(made, {"shop": system}, ANN)[at]
        with pytest.raises(SystemRefused, match=r"1 rows of sales\.note"):
            system.erase(made.node(at), found, seed=SEED, instant=NOW)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM sales.note").fetchone() == (1,)


@pytest.mark.service
def test_a_part_of_a_table_is_no_other_owner(postgres_url: str) -> None:
    links = shop.link("person", "person.id"), shop.link("address", "address.id")
    parcel = shop.collection("parcel", shop.key(), shop.key("day"), *links)
    old = shop.collection("old_parcel", shop.key(), *links)
    made = made_plan(shop.collection("person", shop.key(), MAIL), parcel, old, address("address"))
    with opened(postgres_url, PARTS) as (_url, system):
        rows, _unlink = settle_shares(made, {"shop": system}, locate_all(made, {"shop": system}, ANN))
    assert rows[CollectionRef("shop", "address")].rows == ((1,),)


@pytest.mark.service
def test_an_heir_may_point_by_a_column_that_it_alone_has(postgres_url: str) -> None:
    script = """
    CREATE TABLE person (id int PRIMARY KEY, email text);
    CREATE TABLE sale (id int PRIMARY KEY, total int);
    CREATE TABLE brokered_sale (broker int REFERENCES person) INHERITS (sale);
    INSERT INTO person VALUES (1, 'ann@example.org'), (2, 'bob@example.org');
    INSERT INTO brokered_sale VALUES (1, 5, 2);
    """
    at = CollectionRef("shop", "person")
    made = made_plan(shop.collection("person", shop.key(), MAIL, meta=DELETE))
    with opened(postgres_url, script) as (url, system):
        for who, expected in ((ANN, None), ({"email": ["bob@example.org"]}, "1 rows of brokered_sale")):
            found = locate_all(made, {"shop": system}, who)[at]
            with pytest.raises(SystemRefused, match=expected) if expected else nullcontext():
                system.erase(made.node(at), found, seed=SEED, instant=NOW)
        assert dump(url)["person"] == [(2, "bob@example.org")]


@pytest.mark.service
def test_a_table_that_may_not_be_read_counts_as_an_owner(postgres_url: str) -> None:
    script = """
    CREATE TABLE address (id int PRIMARY KEY, street text);
    CREATE TABLE person (id int PRIMARY KEY, email text, address int REFERENCES address);
    CREATE TABLE secret (id int PRIMARY KEY, address int REFERENCES address);
    INSERT INTO address VALUES (1, 'road');
    INSERT INTO person VALUES (1, 'ann@example.org', 1);
    DROP ROLE IF EXISTS least_reader;
    CREATE ROLE least_reader LOGIN;
    GRANT SELECT, UPDATE, DELETE ON address, person TO least_reader;
    """
    made = made_plan(
        shop.collection("person", shop.key(), MAIL, shop.link("address", "address.id")), address("address")
    )
    with postgresql_database(postgres_url, script) as url:
        try:
            least = make_url(url).set(username="least_reader").render_as_string(hide_password=False)
            with SqlSystem(least) as system:
                rows, _unlink = settle_shares(made, {"shop": system}, locate_all(made, {"shop": system}, ANN))
                erase_all(made, {"shop": system}, locate_all(made, {"shop": system}, ANN), seed=SEED, instant=NOW)
            assert rows[CollectionRef("shop", "address")].co_owned == ((1,),)
            assert [dump(url)[name][0][1] for name in ("address", "person")] == ["road", None]
        finally:
            run(url, "DROP OWNED BY least_reader")
            run(url, "DROP ROLE least_reader")


@pytest.mark.parametrize("chunk", [1, 500])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_rows_that_point_at_each_other_are_deleted_together(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, chunk: int
) -> None:
    remark = shop.collection(
        "remark",
        shop.key(),
        shop.link("person", "person.id"),
        shop.link("parent", "remark.id"),
        shop.field("text", "user.content"),
        meta=DELETE,
    )
    made = made_plan(shop.collection("person", shop.key(), MAIL), remark)
    with database(engine, server_of(request, engine), tmp_path, THREAD) as url:
        with SqlSystem(url, limits=Limits(chunk=chunk)) as system:
            found = locate_all(made, {"shop": system}, ANN)
            once = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
            assert erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW) == once
        assert dump(url)["remark"] == [(4, 2, None, "his")]
