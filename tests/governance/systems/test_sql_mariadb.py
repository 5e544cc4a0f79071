"""What MariaDB adds: loose comparisons, days of zeros, numbers without sign, words from a list; needs a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap
from governance.catalogue.fideslang import parse
from governance.systems.sql import Located, Outcome, Status
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all, settle_shares
from tests.databases import dump, mariadb_database, run
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:Did not recognize type 'inet6'"),  # of the dump, not of the connector
]

SEED = bytes(32)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LARGE = 2**64 - 2
TABLES = f"""
SET sql_mode = '';
CREATE TABLE `Client` (
    id bigint unsigned PRIMARY KEY,
    email varchar(60) NOT NULL,
    mood enum('calm', 'cross') NOT NULL,
    wants set('a', 'b') NOT NULL,
    seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    born date,
    met datetime NOT NULL,
    spent decimal(6, 2) unsigned NOT NULL,
    weight float NOT NULL,
    extra json NOT NULL,
    notes json,
    photo binary(8) NOT NULL,
    since year NOT NULL,
    flags bit(3) NOT NULL,
    awake time NOT NULL,
    badge smallint unsigned NOT NULL UNIQUE,
    rank_ tinyint NOT NULL UNIQUE,
    follows boolean NOT NULL,
    visitor uuid NOT NULL UNIQUE,
    address inet6,
    shout varchar(60) AS (upper(email)) STORED
) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE bill (
    id int unsigned AUTO_INCREMENT PRIMARY KEY,
    client bigint unsigned NOT NULL REFERENCES `Client` (id),
    day timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    ship_to text,
    memo text
);
INSERT INTO `Client`
    (id, email, mood, wants, seen, born, met, spent, weight, extra, notes, photo, since, flags, awake, badge, rank_,
     follows, visitor, address)
VALUES
    ({LARGE}, 'Ann@example.org', 'cross', 'a,b', '2024-05-06 07:08:09', '1980-02-00', '0000-00-00 00:00:00', 12.50, 1.5,
     '{{"a": [1, 2.5]}}', '[1]', x'00ff', 2001, b'101', '-26:03:04', 7, 3, 1, '00000000-0000-4000-8000-00000000000a',
     '2001:db8::1'),
    (2, 'ánn@example.org', 'angry', '', '2024-05-06 07:08:09', NULL, '2024-05-06 07:08:09', 1, 1, '{{}}', NULL, '',
     1999, b'001', '01:02:03', 8, 4, 1, '00000000-0000-4000-8000-00000000000b', NULL);
INSERT INTO bill (client, day, ship_to, memo) VALUES
    ({LARGE}, '2020-02-29', 'old road', 'x'), ({LARGE}, '0000-00-00', 'no day', 'x'),
    ({LARGE}, '2012-01-31', 'older road', 'x'), (2, '2024-01-31', 'his road', 'x');
"""
PLAIN = "mood wants seen born met spent weight extra notes photo since flags awake badge rank_ follows visitor address"
CLIENT = shop.collection(
    "Client",
    shop.key(identity="client_id"),
    shop.field("email", "user.contact.email", "identity: email"),
    *(shop.field(name, "user.behavior") for name in (*PLAIN.split(), "shout")),
)
BILL = shop.collection(
    "bill",
    shop.key(),
    shop.link("client", "Client.id"),
    shop.field("day"),
    shop.field("ship_to", "user.contact"),
    shop.field("memo", "user.contact"),
)
RULE = """
retention_rule:
  - {key: tax, reason: The bill is a tax record., period: P10Y, from: bill.day, fields: [bill.ship_to]}
"""
ANN = {"email": ["ANN@example.org"]}
CLIENTS, BILLS = CollectionRef("shop", "Client"), CollectionRef("shop", "bill")


@pytest.fixture
def url(mariadb_url: str) -> Iterator[str]:
    with mariadb_database(mariadb_url, "SET time_zone = '+00:00';" + TABLES) as address:
        yield address


def plan_of(data_map: DataMap) -> planning.Plan:
    return planning.plan(data_map, {"email", "client_id"}, {"access", "erasure"})


def made_plan() -> planning.Plan:
    return plan_of(parse("dataset:\n  - fides_key: shop\n    collections:\n" + CLIENT + BILL + RULE).data_map)


def row_of(url: str, number: int) -> dict[str, object]:
    """One of the two clients as the database keeps it, by column."""
    names = ["id", "email", *PLAIN.split(), "shout"]
    [row] = [row for row in dump(url)["Client"] if row[0] == number]
    return dict(zip(names, row, strict=True))


def test_values_of_every_type_can_be_carried_as_json(url: str) -> None:
    made = made_plan()
    with SqlSystem(url) as system:
        assert [each.code for each in system.check(shop.described(CLIENT, BILL).datasets[0])] == []
        found = locate_all(made, {"shop": system}, ANN)
        [row] = json.loads(json.dumps(list(system.read(made.node(CLIENTS), found[CLIENTS].rows))))
        by_number = locate_all(made, {"shop": system}, {"client_id": [str(LARGE), "x", str(2**64)]})
    assert by_number == found
    assert row["id"] == LARGE
    assert (row["mood"], row["wants"], row["spent"]) == ("cross", "a,b", "12.50")
    assert (row["seen"], row["born"], row["met"]) == (
        "2024-05-06T07:08:09+00:00",
        "1980-02-00",
        "0000-00-00 00:00:00",
    )
    assert (row["extra"], row["photo"], row["since"], row["flags"]) == ({"a": [1, 2.5]}, "AP8AAAAAAAA=", 2001, 5)
    assert (row["awake"], row["address"], row["follows"]) == ("-26:03:04", "2001:db8::1", 1)
    assert row["visitor"] == "00000000-0000-4000-8000-00000000000a"


def test_every_type_is_erased_and_only_for_one_person(url: str) -> None:
    made = made_plan()
    other = row_of(url, 2)
    with SqlSystem(url) as system:
        found = {at: Located.from_dict(each.to_dict()) for at, each in locate_all(made, {"shop": system}, ANN).items()}
        outcomes = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
        once = dump(url)
        assert erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW) == outcomes
        for at in made.erase_order:
            assert system.still_there(made.node(at), found[at], seed=SEED, instant=NOW) == []
    assert dump(url) == once
    assert row_of(url, 2) == other
    row = row_of(url, LARGE)
    assert str(row["email"]).endswith("@erased.invalid")
    assert (row["mood"], row["wants"], row["born"], row["met"]) == ("calm", set(), None, datetime(1970, 1, 1))  # noqa: DTZ001
    assert row["seen"] == datetime(1970, 1, 1, 0, 0, 1)  # noqa: DTZ001 -- the first a TIMESTAMP can be
    assert (row["spent"], row["weight"], row["photo"]) == (0, 0, bytes(8))
    assert (row["since"], row["flags"], row["awake"], row["follows"]) == (1901, 0, datetime.min.time(), 0)
    assert (row["address"], row["shout"]) == (None, str(row["email"]).upper())
    assert (json.loads(str(row["extra"])), row["notes"]) == ({}, None)
    assert 2**15 < int(str(row["badge"])) < 2**16
    assert -128 <= int(str(row["rank_"])) < 0
    assert str(row["visitor"]) != "00000000-0000-4000-8000-00000000000a"
    assert outcomes[CLIENTS]["shout"] == (Outcome(Status.RETAINED, 1, "computed"),)


def test_a_word_that_is_not_in_the_list_is_read_and_erased(url: str) -> None:
    made = made_plan()
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"client_id": ["2"]})
        [row] = system.read(made.node(CLIENTS), found[CLIENTS].rows)
        assert row["mood"] == ""  # what MariaDB keeps for a word it does not know
        outcomes = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
    assert outcomes[CLIENTS]["mood"] == (Outcome(Status.ERASED, 1),)


def test_a_day_of_zeros_ends_no_retention_and_no_update_starts_it_anew(url: str) -> None:
    made = made_plan()
    before = [row[2] for row in dump(url)["bill"]]
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        outcomes = erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)[BILLS]["ship_to"]
    rows = dump(url)["bill"]
    assert [row[2] for row in rows] == before
    assert [row[3:] for row in rows] == [("old road", None), ("no day", None), (None, None), ("his road", "x")]
    assert set(outcomes) == {
        Outcome(Status.RETAINED, 2, "tax", "2030-02-28T00:00:00+00:00"),
        Outcome(Status.ERASED, 1),
    }


def test_an_accent_makes_another_person(url: str) -> None:
    """The usual collations take "á" for "a"; an erasure that did so would take the neighbour along."""
    made = made_plan()
    with SqlSystem(url) as system:
        ann = locate_all(made, {"shop": system}, ANN)
        other = locate_all(made, {"shop": system}, {"email": ["ÁNN@example.org"]})
    assert ann[CLIENTS].rows == ((LARGE,),)
    assert other[CLIENTS].rows == ((2,),)


ACCOUNTS = """
CREATE TABLE account (code varchar(15), mail varchar(60) COLLATE utf8mb4_bin, plan text);
INSERT INTO account VALUES ('aB3', 'One@example.org', 'x'), ('Ab3', 'two@example.org', 'y'), ('ab3 ', NULL, 'z');
CREATE TABLE home (id varchar(10) PRIMARY KEY, street text);
CREATE TABLE tenant (id int PRIMARY KEY, email varchar(60), home varchar(10) REFERENCES home (id));
CREATE TABLE lodger (id int PRIMARY KEY, home varchar(10) REFERENCES home (id) ON DELETE CASCADE);
INSERT INTO home VALUES ('H1', 'Road 1'), ('H2', 'Road 2');
INSERT INTO tenant VALUES (1, 'ann@example.org', 'H1'), (2, 'bob@example.org', 'h1'), (3, 'cy@example.org', 'H2');
INSERT INTO lodger VALUES (1, 'h2');
"""


def test_codes_that_differ_in_case_only_are_different_people(mariadb_url: str) -> None:
    fields = (shop.field("code", "user.unique_id", "identity: client_id"), shop.field("plan", "user.behavior"))
    made = plan_of(shop.described(shop.collection("account", *fields)))
    at = CollectionRef("shop", "account")
    with mariadb_database(mariadb_url, ACCOUNTS) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"client_id": ["Ab3"]})
        assert [row["plan"] for row in system.read(made.node(at), found[at].rows)] == ["y"]


def test_an_address_is_found_in_any_case_whatever_the_collation(mariadb_url: str) -> None:
    fields = (shop.field("mail", "user.contact.email", "identity: email"), shop.field("plan", "user.behavior"))
    made = plan_of(shop.described(shop.collection("account", *fields)))
    at = CollectionRef("shop", "account")
    with mariadb_database(mariadb_url, ACCOUNTS) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"email": ["ONE@example.org"]})
        assert [row["plan"] for row in system.read(made.node(at), found[at].rows)] == ["x"]


@pytest.mark.parametrize(("who", "home"), [("ann@example.org", "H1"), ("cy@example.org", "H2")])
def test_whoever_points_at_a_row_in_other_letters_still_owns_it(mariadb_url: str, who: str, home: str) -> None:
    """Its foreign keys hold between "h1" and "H1": a tenant of the map, and a lodger the map forgot."""
    homes = shop.collection("home", shop.key(), shop.field("street", "user.contact"))
    mail = shop.field("email", "user.contact.email", "identity: email")
    made = plan_of(shop.described(homes, shop.collection("tenant", shop.key(), mail, shop.link("home", "home.id"))))
    at = CollectionRef("shop", "home")
    with mariadb_database(mariadb_url, ACCOUNTS) as url, SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, {"email": [who]})
        assert found[at].rows == ((home,),)
        rows, _unlink = settle_shares(made, {"shop": system}, found)
        assert (rows[at].rows, rows[at].co_owned) == ((), ((home,),))


def test_a_table_that_cannot_roll_back_is_named(mariadb_url: str) -> None:
    with (
        mariadb_database(mariadb_url, "CREATE TABLE visit (id int PRIMARY KEY, email text) ENGINE=MyISAM") as url,
        SqlSystem(url) as system,
    ):
        visit = shop.collection("visit", shop.key(), shop.field("email", "user.contact.email", "identity: email"))
        assert [each.code for each in system.check(shop.described(visit).datasets[0])] == ["no_transactions"]


def test_a_time_longer_than_a_day_is_no_clock(url: str) -> None:
    run(url, f"UPDATE `Client` SET awake = '123:00:00.0' WHERE id = {LARGE}")
    made = made_plan()
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        [row] = system.read(made.node(CLIENTS), found[CLIENTS].rows)
    assert row["awake"] == "123:00:00"
