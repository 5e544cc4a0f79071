"""Rows that belong to several people, to others, or to nobody: nobody else is harmed and nothing is missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap
from governance.catalogue.fideslang import parse
from governance.errors import SystemRefused
from governance.systems.sql import Located, Outcome, Status, Staying
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all, settle_shares
from tests import databases
from tests.databases import database, run, server_of
from tests.governance.systems import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governance.catalogue.planning import Plan

SEED = bytes(range(32))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ANN = {"email": ["ann@example.org"]}
CY = {"email": ["cy@example.org"]}


Make = Callable[[str], str]


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Answer what makes a database of the parametrised kind from a script."""
    server = server_of(request, request.param)
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(database(request.param, server, tmp_path, script))


@pytest.fixture
def url(make: Make) -> str:
    return make(shop.TABLES + shop.ROWS)


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row, with days spelt the same whatever the driver gives."""
    rows = databases.dump(url)
    return {
        name: [tuple(str(each) if isinstance(each, date) else each for each in row) for row in table]
        for name, table in rows.items()
    }


def plan_of(data_map: DataMap) -> Plan:
    assert [each for each in data_map.check() if each.severity == "error"] == []
    return planning.plan(data_map, {"email"}, {"access", "erasure"})


def ref(name: str) -> CollectionRef:
    return CollectionRef("shop", name)


def erased(
    url: str, data_map: DataMap, who: dict[str, list[str]]
) -> dict[CollectionRef, dict[str, tuple[Outcome, ...]]]:
    """Erase twice, so that every test here also proves that repeating is harmless, and re-read what was erased."""
    made = plan_of(data_map)
    with SqlSystem(url) as system:
        systems = {"shop": system}
        found = {at: Located.from_dict(each.to_dict()) for at, each in locate_all(made, systems, who).items()}
        rows, unlink = settle_shares(made, systems, found)
        outcomes = erase_all(made, systems, found, seed=SEED, instant=NOW)
        once = dump(url)
        for at in made.erase_order:
            cut = unlink.get(at)
            again = system.erase(made.node(at), rows[at], seed=SEED, instant=NOW, unlink=cut)
            assert again == outcomes[at]
            assert system.still_there(made.node(at), rows[at], seed=SEED, instant=NOW, unlink=cut) == []
        assert dump(url) == once
    return outcomes


def test_an_address_two_people_share_is_left_and_only_the_pointer_goes(url: str) -> None:
    outcomes = erased(url, shop.described(shop.ADDRESS, shop.PERSON), ANN)
    after = dump(url)
    assert after["address"][0] == (1, "Shared Street 1", "Lund")
    assert after["person"][0][7] is None
    assert after["person"][1:] == [
        (2, "Bob@example.org", "Bob", "1990-01-01", 8, "hash2", 1, 1),
        (3, "cy@example.org", "Cy", "1970-05-05", 9, None, 1, 2),
    ]
    assert outcomes[ref("address")]["street"] == (Outcome(Status.RETAINED, 1, "shared_with_another_person"),)
    assert outcomes[ref("person")]["address_id"] == (Outcome(Status.ERASED, 1, "unlinked"),)


def test_an_address_of_one_person_alone_is_erased(url: str) -> None:
    outcomes = erased(url, shop.described(shop.ADDRESS, shop.PERSON), CY)
    assert dump(url)["address"] == [
        (1, "Shared Street 1", "Lund"),
        (2, None, None),
        (3, "Staff Street 3", "Lund"),
    ]
    assert outcomes[ref("address")]["street"] == (Outcome(Status.ERASED, 1),)


def test_a_table_the_map_forgot_still_counts_as_an_owner(url: str, make: Make) -> None:
    forgotten = "CREATE TABLE parcel (id INTEGER PRIMARY KEY, to_id INTEGER REFERENCES address (id));"
    own = make(shop.TABLES + shop.ROWS + forgotten + "INSERT INTO parcel VALUES (1, 2);")
    assert erased(own, shop.described(shop.ADDRESS, shop.PERSON), CY)[ref("address")]["city"][0].status == "retained"
    assert erased(url, shop.described(shop.ADDRESS, shop.PERSON), CY)[ref("address")]["city"][0].status == "erased"


def test_a_pointer_in_a_system_that_cannot_be_asked_counts_as_an_owner(url: str) -> None:
    from governance.catalogue.data_map import combine

    elsewhere = parse(
        "dataset: [{fides_key: crm, collections: [{name: lead, fields: [{name: id, fides_meta: {primary_key: true}},"
        " {name: home, data_categories: [system], fides_meta: {references: [{dataset: shop, field: address.id}]}}]}]}]"
    ).data_map
    made = plan_of(combine(shop.described(shop.ADDRESS, shop.PERSON), elsewhere))
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, CY)
        node = made.node(ref("address"))
        assert system.other_owners(node, found[node.at], plan=made, found=found) == {(2,): 1}


def test_the_friend_who_was_referred_is_not_followed(url: str) -> None:
    made = plan_of(shop.described(shop.ADDRESS, shop.PERSON))
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        rows = list(system.read(made.node(ref("person")), found[ref("person")].rows))
        assert system.held(made.node(ref("person")), found[ref("person")].rows) == {"password": 1}
    assert [row["id"] for row in rows] == [1]
    assert "password" not in rows[0]
    assert "referred_by" in {each.field for each in made.node(ref("person")).withheld}


def test_a_message_between_two_people_keeps_its_words_and_loses_one_name(url: str) -> None:
    outcomes = erased(url, shop.described(shop.PERSON, shop.ADDRESS, shop.MESSAGE, shop.ATTACHMENT), ANN)
    after = dump(url)
    assert after["message"] == [(1, None, 2, "Ann to Bob"), (2, 1, None, None), (3, 2, 3, "Bob to Cy")]
    assert after["attachment"] == [(1, 1, "shared picture"), (2, 2, None), (3, 3, "foreign picture")]
    body = set(outcomes[ref("message")]["body"])
    assert body == {Outcome(Status.ERASED, 1), Outcome(Status.RETAINED, 1, "shared_with_another_person")}


def test_a_ticket_someone_merely_handled_is_not_theirs(url: str) -> None:
    data_map = shop.described(shop.STAFF, shop.ADDRESS, shop.TICKET)
    made = plan_of(data_map)
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        texts = [row["text"] for row in system.read(made.node(ref("ticket")), found[ref("ticket")].rows)]
    assert texts == ["about Ann", "by Ann"]
    assert found[ref("ticket")].withheld == 1
    erased(url, data_map, ANN)
    assert dump(url)["ticket"][1] == (2, "cy@example.org", 2, "Cy, served by Ann")


def test_an_identity_is_erased_even_where_the_map_calls_it_operational(url: str) -> None:
    erased(url, shop.described(shop.TICKET, shop.STAFF, shop.ADDRESS), ANN)
    assert dump(url)["ticket"][0] == (1, None, 1, None)


def test_staff_are_another_person_to_the_customer_they_share_an_address_with(url: str) -> None:
    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS, shop.STAFF))
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, CY)
    assert found[ref("staff")].rows == ()
    assert found[ref("address")].rows == ((2,),)


def test_composite_keys_reach_exactly_their_rows(url: str) -> None:
    outcomes = erased(url, shop.described(shop.PERSON, shop.ADDRESS, shop.BASKET, shop.BASKET_ITEM), ANN)
    assert dump(url)["basket_item"] == [(1, 1, None), (1, 2, None), (2, 1, "chair")]
    assert outcomes[ref("basket_item")]["wish"] == (Outcome(Status.ERASED, 2),)


def test_a_table_without_a_key_is_read_but_never_erased(url: str) -> None:
    made = plan_of(shop.described(shop.VISIT))
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        node = made.node(ref("visit"))
        assert list(system.read(node, found[node.at].rows)) == [{"email": "ann@example.org", "page": "/a"}] * 2
    outcomes = erased(url, shop.described(shop.VISIT), ANN)
    assert outcomes[ref("visit")]["page"][0].reason == "no_primary_key"
    assert len([row for row in dump(url)["visit"] if row[0] == "ann@example.org"]) == 2


def test_rows_without_a_key_are_told_apart_by_what_they_are_found_by(make: Make) -> None:
    url = make(
        "CREATE TABLE list (email TEXT, second TEXT, topic TEXT);"
        "INSERT INTO list VALUES ('ann@example.org', NULL, 'a'), ('ann@example.org', 'x@example.org', 'b'),"
        " (NULL, 'ann@example.org', 'c'), (NULL, NULL, 'd'), ('cy@example.org', NULL, 'e');",
    )
    fields = (shop.field(name, "user.contact.email", "identity: email") for name in ("email", "second"))
    made = plan_of(shop.described(shop.collection("list", *fields, shop.field("topic", "user.behavior"))))
    with SqlSystem(url) as system:
        located = locate_all(made, {"shop": system}, ANN)[ref("list")]
        topics = [row["topic"] for row in system.read(made.node(ref("list")), located.rows)]
    assert sorted(topics) == ["a", "b", "c"]


def test_a_row_without_its_date_is_kept_and_no_end_is_told(url: str) -> None:
    rule = "retention_rule: [{key: tax, reason: law, period: P1Y, from: basket.label, fields: [basket.label]}]"
    whole = "dataset:\n  - fides_key: shop\n    collections:\n" + shop.PERSON + shop.ADDRESS + shop.BASKET + rule
    outcomes = erased(url, parse(whole).data_map, ANN)
    assert outcomes[ref("basket")]["label"] == (Outcome(Status.RETAINED, 1, "tax"),)
    assert dump(url)["basket"][0] == (1, 1, "mine")


def test_erasing_later_what_stayed_twice_says_the_same_and_leaves_a_row_that_changed_hands(make: Make) -> None:
    url = make(
        shop.TABLES
        + shop.ROWS
        + "CREATE TABLE bill (id INTEGER PRIMARY KEY, person_id INTEGER, signed DATE, payer VARCHAR(9));"
        "INSERT INTO bill VALUES (1, 1, '2020-01-01', 'Ann'), (2, 1, '2020-01-01', 'Ann'), (3, 1, '2020-01-01', 'Ann');"
    )
    bill = shop.collection(
        "bill",
        shop.key(),
        shop.link("person_id", "person.id"),
        shop.field("payer", "user.name"),
        shop.field("signed", "system.operations"),
    )
    rule = "retention_rule: [{key: tax, reason: law, period: P10Y, from: bill.signed, fields: [bill.payer]}]"
    whole = "dataset:\n  - fides_key: shop\n    collections:\n" + shop.PERSON + shop.ADDRESS + bill + rule
    made = plan_of(parse(whole).data_map)
    node, over = made.node(ref("bill")), datetime(2030, 1, 1, tzinfo=UTC)
    with SqlSystem(url) as system:
        located = locate_all(made, {"shop": system}, ANN)[ref("bill")]
        system.erase(node, located, seed=SEED, instant=NOW)
        stayed = system.staying(node, located, seed=SEED, instant=NOW)
        assert [each.key for each in stayed] == [(1,), (2,), (3,)]
        stayed = [Staying.from_dict(json.loads(json.dumps(each.to_dict()))) for each in stayed]
        run(url, "UPDATE bill SET person_id = 2, payer = 'Bob' WHERE id = 2")
        run(url, "UPDATE bill SET signed = '2021-01-01' WHERE id = 3")
        later = replace(located, staying=tuple(stayed))
        first = system.erase(node, later, seed=SEED, instant=over)
        once = dump(url)
        assert system.erase(node, later, seed=SEED, instant=over) == first
        assert system.still_there(node, later, seed=SEED, instant=over) == []
        assert system.staying(node, later, seed=SEED, instant=over) == []
    assert dump(url) == once
    assert [row[3] for row in once["bill"]] == [None, "Bob", "Ann"]
    assert set(first["payer"]) == {Outcome(Status.ERASED, 1), Outcome(Status.NOT_FOUND, 2)}


def test_two_tables_that_point_at_each_other_are_walked_once(url: str) -> None:
    data_map = shop.described(shop.PERSON, shop.ADDRESS, shop.HOUSEHOLD, shop.PET)
    erased(url, data_map, ANN)
    after = dump(url)
    assert after["household"] == [(1, 1, None, 1), (2, 2, "theirs", 2)]
    assert after["pet"] == [(1, 1, None), (2, 2, "Tom"), (3, 1, None)]


def test_orphans_belong_to_nobody(make: Make) -> None:
    loose = shop.TABLES.replace(
        "basket (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id),",
        "basket (id INTEGER PRIMARY KEY, person_id INTEGER,",
    )
    own = make(loose + shop.ROWS + "INSERT INTO basket VALUES (9, 99, 'lost'), (10, NULL, 'blank');")
    erased(own, shop.described(shop.PERSON, shop.ADDRESS, shop.BASKET), ANN)
    assert dump(own)["basket"][2:] == [(9, 99, "lost"), (10, None, "blank")]


def test_rows_are_deleted_where_the_map_says_so_children_first(url: str) -> None:
    basket = shop.BASKET.replace(
        "        fields:", "        fides_meta: {masking_strategy_override: {strategy: delete}}\n        fields:"
    )
    item = shop.BASKET_ITEM.replace(
        "        fields:", "        fides_meta: {masking_strategy_override: {strategy: delete}}\n        fields:"
    )
    data_map = shop.described(shop.PERSON, shop.ADDRESS, basket, item)
    with SqlSystem(url) as system:
        made = plan_of(data_map)
        assert system.dry_run(made, locate_all(made, {"shop": system}, ANN), {"shop"}) == []
    outcomes = erased(url, data_map, ANN)
    after = dump(url)
    assert after["basket"] == [(2, 2, "his")]
    assert after["basket_item"] == [(2, 1, "chair")]
    assert outcomes[ref("basket_item")]["wish"] == (Outcome(Status.ERASED, 2),)


def test_a_deletion_that_would_break_a_foreign_key_is_reported_before_anything_is_touched(url: str) -> None:
    basket = shop.BASKET.replace(
        "        fields:", "        fides_meta: {masking_strategy_override: {strategy: delete}}\n        fields:"
    )
    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS, basket))  # the map forgot basket_item
    before = dump(url)
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)
        assert [each.code for each in system.dry_run(made, found, {"shop"})] == ["foreign_key"]
        with pytest.raises(SystemRefused, match="2 rows of basket_item"):
            erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
    assert dump(url) == before


def test_columns_that_may_not_be_null_get_a_value_that_fits(url: str) -> None:
    erased(url, shop.described(shop.PERSON, shop.ADDRESS), ANN)
    erased(url, shop.described(shop.PERSON, shop.ADDRESS), CY)
    ann, _, cy = dump(url)["person"]
    assert ann[1].startswith("erased-")
    assert ann[1].endswith("@erased.invalid")
    assert ann[1] != cy[1]
    assert ann[2:6] == ("erased", "1970-01-01", 0, None)


def test_what_was_put_back_is_noticed(url: str) -> None:
    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS))
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, CY)
        erase_all(made, {"shop": system}, found, seed=SEED, instant=NOW)
        run(url, "UPDATE person SET name = 'Cy' WHERE id = 3")
        node = made.node(ref("person"))
        assert system.still_there(node, found[node.at], seed=SEED, instant=NOW) == ["name"]


def test_rows_that_are_gone_are_said_to_be_gone(url: str) -> None:
    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS))
    node = made.node(ref("person"))
    with SqlSystem(url) as system:
        outcomes = system.erase(node, Located(rows=((77,),)), seed=SEED, instant=NOW)
        nothing = system.erase(node, Located(), seed=SEED, instant=NOW)
    assert outcomes["name"] == (Outcome(Status.NOT_FOUND, 1),)
    assert nothing["name"] == (Outcome(Status.NOT_FOUND, 0),)


def test_a_person_with_too_many_rows_is_refused_not_cut_short(url: str) -> None:
    from governance.systems.sql.engine import Limits

    made = plan_of(shop.described(shop.PERSON, shop.ADDRESS, shop.BASKET, shop.BASKET_ITEM))
    with SqlSystem(url, limits=Limits(rows=1)) as system, pytest.raises(SystemRefused, match="more than 1 rows"):
        locate_all(made, {"shop": system}, ANN)
    with SqlSystem(url, limits=Limits(chunk=1)) as system:
        assert len(locate_all(made, {"shop": system}, ANN)[ref("basket_item")].rows) == 2
