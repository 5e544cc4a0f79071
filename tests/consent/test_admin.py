"""The console's pages of consent: who may see them, what they show, and that they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from consent.models import ConsentEvent
from governance import subjects
from governance.models import DataSubject, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.consent.conftest import JANE, Caller, House, house_of
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.http import HttpResponse


def desk(house: House, *roles: Role) -> Client:
    return signed_in(staff(house.controller, *roles))


def find(client: Client, value: str = JANE) -> HttpResponse:
    return client.post("/console/consent/", {"type": "email", "value": value})


def test_an_officer_sees_the_answers_of_the_check_and_the_history(caller: Caller, house: House) -> None:
    caller.record(channel="email")
    caller.record("withdrawn")
    officer = desk(house, Role.PRIVACY_OFFICER)
    response = find(officer)
    assert response.headers["Location"] == f"/console/consent/{DataSubject.objects.get().pk}/"
    page = officer.get(response.headers["Location"])
    text = page.content.decode()
    for answer in (
        "CONSENT_WITHDRAWN",
        "The person took the consent back",
        "EPRIVACY_CONSENT_REQUIRED",
        "CONTRACT",
        "privacy v1 (en)",
        "in a form",
    ):
        assert answer in text
    assert JANE not in text
    assert Page(page).problems() == []
    assert ConsentEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.PRIVACY_OFFICER, 302), (Role.SUPPORT_AGENT, 302), (Role.AUDITOR, 403), (Role.ADMINISTRATOR, 403)],
)
def test_only_those_who_may_read_consents_see_them(caller: Caller, house: House, role: Role, status: int) -> None:
    subject = caller.record().json()["subject"]
    client = desk(house, role)
    assert find(client).status_code == status
    assert client.get(f"/console/consent/{subject}/").status_code == (200 if status == 302 else 403)


def test_a_superuser_without_role_and_a_stranger_see_nothing(caller: Caller) -> None:
    subject = caller.record().json()["subject"]
    client = Client()
    assert client.get(f"/console/consent/{subject}/").status_code == 302
    signed_in(StaffUser.objects.create_superuser("root@staff.example"), client)
    assert client.get(f"/console/consent/{subject}/").status_code in {302, 403}


def test_nobody_and_people_of_others_look_alike(caller: Caller, house: House) -> None:
    other = house_of("umbrella")
    far = subjects.register(
        other.controller, [("email", "far@example.org")], principal=operator(other.controller.pk.hex)
    )
    officer = desk(house, Role.PRIVACY_OFFICER)
    for value in ("far@example.org", "nobody@example.org"):
        assert "Nobody is known by this identifier" in find(officer, value).content.decode()
    assert "There is a problem" in find(officer, "not an address").content.decode()
    assert officer.get(f"/console/consent/{far.pk}/").status_code == 404
