"""What PostgreSQL adds: schemas, strict types, capitals, its own limits; needs a server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.errors import SystemRefused, SystemUnavailable
from governance.systems.sql import Located, Outcome, Status
from governance.systems.sql.engine import Limits
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import dump, postgresql_database
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.service

SEED = bytes(32)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
TABLES = """
CREATE SCHEMA sales;
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE sales."Client" (
    id uuid PRIMARY KEY,
    "EMail" varchar(60) NOT NULL UNIQUE,
    mood mood NOT NULL,
    seen timestamptz NOT NULL,
    born date,
    spent numeric(10, 2) NOT NULL,
    extra jsonb NOT NULL,
    photo bytea NOT NULL,
    tags text[],
    code char(12) NOT NULL UNIQUE,
    address inet,
    shout text GENERATED ALWAYS AS (upper("EMail")) STORED,
    follows boolean NOT NULL,
    visitor uuid NOT NULL UNIQUE
);
CREATE TABLE sales.bill (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client uuid NOT NULL REFERENCES sales."Client" (id),
    day date NOT NULL,
    ship_to text
);
INSERT INTO sales."Client" VALUES
    ('00000000-0000-4000-8000-000000000001', 'Ann@example.org', 'cross', '2024-05-06 07:08:09+02', '1980-02-29', 12.50,
     '{"a": [1, 2.5]}', '\\x00ff', '{x,y}', 'A1', '192.0.2.1', DEFAULT, true,
     '00000000-0000-4000-8000-00000000000a'),
    ('00000000-0000-4000-8000-000000000002', 'bob@example.org', 'cross', now(), NULL, 1, '{}', '\\x01', NULL, 'B2',
     NULL, DEFAULT, true, '00000000-0000-4000-8000-00000000000b');
INSERT INTO sales.bill (client, day, ship_to) VALUES
    ('00000000-0000-4000-8000-000000000001', '2024-02-29', 'old road'),
    ('00000000-0000-4000-8000-000000000001', '2012-01-31', 'older road'),
    ('00000000-0000-4000-8000-000000000002', '2024-01-31', 'his road');
CREATE VIEW sales.slow AS SELECT 1 AS id, 'x'::text AS email, pg_sleep(20)::text AS nap;
"""
RULE = """
retention_rule:
  - {key: tax, reason: The bill is a tax record., period: P10Y, from: sales.bill.day, fields: [sales.bill.ship_to]}
"""
CLIENT = shop.collection(
    "sales.Client",
    shop.key(identity="client_id"),
    shop.field("EMail", "user.contact.email", "identity: email"),
    *(
        shop.field(name, "user.behavior")
        for name in ["mood", "seen", "born", "spent", "extra", "photo", "tags", "code", "address", "shout"]
    ),
    *(shop.field(name, "user.device") for name in ("follows", "visitor")),
)
BILL = shop.collection(
    "sales.bill",
    shop.key(),
    shop.link("client", "sales.Client.id"),
    shop.field("day"),
    shop.field("ship_to", "user.contact"),
)
ANN = {"email": ["ANN@example.org"]}
CLIENTS, BILLS = CollectionRef("shop", "sales.Client"), CollectionRef("shop", "sales.bill")


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgresql_database(postgres_url, TABLES) as address:
        yield address


def made_plan() -> planning.Plan:
    from governance.catalogue.fideslang import parse

    text = "dataset:\n  - fides_key: shop\n    collections:\n" + CLIENT + BILL + RULE
    return planning.plan(parse(text).data_map, {"email", "client_id"}, {"access", "erasure"})


def everything(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def test_values_of_every_type_can_be_carried_as_json(url: str) -> None:
    import json

    made = made_plan()
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        [row] = json.loads(json.dumps(list(system.read(made.node(CLIENTS), found[CLIENTS].rows))))
        assert len(list(system.read(made.node(BILLS), found[BILLS].rows))) == 2
        by_id = locate_all(made, {"shop": system}, {"client_id": ["00000000-0000-4000-8000-000000000001", "1"]})
    assert by_id == found
    assert row["id"] == "00000000-0000-4000-8000-000000000001"
    assert row["seen"] == "2024-05-06T05:08:09+00:00"
    assert (row["spent"], row["extra"], row["photo"]) == ("12.50", {"a": [1, 2.5]}, "AP8=")
    assert (row["tags"], row["address"], row["born"]) == (["x", "y"], "192.0.2.1", "1980-02-29")


def test_every_type_is_erased_and_only_for_one_person(url: str) -> None:
    made = made_plan()
    bob = """SELECT * FROM sales."Client" WHERE code = 'B2'"""
    before = everything(url, bob)
    with SqlSystem(url) as system:
        found = {at: Located.from_dict(each.to_dict()) for at, each in locate_all(made, {"shop": system}, ANN).items()}
        outcomes = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
        assert erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW) == outcomes
        for at in made.erase_order:
            assert system.still_there(made.node(at), found[at], seed=SEED, instant=NOW) == []
    assert everything(url, bob) == before
    [row] = everything(url, """SELECT * FROM sales."Client" WHERE code <> 'B2'""")
    assert str(row[1]).endswith("@erased.invalid")
    assert row[2:9] == ("calm", datetime(1970, 1, 1, tzinfo=UTC), None, 0, {}, b"", None)
    assert row[10:13] == (None, str(row[1]).upper(), False)
    assert str(row[9]).strip() != "A1"
    assert str(row[13]) != "00000000-0000-4000-8000-00000000000a"
    assert outcomes[CLIENTS]["shout"] == (Outcome(Status.RETAINED, 1, "computed"),)


def test_each_row_is_kept_until_its_own_date(url: str) -> None:
    made = made_plan()
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        outcomes = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)[BILLS]["ship_to"]
    assert set(outcomes) == {
        Outcome(Status.RETAINED, 1, "tax", "2034-02-28T00:00:00+00:00"),
        Outcome(Status.ERASED, 1),
    }
    assert everything(url, "SELECT ship_to FROM sales.bill ORDER BY id") == [("old road",), (None,), ("his road",)]


def test_names_keep_their_capitals(url: str) -> None:
    wrong = shop.described(shop.collection("sales.client", shop.key(), shop.field("email", "user.contact.email")))
    with SqlSystem(url) as system:
        assert [each.code for each in system.check(wrong.datasets[0])] == ["missing_table"]
        assert [each for each in system.check(shop.described(CLIENT, BILL).datasets[0]) if each.blocks] == []


def test_a_slow_system_is_unavailable_after_the_limit(url: str) -> None:
    slow = shop.described(shop.collection("sales.slow", shop.field("nap", "user.contact.email", "identity: email")))
    made = planning.plan(slow, {"email"}, {"access"})
    with SqlSystem(url, limits=Limits(statement_seconds=0.3)) as system:
        with pytest.raises(SystemUnavailable, match="longer than the limit"):
            locate_all(made, {"shop": system}, ANN)
        system.ping()


def test_an_account_that_may_only_read_is_told_so(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    made = made_plan()
    before = dump(url)
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        with pytest.raises(SystemRefused, match="read-only"):
            erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
    assert dump(url) == before


def test_a_wrong_password_or_database_says_neither(url: str) -> None:
    with SqlSystem(url + "_none") as system, pytest.raises(SystemUnavailable) as caught:
        system.ping()
    assert "connector_" not in str(caught.value)
