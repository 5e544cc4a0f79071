"""Rows between two people that name one of them outright: the other keeps what was said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governance.systems.sql import Outcome, Status
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import locate_all
from tests.databases import run
from tests.governance.systems import shop
from tests.governance.systems.test_sql_people import ANN, dump, erased, plan_of, ref
from tests.governance.systems.test_sql_people import make as make  # noqa: PLC0414  # fixtures by their names
from tests.governance.systems.test_sql_people import url as url  # noqa: PLC0414

if TYPE_CHECKING:
    from governance.catalogue.data_map import DataMap

MAIL = """
CREATE TABLE mail (id INTEGER PRIMARY KEY, sender_id INTEGER REFERENCES person (id),
    receiver_id INTEGER REFERENCES person (id), sender_email VARCHAR(60), body TEXT)
"""
LETTERS = """
INSERT INTO mail VALUES (1, 1, 2, 'ANN@example.org', 'Ann to Bob'), (2, 1, NULL, 'ann@example.org', 'Ann to nobody'),
    (3, 2, 1, 'Bob@example.org', 'Bob to Ann'), (4, 2, 3, 'Bob@example.org', 'Bob to Cy')
"""


@pytest.fixture
def post(url: str) -> DataMap:
    run(url, MAIL)
    run(url, LETTERS)
    mail = shop.collection(
        "mail",
        shop.key(),
        shop.link("sender_id", "person.id"),
        shop.link("receiver_id", "person.id"),
        shop.field("sender_email", "user.contact.email", "identity: email"),
        shop.field("body", "user.content"),
    )
    return shop.described(shop.PERSON, shop.ADDRESS, mail)


def test_what_one_person_wrote_to_another_stays_theirs(url: str, post: DataMap) -> None:
    outcomes = erased(url, post, ANN)
    assert dump(url)["mail"] == [
        (1, None, 2, None, "Ann to Bob"),
        (2, 1, None, None, None),
        (3, 2, 1, "Bob@example.org", "Bob to Ann"),
        (4, 2, 3, "Bob@example.org", "Bob to Cy"),
    ]
    body = set(outcomes[ref("mail")]["body"])
    assert body == {Outcome(Status.ERASED, 1), Outcome(Status.RETAINED, 1, "shared_with_another_person")}


def test_it_is_counted_as_shared_and_not_copied(url: str, post: DataMap) -> None:
    made = plan_of(post)
    with SqlSystem(url) as system:
        found = locate_all(made, {"shop": system}, ANN)[ref("mail")]
        assert [row["body"] for row in system.read(made.node(ref("mail")), found.rows)] == ["Ann to nobody"]
    assert (found.rows, found.co_owned, found.withheld) == (((2,),), ((1,),), 1)


def test_a_person_who_points_at_two_others_is_still_their_own(url: str) -> None:
    run(url, "CREATE TABLE doctor (id INTEGER PRIMARY KEY, email VARCHAR(60))")
    run(url, "CREATE TABLE patient (id INTEGER PRIMARY KEY, email VARCHAR(60), doctor_id INTEGER, friend_id INTEGER)")
    run(url, "INSERT INTO doctor VALUES (1, 'doc@example.org')")
    run(url, "INSERT INTO patient VALUES (1, 'ann@example.org', 1, 2)")
    doctor = shop.collection("doctor", shop.key(), shop.field("email", "user.contact.email", "identity: email"))
    patient = shop.collection(
        "patient",
        shop.key(),
        shop.field("email", "user.contact.email", "identity: email"),
        shop.link("doctor_id", "doctor.id"),
        shop.link("friend_id", "person.id"),
    )
    erased(url, shop.described(shop.PERSON, shop.ADDRESS, doctor, patient), ANN)
    assert dump(url)["patient"] == [(1, None, 1, 2)]
