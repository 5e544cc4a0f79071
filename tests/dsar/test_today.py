"""Today as the officer sees it: figures, what to do first, deadlines by right; one controller, few queries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import services as consent
from dsar.selectors import queue
from governance.catalogue import purposes
from governance.models import Controller
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.dsar.conftest import BOB, House, ask, planned, prove
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def test_deadlines_are_counted_by_right(house: House, ann: DataSubject) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=60)):
        prove(ask(house, "access", email=BOB))
    with time_machine.travel(timezone.now() - timedelta(days=28)):
        prove(ask(house, "erasure", email="one@example.org"))
    planned(house, "access", "erasure")
    ask(house, "access", email="unproven@example.org")  # no clock of ours to watch before the address is proven
    assert queue.health(house.principal, timezone.now()) == [("access", (1, 0, 1)), ("erasure", (1, 1, 0))]


def test_today_says_what_to_do_first_and_draws_what_is_due(house: House, ann: DataSubject) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=60)):
        late = prove(ask(house, "access", email=BOB))
    waiting = planned(house, "erasure")
    page = signed_in(house.officer).get("/console/")
    text = page.content.decode()
    assert Page(page).problems() == []
    assert text.index(late.reference) < text.index(waiting.reference)
    for said in ("Read the plan and approve it", "days overdue", "1 overdue", "1 on track", "The same as a table"):
        assert said in text


def test_today_is_about_the_controller_in_view(house: House, ann: DataSubject) -> None:
    from governance.access import grants

    waiting = planned(house, "erasure")
    other = Controller.objects.create(slug="other", name="Other")
    grants.serve(house.officer, other, [Role.PRIVACY_OFFICER], principal=operator(other.pk.hex))
    client = signed_in(house.officer)
    assert waiting.reference in client.get("/console/").content.decode()
    client.post("/console/controller/", {"controller": other.pk.hex})
    text = client.get("/console/").content.decode()
    assert waiting.reference not in text
    assert "No open requests" in text


def test_today_draws_consents_by_purpose_in_as_many_queries_for_many_as_for_one(house: House, ann: DataSubject) -> None:
    who, client = operator(house.controller.pk.hex), signed_in(house.officer)

    def choose(number: int, state: str) -> None:
        purpose = purposes.create(
            house.controller, principal=who, key=f"p{number}", name=f"Purpose {number}", lawful_basis="consent"
        )
        consent.record(ann, principal=who, purpose=purpose, state=state, method="web_form")

    def reads() -> int:
        client.get("/console/")
        with CaptureQueriesContext(connection) as found:
            client.get("/console/")
        return len(found)

    choose(0, "given")
    planned(house, "access")
    few = reads()
    for number in range(1, 12):
        choose(number, "refused" if number % 2 else "given")
        prove(ask(house, "access", email=f"person{number}@example.org"))
    text = client.get("/console/").content.decode()
    assert reads() == few
    assert "1 withdrawn or refused" in text
    assert text.count("Purpose ") >= 8
    assert sum(text.count(f"Purpose {number}<") for number in range(12)) == 16  # the eight busiest, drawn and listed


@pytest.mark.parametrize(
    ("role", "counts", "is_told_all_is_well"),
    [(Role.PRIVACY_OFFICER, True, True), (Role.ADMINISTRATOR, False, True), (Role.SUPPORT_AGENT, False, False)],
)
def test_today_promises_nobody_what_they_may_not_see(
    house: House,
    role: Role,
    counts: bool,
    is_told_all_is_well: bool,
) -> None:
    text = signed_in(staff(house.controller, role, email="one@staff.example")).get("/console/").content.decode()
    assert ("due this week" in text) is counts
    assert ("What your role lets you do here:" in text) is not counts
    assert ("Nothing is amiss" in text) is is_told_all_is_well
