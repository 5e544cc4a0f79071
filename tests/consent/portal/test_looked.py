"""Who looked at my data: every opening with role and reason in words, no name of staff, nothing of anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import subjects, vault
from governance.access import principal_of
from governance.console.looked import WHAT_WORDS, WHY_WORDS
from governance.models import LedgerEntry
from governance.policy.principal import data_subject, operator
from governance.policy.vocabulary import RevealPurpose, Role
from tests.consent.portal.test_preferences import Visitor
from tests.governance.conftest import staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from tests.consent.conftest import Caller, House

PAGE = "/preferences/looked/"


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", ".example"]


def test_it_is_shown_only_after_an_address_is_proven(house: House) -> None:
    assert Client().get(PAGE).headers["Location"] == "/preferences/"


def test_each_opening_shows_role_and_reason_and_no_name(caller: Caller, house: House) -> None:
    caller.record()
    person = subjects.find(house.controller, [("email", "jane.doe@example.org")])
    other = subjects.register(
        house.controller, [("email", "bob@example.org")], principal=operator(house.controller.pk.hex)
    )
    officer = staff(house.controller, Role.PRIVACY_OFFICER, email="secret.name@staff.example")
    visitor = Visitor()
    visitor.enter()
    before = visitor.browser.get(PAGE).content.decode()
    assert "Nobody has looked" in before
    subjects.identifiers_of(person, principal=principal_of(officer), purpose="fraud_prevention")
    subjects.identifiers_of(other, principal=principal_of(officer), purpose="legal_claim")
    response = visitor.browser.get(PAGE)
    text = response.content.decode()
    assert Page(response).problems() == []
    assert "Privacy officer" in text
    assert "your address or number, to look into suspected fraud" in text
    assert "legal claim" not in text
    assert officer.pk.hex not in text
    assert "secret.name" not in text
    assert "no-store" in response.headers["Cache-Control"]


def test_what_people_opened_themselves_is_marked(caller: Caller, house: House) -> None:
    caller.record()
    person = subjects.find(house.controller, [("email", "jane.doe@example.org")])
    visitor = Visitor()
    visitor.enter()
    me = data_subject(person.pk.hex, house.controller.pk.hex)
    subjects.identifiers_of(person, principal=me, purpose="preference_centre")
    text = visitor.browser.get(PAGE).content.decode()
    assert "You yourself, 1 time" in text
    assert "Nobody has looked" in text


def test_a_hundred_openings_cost_as_many_queries_as_one(caller: Caller, house: House) -> None:
    caller.record()
    person = subjects.find(house.controller, [("email", "jane.doe@example.org")])
    officer = principal_of(staff(house.controller, Role.PRIVACY_OFFICER))
    visitor = Visitor()
    visitor.enter()

    def reads() -> int:
        with CaptureQueriesContext(connection) as found:
            visitor.browser.get(PAGE)
        return len(found)

    sealed = person.identifiers.first().value
    vault.reveal(sealed, principal=officer, purpose="customer_support")
    few = reads()
    for _time in range(20):
        vault.reveal(sealed, principal=officer, purpose="customer_support")
    assert reads() == few
    assert LedgerEntry.objects.filter(type="subject.revealed").count() >= 21


def test_every_reason_has_its_words() -> None:
    assert set(WHY_WORDS) == set(RevealPurpose)
    assert all(WHAT_WORDS.values())
