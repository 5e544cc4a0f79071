"""Searching sealed columns through their declared indexes: what is found, what is not, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance import subjects, vault
from governance.crypto import index_kinds
from governance.errors import BadInput, Conflict, SealRefused
from governance.keys import index_keys
from governance.models import BlindIndex, Controller, DataSubject
from governance.policy.principal import operator, worker
from tests.shelf.models import Ticket

PEOPLE: list[dict[str, Any]] = [
    {"email": "Ann@Example.ORG", "phone": "+49 30 1234 5678", "name": "Ann Zoë  Ångström", "city": "Aachen"},
    {"email": "bob@example.org", "phone": "+1 415 555 2671", "name": "Bob Angstrom", "city": "Bonn"},
    {"email": "carl@bücher.example", "phone": "+44 20 7946 5678", "name": "Carl", "city": "AACHEN "},
    {"email": "", "phone": None, "name": "", "city": None},
]


@pytest.fixture
def tickets(controller: Controller, person: DataSubject) -> list[Ticket]:
    rows = [(Ticket(controller=controller, subject=person, state=str(n)), each) for n, each in enumerate(PEOPLE)]
    return vault.write_many(rows)


@pytest.mark.parametrize(
    ("condition", "states"),
    [
        ({"email": " ANN@example.org "}, "0"),
        ({"email": "nobody@example.org"}, ""),
        ({"email__domain": "EXAMPLE.org"}, "01"),
        ({"email__domain": "@bücher.example"}, "2"),
        ({"email__domain": "xn--bcher-kva.example"}, "2"),
        ({"email__domain": "ample.org"}, ""),
        ({"phone": "+14155552671"}, "1"),
        ({"phone__last_4": "5678"}, "02"),
        ({"phone__last_4": "56 78"}, "02"),
        ({"name__tokens": "angstrom"}, "01"),
        ({"name__tokens": "ANGSTRÖM zoe"}, "0"),
        ({"name__tokens": "angstrom carl"}, ""),
        ({"name__prefix_3": "Bob A"}, "1"),
        ({"city": "aachen"}, "02"),
        ({"city__bucket": "bonn"}, "1"),
        ({"email__domain": "example.org", "phone__last_4": "5678"}, "0"),
    ],
    ids=str,
)
def test_who_is_found(controller: Controller, tickets: list[Ticket], condition: dict[str, str], states: str) -> None:
    found = vault.find(controller.pk, Ticket.objects.order_by("state"), **condition)
    assert "".join(found.values_list("state", flat=True)) == states


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ({"email": ""}, BadInput),
        ({"phone": "no number"}, BadInput),
        ({"phone__last_4": "678"}, BadInput),
        ({"name__prefix_3": "Bo"}, BadInput),
        ({"name__tokens": " "}, BadInput),
        ({"email": 7}, BadInput),
        ({"email__prefix_3": "ann"}, SealRefused),
        ({"note": "x"}, SealRefused),
        ({"name": "Carl"}, SealRefused),
        ({"state": "open"}, SealRefused),
    ],
    ids=str,
)
def test_what_cannot_be_searched_for_is_said_without_the_value(
    controller: Controller, tickets: list[Ticket], condition: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        list(vault.find(controller.pk, Ticket.objects.all(), **condition))
    assert not any(str(value) in str(refused.value).split() for value in condition.values() if str(value).strip())


def test_a_compound_answers_all_its_parts_together(controller: Controller, person: DataSubject) -> None:
    def write(state: str, gender: str | None, postcode: str, *, smoker: bool) -> None:
        row = Ticket(controller=controller, subject=person, state=state)
        vault.write(row, gender=gender, smoker=smoker, postcode=postcode)

    write("a", "f", "52062", smoker=True)
    write("b", "f", "52062", smoker=False)
    write("c", None, "52062", smoker=True)
    write("d", "f5", "2062", smoker=True)
    found = vault.find(controller.pk, Ticket.objects.all(), gender__about=("f", True, "52062"))
    assert [row.state for row in found] == ["a"]
    with pytest.raises(BadInput, match="write them together"):
        vault.write(Ticket(controller=controller, subject=person), gender="f")


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_parts_divided_otherwise_are_another_compound(one: list[str], other: list[str]) -> None:
    assert (index_kinds.joined(one) == index_kinds.joined(other)) == (one == other)


def test_a_bucket_proposes_more_than_it_answers_and_opens_nothing(
    controller: Controller, person: DataSubject, other_controller: Controller
) -> None:
    cities = [f"city {number}" for number in range(60)]
    vault.write_many([(Ticket(controller=controller, subject=person, state=city), {"city": city}) for city in cities])
    entries = BlindIndex.objects.filter(label="shelf.city.bucket")
    assert len({bytes(value) for value in entries.values_list("value", flat=True)}) <= 16
    assert len({bytes(value) for value in entries.values_list("check_value", flat=True)}) == 60
    for city in ("city 7", "city 41"):
        assert [row.state for row in vault.find(controller.pk, Ticket.objects.all(), city=city)] == [city]
    assert not vault.find(other_controller.pk, Ticket.objects.all(), city="city 7")


def test_a_bucket_finds_nobody_whose_key_is_gone(controller: Controller, tickets: list[Ticket]) -> None:
    left = list(BlindIndex.objects.filter(label="shelf.city.bucket"))
    subjects.erase(tickets[0].subject, principal=worker(controller.pk.hex))
    assert not BlindIndex.objects.filter(subject=tickets[0].subject).exists()  # one DELETE took all indexes
    for row in left:
        row.save(force_insert=True)  # as a restored backup would bring them back
    assert not vault.find(controller.pk, Ticket.objects.all(), city="Aachen")


def test_ten_thousand_values_are_asked_for_in_pieces(controller: Controller, tickets: list[Ticket]) -> None:
    values = [f"p{number}@example.net" for number in range(9_998)] + ["bob@example.org", "ann@example.org"]
    with CaptureQueriesContext(connection) as queries:
        found = list(vault.find_in(controller.pk, Ticket.objects.all(), "email", values))
    assert sorted(row.state for row in found) == ["0", "1"]
    assert len(queries) <= 2 * 25 + 2


def test_a_page_of_people_costs_the_same_number_of_queries(controller: Controller, person: DataSubject) -> None:
    def cost(count: int) -> int:
        rows = [
            (
                Ticket(controller=controller, subject=person),
                {"email": f"{count}-{n}@d{count}.example", "city": "Aachen"},
            )
            for n in range(count)
        ]
        vault.write_many(rows)
        with CaptureQueriesContext(connection) as queries:
            assert len(vault.find(controller.pk, Ticket.objects.all(), email__domain=f"d{count}.example")) == count
            assert len(vault.find(controller.pk, Ticket.objects.all(), city="aachen")) >= count
        return len(queries)

    assert cost(1) == cost(30)


def test_a_unique_value_is_held_once_in_a_controller(
    controller: Controller, other_controller: Controller, person: DataSubject
) -> None:
    first = vault.write(Ticket(controller=controller, subject=person), email="Ann@example.org")
    with pytest.raises(Conflict):
        vault.write(Ticket(controller=controller, subject=person), email="ann@EXAMPLE.org")
    assert Ticket.objects.count() == 1  # nothing of the second is left
    stranger = subjects.register(
        other_controller, [("email", "x@example.org")], principal=operator(other_controller.pk.hex)
    )
    vault.write(Ticket(controller=other_controller, subject=stranger), email="ann@example.org")
    vault.write(first, email="new@example.org")  # the old entry goes with the old value
    vault.write(Ticket(controller=controller, subject=person), email="ann@example.org")
    vault.delete(first)
    vault.write(Ticket(controller=controller, subject=person), email="new@example.org")


def test_a_value_set_to_none_is_found_no_more(controller: Controller, tickets: list[Ticket]) -> None:
    vault.write(tickets[0], email=None)
    assert Ticket.objects.get(pk=tickets[0].pk).email is None
    assert not vault.find(controller.pk, Ticket.objects.all(), email="ann@example.org")
    assert vault.find(controller.pk, Ticket.objects.all(), phone__last_4="5678").count() == 2


def test_get_or_create_goes_by_the_index(controller: Controller, person: DataSubject) -> None:
    defaults = {"controller": controller, "subject": person, "state": "made", "note": "hello"}
    made, is_new = vault.get_or_create(controller.pk, Ticket.objects.all(), email="ann@example.org", defaults=defaults)
    again, is_new_again = vault.get_or_create(
        controller.pk, Ticket.objects.all(), email=" Ann@Example.org", defaults=defaults
    )
    assert (is_new, is_new_again, made.pk, again.state) == (True, False, again.pk, "made")
    assert vault.reveal(again.note, principal=worker(controller.pk.hex), purpose="subject_request") == "hello"
    with pytest.raises(SealRefused, match="no unique index"):
        vault.get_or_create(controller.pk, Ticket.objects.all(), phone="+4930123456", defaults=defaults)


def test_entries_hold_nothing_of_the_values(tickets: list[Ticket]) -> None:
    text = b"".join(
        bytes(part or b"") for row in BlindIndex.objects.values_list("value", "check_value") for part in row
    ).lower()
    assert not any(word in text for word in (b"ann", b"bob", b"example", b"5678", b"aachen"))


def test_an_opened_search_is_made_again_after_a_rotation(controller: Controller, person: DataSubject) -> None:
    index_keys.cached(controller.pk)
    Controller.objects.filter(pk=controller.pk).recorded().update(ruleset_version=7)
    assert vault.match(controller.pk, "email", "jane.doe@example.org") == person
    assert index_keys.cached(controller.pk).ruleset == 7


def test_people_are_found_by_a_further_index_that_the_installation_keeps(controller: Controller, settings: Any) -> None:
    principal = operator(controller.pk.hex)
    with pytest.raises(BadInput, match="keeps no such index"):
        vault.search(controller.pk, "email", "domain", "example.org")
    settings.GOVERNANCE_SEARCH_INDEXES = ["email.domain", "phone.last_4"]
    ann = subjects.register(
        controller, [("email", "ann@example.org"), ("phone", "+49 30 12345678")], principal=principal
    )
    (bob,) = subjects.register_many(controller, [[("email", "bob@Example.org")]], principal=principal)
    assert set(vault.search(controller.pk, "email", "domain", "@example.ORG")) == {ann, bob}
    assert vault.search(controller.pk, "phone", "last_4", "5678") == [ann]
    assert vault.search(controller.pk, "phone", "last_4", "0000") == []
    assert vault.match(controller.pk, "email", "bob@example.org") == bob
