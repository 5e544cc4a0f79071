"""Types beyond text, numbers and days: domains, endless days, arrays, ranges, places; read as they are, and erased."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef
from governance.systems.sql import Located, Outcome, Status
from governance.systems.sql.system import SqlSystem
from tests.databases import dump, mariadb_database, postgresql_database
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.catalogue.planning import Node

pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:Did not recognize type 'geometry'"),  # of the dump, not of the connector
]

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANN = {"email": ["ANN@example.org"]}
#: Column: its type, Ann's value, how the copy tells it, and what is left of it.
COLUMNS: dict[str, tuple[str, str, Any, Any]] = {
    "first": ('"Name" NOT NULL', "'Ann'", "Ann", "erased"),
    "flag": ('"Flag"', "true", True, False),
    "score": ("rating NOT NULL", "'high'", "high", "low"),
    "seen": ("timestamptz NOT NULL", "'infinity'", "infinity", "1970-01-01 00:00:00+00"),
    "valid_to": ("date", "'infinity'", "infinity", None),
    "born": ("date NOT NULL", "'0044-03-15 BC'", "0044-03-15 BC", "1970-01-01"),
    "opens": ("time NOT NULL", "'24:00:00'", "24:00:00", "00:00:00"),
    "zoned": ("timetz NOT NULL", "'24:00:00+02'", "24:00:00+02", "00:00:00+00"),
    "term": ("interval NOT NULL", "'1 year 2 mons 3 days'", "1 year 2 mons 3 days", "00:00:00"),
    "bits": ("bit(3) NOT NULL", "B'101'", "101", "000"),
    "loose": ("bit varying NOT NULL", "B'1'", "1", ""),
    "paper": ("xml NOT NULL", "'<a/>'", "<a/>", ""),
    "place": ("point NOT NULL", "'(1,2)'", "(1,2)", "(0,0)"),
    "area": ("box NOT NULL", "'(3,4),(1,2)'", "(3,4),(1,2)", "(0,0),(0,0)"),
    "ages": ("int4range NOT NULL", "'[1,5)'", "[1,5)", "empty"),
    "stay": ("tstzrange NOT NULL", "'[2020-01-01,infinity)'", "[2020-01-01 00:00:00+00:00,infinity)", "empty"),
    "days": ("date[] NOT NULL", "'{2020-01-01,infinity}'", ["2020-01-01", "infinity"], "{}"),
    "moods": ("mood[] NOT NULL", "'{high}'", ["high"], "{}"),
    "words": ("tsvector NOT NULL", "'''cat'''", "'cat'", ""),
    "ip": ("inet NOT NULL", "'192.0.2.1/24'", "192.0.2.1/24", "0.0.0.0/32"),
    "net": ("cidr NOT NULL", "'192.0.2.0/24'", "192.0.2.0/24", "0.0.0.0/32"),
    "card": ("macaddr NOT NULL", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03", "00:00:00:00:00:00"),
    "extra": (
        "jsonb",
        """'{"n": 12345678901234567890.25, "m": 1.50}'""",
        {"n": "12345678901234567890.25", "m": 1.5},
        None,
    ),
}
TABLE = f"""
CREATE DOMAIN "Name" varchar(50);
CREATE DOMAIN "Flag" boolean NOT NULL;
CREATE DOMAIN mail AS varchar(60) CHECK (VALUE ~ '@');
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN rating AS mood;
CREATE TABLE client (
    id char(8), since date, turn bigint GENERATED ALWAYS AS IDENTITY, email mail NOT NULL,
    {", ".join(f"{name} {kind}" for name, (kind, *_rest) in COLUMNS.items())},
    PRIMARY KEY (id, since)
);
CREATE TABLE bill (id serial PRIMARY KEY, client varchar(10), street text);
INSERT INTO client
    VALUES ('A1', 'infinity', DEFAULT, 'Ann@example.org', {", ".join(each[1] for each in COLUMNS.values())});
INSERT INTO bill (client, street) VALUES ('A1', 'her road'), ('B2', 'his road');
"""
CLIENT = shop.collection(
    "client",
    shop.key("id", "client_id"),
    shop.key("since"),
    shop.field("turn", "user.behavior"),
    shop.field("email", "user.contact.email", "identity: email"),
    *(shop.field(name, "user.behavior") for name in COLUMNS),
)
BILL = shop.collection("bill", shop.key(), shop.link("client", "client.id"), shop.field("street", "user.contact"))
CLIENTS, BILLS = CollectionRef("shop", "client"), CollectionRef("shop", "bill")


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgresql_database(postgres_url, TABLE) as address:
        yield address


def made_plan(*collections: str) -> planning.Plan:
    return planning.plan(shop.described(*collections), {"email", "client_id"}, {"access", "erasure"})


def found_in(system: SqlSystem, node: Node) -> Located:
    """What a step finds, after it was kept."""
    return Located.from_dict(json.loads(json.dumps(system.locate(node, ANN, {}).to_dict())))


def test_every_type_is_described_read_and_erased(url: str) -> None:
    node = made_plan(CLIENT).node(CLIENTS)
    with SqlSystem(url) as system:
        assert system.check(shop.described(CLIENT).datasets[0]) == []
        found = found_in(system, node)
        [row] = json.loads(json.dumps(list(system.read(node, found.rows))))
        assert {name: row[name] for name in COLUMNS} == {name: each[2] for name, each in COLUMNS.items()}
        system.erase(node, found, seed=bytes(32), instant=NOW)
        assert system.still_there(node, found, seed=bytes(32), instant=NOW) == []
    left = ", ".join(f"{name}::text" for name in COLUMNS)
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        after = connection.execute(f"SELECT {left} FROM client").fetchone()
    expected = {name: each[3] for name, each in COLUMNS.items()} | {"flag": "false"}
    assert dict(zip(COLUMNS, after or (), strict=True)) == expected


def test_a_padded_key_is_told_without_its_padding(url: str) -> None:
    """CHAR fills up with blanks that are no part of the value: a VARCHAR that points at it has none."""
    made = made_plan(CLIENT, BILL)
    with SqlSystem(url) as system:
        client = system.locate(made.node(CLIENTS), {"client_id": ["A1"]}, {})
        bill = system.locate(made.node(BILLS), {}, {CLIENTS: client})
        assert client.rows == (("A1", "infinity"),)
        assert [row["street"] for row in system.read(made.node(BILLS), bill.rows)] == ["her road"]


def test_a_double_keeps_its_digits(mariadb_url: str) -> None:
    script = """
    CREATE TABLE spot (id int PRIMARY KEY, email varchar(60), tiny double, large real, small float, half decimal(5, 2));
    INSERT INTO spot VALUES (1, 'ann@example.org', 1.25e-12, 12345.678901234567, 0.5, 0.5);
    """
    mail = shop.field("email", "user.contact.email", "identity: email")
    fields = (shop.field(name, "user.location") for name in ("tiny", "large", "small", "half"))
    node = made_plan(shop.collection("spot", shop.key(), mail, *fields)).node(CollectionRef("shop", "spot"))
    with mariadb_database(mariadb_url, script) as url, SqlSystem(url) as system:
        [row] = system.read(node, found_in(system, node).rows)
    assert (row["tiny"], row["large"], row["small"], row["half"]) == (1.25e-12, 12345.678901234567, 0.5, "0.50")


def test_a_view_is_read_and_said_to_stay(postgres_url: str) -> None:
    script = """
    CREATE TABLE person (id int PRIMARY KEY, email text);
    INSERT INTO person VALUES (1, 'ann@example.org');
    CREATE VIEW listed AS SELECT DISTINCT id, email FROM person;
    CREATE MATERIALIZED VIEW kept AS SELECT id, email FROM person;
    """
    mail = shop.field("email", "user.contact.email", "identity: email")
    plan = made_plan(shop.collection("listed", mail), shop.collection("kept", mail))
    with postgresql_database(postgres_url, script) as url, SqlSystem(url) as system:
        for node in plan:
            found = found_in(system, node)
            assert list(system.read(node, found.rows)) == [{"email": "ann@example.org"}]
            ends = system.erase(node, found, seed=bytes(32), instant=NOW)
            assert ends["email"] == (Outcome(Status.RETAINED, 1, "no_primary_key"),)


def test_a_place_on_mariadb_is_moved_to_nowhere(mariadb_url: str) -> None:
    script = """
    CREATE TABLE address (id int PRIMARY KEY, email varchar(60), location geometry NOT NULL, SPATIAL KEY (location));
    INSERT INTO address VALUES (1, 'ann@example.org', ST_GeomFromText('POINT(1 2)'));
    """
    mail = shop.field("email", "user.contact.email", "identity: email")
    address = shop.collection("address", shop.key(), mail, shop.field("location", "user.location"))
    node = made_plan(address).node(CollectionRef("shop", "address"))
    with mariadb_database(mariadb_url, script) as url, SqlSystem(url) as system:
        found = found_in(system, node)
        system.erase(node, found, seed=bytes(32), instant=NOW)
        assert system.still_there(node, found, seed=bytes(32), instant=NOW) == []
        assert dump(url)["address"][0][2] == bytes(4) + bytes([1, 1, 0, 0, 0]) + bytes(16)
