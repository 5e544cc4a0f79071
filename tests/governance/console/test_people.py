"""Finding a person, and opening one value: for a purpose, on the record, in that response alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance import subjects
from governance.models import DataSubject, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller

ADDRESS = "jane.doe@example.org"


def reveal_url(person: DataSubject) -> str:
    return reverse("admin:reveal_identifier", args=[person.pk, person.identifiers.get(type="email").pk])


def reveals() -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(type="subject.revealed"))


def test_a_person_is_found_by_identifier_and_named_by_reference(house: Controller, desk: Client, person: DataSubject):
    response = desk.post("/console/people/", {"type": "email", "value": " Jane.Doe@example.org "})
    assert response.status_code == 302
    assert response.headers["Location"] == f"/console/people/{person.pk}/"
    assert reveals() == []


def test_an_unknown_person_gets_a_page_that_helps(house: Controller, desk: Client) -> None:
    response = desk.post("/console/people/", {"type": "email", "value": "nobody@example.org"})
    assert response.status_code == 200
    assert "Nobody is known" in response.content.decode()


def looks() -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in LedgerEntry.objects.filter(type="subject.looked_up").order_by("pk")]


def test_people_are_found_by_a_part_where_the_installation_keeps_one(
    house: Controller, other_controller: Controller, desk: Client, settings: Any
) -> None:
    assert "Last four digits" not in desk.get("/console/people/").content.decode()
    settings.GOVERNANCE_SEARCH_INDEXES = ["phone.last_4"]
    for controller in (house, house, other_controller):
        number = f"+49 30 1{DataSubject.objects.count():03}5678"
        subjects.register(controller, [("phone", number)], principal=operator(controller.pk.hex))
    subjects.register(house, [("phone", "+49 30 12349999")], principal=operator(house.pk.hex))
    mine = DataSubject.objects.filter(controller=house, identifiers__type="phone").order_by("created_at")[:2]
    page = desk.post("/console/people/", {"type": "phone.last_4", "value": "5678"})
    text = page.content.decode()
    assert all(f'href="/console/people/{each.pk}/"' in text for each in mine)
    assert text.count('class="rows__name"') == 2
    assert Page(page).problems() == []
    # Each who is shown leaves an event, and a search for nobody leaves one, too.
    assert [each["decision"] for each in looks()] == ["known", "known"]
    assert len({each["subject"] for each in looks()}) == 2
    assert looks()[0]["details"] == {"index": "last_4", "types": ["phone"]}
    assert (
        "Nobody is known" in desk.post("/console/people/", {"type": "phone.last_4", "value": "0000"}).content.decode()
    )
    assert looks()[-1]["decision"] == "unknown"
    one = desk.post("/console/people/", {"type": "phone.last_4", "value": "9999"})
    assert one.status_code == 302


def test_more_people_than_a_page_shows_are_not_listed_and_the_page_says_so(
    house: Controller, desk: Client, settings: Any
) -> None:
    settings.GOVERNANCE_SEARCH_INDEXES = ["email.domain"]
    people = [[("email", f"p{number}@many.example")] for number in range(22)]
    subjects.register_many(house, people, principal=operator(house.pk.hex))
    asked = {"type": "email.domain", "value": "many.example"}
    text = desk.post("/console/people/", asked).content.decode()
    assert text.count('class="rows__name"') == 10
    assert "There are more" in text
    assert len(looks()) == 10
    with CaptureQueriesContext(connection) as many:
        desk.post("/console/people/", asked)
    subjects.register_many(
        house, [[("email", f"p{number}@few.example")] for number in range(2)], principal=operator(house.pk.hex)
    )
    with CaptureQueriesContext(connection) as few:
        desk.post("/console/people/", {"type": "email.domain", "value": "few.example"})
    assert len(many) == len(few)


def test_a_part_that_is_not_kept_cannot_be_asked_for(house: Controller, desk: Client) -> None:
    text = desk.post("/console/people/", {"type": "phone.last_4", "value": "5678"}).content.decode()
    assert "<title>Error: " in text
    assert looks() == []


@pytest.mark.parametrize("value", ["", "not an address", "x" * 300])
def test_what_cannot_be_an_identifier_is_said_beside_the_field(value: str, house: Controller, desk: Client) -> None:
    response = desk.post("/console/people/", {"type": "email", "value": value})
    text = response.content.decode()
    assert response.status_code == 200
    assert "<title>Error: " in text
    assert 'href="#id_value"' in text
    assert Page(response).problems() == []


def test_people_of_another_controller_do_not_exist(
    house: Controller, other_controller: Controller, desk: Client
) -> None:
    who = operator(other_controller.pk.hex)
    stranger = subjects.register(other_controller, [("email", "far@example.org")], principal=who)
    assert desk.post("/console/people/", {"type": "email", "value": "far@example.org"}).status_code == 200
    found = desk.get(f"/console/people/{stranger.pk}/")
    absent = desk.get(f"/console/people/{uuid4()}/")
    assert (found.status_code, absent.status_code) == (404, 404)
    assert desk.post(reveal_url(stranger), {"purpose": "subject_request"}).status_code == 404


def test_reveal_writes_a_row_first_and_shows_the_value_once(house: Controller, desk: Client, person: DataSubject):
    response = desk.post(reveal_url(person), {"purpose": "subject_request"})
    text = response.content.decode()
    assert response.status_code == 200
    assert ADDRESS in text
    assert "no-store" in response.headers["Cache-Control"]
    assert f'content="60;url=/console/people/{person.pk}/"' in text
    assert Page(response).problems() == []
    assert ADDRESS not in desk.get(f"/console/people/{person.pk}/").content.decode()
    (row,) = reveals()
    payload = json.loads(row.payload)
    assert payload["purpose"] == "subject_request"
    assert ADDRESS not in row.payload
    assert person.pk.hex not in row.payload.replace("-", "")


def test_an_agent_sees_the_address_behind_a_mask(
    house: Controller, controller: Controller, person: DataSubject
) -> None:
    agent = signed_in(staff(controller, Role.SUPPORT_AGENT, email="agent@staff.example"))
    response = agent.post(reveal_url(person), {"purpose": "customer_support"})
    assert response.status_code == 200
    assert ADDRESS not in response.content.decode()
    assert "j••••@••••.org" in response.content.decode()
    assert "in part, on purpose" in response.content.decode()
    assert "What you open shows in part only" in agent.get(f"/console/people/{person.pk}/").content.decode()
    (row,) = reveals()
    assert json.loads(row.payload)["details"]["forms"] == ["identifier"]


def test_the_row_of_the_reveal_stands_in_the_timeline(house: Controller, desk: Client, person: DataSubject) -> None:
    desk.post(reveal_url(person), {"purpose": "subject_request"})
    assert "A sealed value was opened" in desk.get(f"/console/people/{person.pk}/").content.decode()


@pytest.mark.parametrize("purpose", ["", "curiosity", "demonstration_mailbox"])
def test_without_a_purpose_nothing_opens(purpose: str, house: Controller, desk: Client, person: DataSubject) -> None:
    response = desk.post(reveal_url(person), {"purpose": purpose})
    assert ADDRESS not in response.content.decode()
    assert "<title>Error: " in response.content.decode()
    assert Page(response).problems() == []
    assert reveals() == []


@pytest.mark.parametrize("who", ["auditor", "administrator", "superuser", "no_role"])
def test_without_the_right_nothing_opens(
    who: str, house: Controller, clients: dict[str, Client], person: DataSubject
) -> None:
    response = clients[who].post(reveal_url(person), {"purpose": "subject_request"})
    assert response.status_code == 403
    assert ADDRESS not in response.content.decode()
    assert reveals() == []


def test_an_identifier_opens_only_under_its_own_person(house: Controller, desk: Client, person: DataSubject) -> None:
    who = operator(house.pk.hex)
    other = subjects.register(house, [("email", "other@example.org")], principal=who)
    url = reverse("admin:reveal_identifier", args=[other.pk, person.identifiers.get(type="email").pk])
    assert desk.post(url, {"purpose": "subject_request"}).status_code == 404
    assert reveals() == []


def test_an_erased_person_shows_as_erased_and_links_to_nothing(house: Controller, desk: Client, person: DataSubject):
    subjects.erase(person, principal=operator(house.pk.hex))
    text = desk.get(f"/console/people/{person.pk}/").content.decode()
    assert "identifiers and their key are gone" in text
    assert "subject.registered" not in text


def test_many_identifiers_cost_no_more_queries(
    house: Controller, desk: Client, person: DataSubject, django_assert_max_num_queries
) -> None:
    url = f"/console/people/{person.pk}/"
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    who = operator(house.pk.hex)
    subjects.register(house, [("email", ADDRESS), *(("device_id", f"d-{n}") for n in range(48))], principal=who)
    with django_assert_max_num_queries(len(few)):
        assert desk.get(url).content.decode().count("device · sealed") == 48


def verify_url(person: DataSubject) -> str:
    return reverse("admin:verify_identifier", args=[person.pk, person.identifiers.get(type="customer_id").pk])


def test_an_officer_verifies_an_identifier_with_evidence_and_reason(
    house: Controller, desk: Client, person: DataSubject
) -> None:
    url = verify_url(person)
    assert url in desk.get(f"/console/people/{person.pk}/").content.decode()
    missing = desk.post(url, {"evidence": "document_seen"}).content.decode()
    assert "Choose why it is verified now" in missing
    assert "customer number · sealed" in missing
    given = {"evidence": "document_seen", "reason": "request_needs_it"}
    page = desk.post(url, given, follow=True).content.decode()
    assert "The identifier is verified" in page
    assert url not in page
    assert person.identifiers.get(type="customer_id").verified_at is not None
    assert "Staff verified an identifier" in page
    assert "there is nothing to do" in desk.get(url).content.decode()
    assert desk.post(url, given).status_code == 409


@pytest.mark.parametrize("role", [Role.SUPPORT_AGENT, Role.AUDITOR, Role.ADMINISTRATOR])
def test_nobody_else_verifies(house: Controller, controller: Controller, person: DataSubject, role: Role) -> None:
    client = signed_in(staff(controller, role, email="else@staff.example"))
    given = {"evidence": "document_seen", "reason": "request_needs_it"}
    assert client.post(verify_url(person), given).status_code == 403
    assert person.identifiers.get(type="customer_id").verified_at is None
