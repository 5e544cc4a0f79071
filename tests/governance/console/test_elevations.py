"""Breaking the glass at the console: warning, fresh factor, the value in clear, the officers' list and review."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance import subjects
from governance.models import Elevation, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page
from tests.governance.console.test_people import ADDRESS, reveal_url

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller, DataSubject

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(controller: Controller) -> StaffUser:
    return staff(controller, Role.SUPPORT_AGENT, email="agent@staff.example")


@pytest.fixture
def agent(user: StaffUser) -> Client:
    return signed_in(user)


def take(client: Client, person: DataSubject, reason: str = "danger") -> object:
    return client.post(reverse("admin:glass_break", args=[person.pk]), {"reason": reason})


def page_of(person: DataSubject) -> str:
    return reverse("admin:person", args=[person.pk])


def test_from_the_warning_to_the_review(house: Controller, agent: Client, desk: Client, person: DataSubject) -> None:
    shown = agent.get(page_of(person))
    assert "The privacy officers are told at once" in shown.content.decode()
    assert "ends after 30 minutes" in shown.content.decode()
    assert Page(shown).problems() == []
    assert ADDRESS not in agent.post(reveal_url(person), {"purpose": "customer_support"}).content.decode()
    assert take(agent, person).status_code == 302
    shown = agent.get(page_of(person))
    assert "The glass is broken until" in shown.content.decode()
    assert Page(shown).problems() == []
    assert ADDRESS in agent.post(reveal_url(person), {"purpose": "customer_support"}).content.decode()
    assert agent.post(reverse("admin:glass_leave", args=[person.pk])).status_code == 302
    assert ADDRESS not in agent.post(reveal_url(person), {"purpose": "customer_support"}).content.decode()
    assert "nobody reviewed it yet" in agent.get(page_of(person)).content.decode()
    assert "ask a privacy officer to review it" in take(agent, person).content.decode()
    listed = desk.get("/console/glass/")
    assert "waits for review" in listed.content.decode()
    assert Page(listed).problems() == []
    review = reverse("admin:elevation_review", args=[Elevation.objects.get().pk])
    refused = desk.post(review, {"finding": ""})
    assert refused.status_code == 400
    assert "Choose what it was" in refused.content.decode()
    assert Page(refused).problems() == []
    assert desk.post(review, {"finding": "justified"}).status_code == 302
    assert "reviewed by" in desk.get("/console/glass/").content.decode()
    assert take(agent, person).status_code == 302


def test_an_officer_ends_one_that_runs(house: Controller, agent: Client, desk: Client, person: DataSubject) -> None:
    assert take(agent, person).status_code == 302
    assert "open now" in desk.get("/console/glass/").content.decode()
    assert desk.post(reverse("admin:elevation_end", args=[Elevation.objects.get().pk])).status_code == 302
    assert ADDRESS not in agent.post(reveal_url(person), {"purpose": "customer_support"}).content.decode()
    assert desk.post(reverse("admin:elevation_end", args=[Elevation.objects.get().pk])).status_code == 409


def test_no_reason_is_said_beside_the_field(house: Controller, agent: Client, person: DataSubject) -> None:
    response = take(agent, person, "")
    assert "Choose why this cannot wait" in response.content.decode()
    assert "<title>Error: " in response.content.decode()
    assert Page(response).problems() == []
    assert not Elevation.objects.exists()


def test_a_factor_shown_too_long_ago_breaks_nothing(
    house: Controller, user: StaffUser, agent: Client, person: DataSubject
) -> None:
    stale = signed_in(user, seconds_ago=601)
    assert "/accounts/2fa/reauthenticate/" in take(stale, person).headers.get("Location", "")
    assert not Elevation.objects.exists()
    assert take(agent, person).status_code == 302
    # What closes is not harder than what opens.
    assert stale.post(reverse("admin:glass_leave", args=[person.pk])).headers["Location"] == page_of(person)


@pytest.mark.parametrize("visitor", ["officer", "auditor", "administrator", "superuser", "no_role"])
def test_nobody_else_breaks_or_reviews(
    visitor: str, house: Controller, clients: dict[str, Client], agent: Client, person: DataSubject
) -> None:
    assert take(clients[visitor], person).status_code == 403
    assert not Elevation.objects.exists()
    assert take(agent, person).status_code == 302
    is_officer = visitor == "officer"
    for client in (clients[visitor], agent):
        may = is_officer and client is not agent
        assert client.get("/console/glass/").status_code == (200 if may else 403)
    if is_officer:
        assert "I must see this person" not in clients[visitor].get(page_of(person)).content.decode()
    else:
        assert (
            clients[visitor].post(reverse("admin:elevation_end", args=[Elevation.objects.get().pk])).status_code == 403
        )
        assert Elevation.objects.get().ended_at is None


def test_a_list_of_twenty_asks_as_often_as_one_of_two(house: Controller, desk: Client, person: DataSubject) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get("/console/glass/").status_code == 200
        return len(queries)

    def add(numbers: range) -> None:
        now = timezone.now()
        for number in numbers:
            taker = staff(house, Role.SUPPORT_AGENT, email=f"agent{number}@staff.example")
            subject = subjects.register(house, [("customer_id", f"E-{number}")], principal=operator(house.pk.hex))
            Elevation.objects.create(
                controller=house,
                subject=subject,
                staff=taker,
                reason="danger",
                taken_at=now,
                until=now + timedelta(minutes=30),
            )

    add(range(2))
    asked()
    few = asked()
    add(range(2, 20))
    assert asked() == few
