"""Restriction on the page of a person: placed with a ground, refused reveals explained, lifted once they were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from governance.models import DataSubject
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller


def test_the_whole_way(house: Controller, desk: Client, person: DataSubject) -> None:
    page, place, lift = (
        reverse(name, args=[person.pk])
        for name in ("admin:person", "admin:restriction_place", "admin:restriction_lift")
    )
    wrong = desk.post(place, {"ground": ""})
    assert "Choose why it must not be used" in wrong.content.decode()
    assert Page(wrong).problems() == []
    assert desk.post(place, {"ground": "accuracy_contested"}).status_code == 302
    shown = desk.get(page)
    assert "The person says that it is not correct" in shown.content.decode()
    assert Page(shown).problems() == []

    identifier = person.identifiers.get(type="email")
    reveal = reverse("admin:reveal_identifier", args=[person.pk, identifier.pk])
    refused = desk.post(reveal, {"purpose": "customer_support"})
    assert "GDPR Art. 18" in refused.content.decode()
    assert "jane.doe@example.org" not in refused.content.decode()
    assert Page(refused).problems() == []
    assert "jane.doe@example.org" in desk.post(reveal, {"purpose": "legal_claim"}).content.decode()

    untold = desk.post(lift, {})
    assert "Tell the person first" in untold.content.decode()
    assert Page(untold).problems() == []
    assert DataSubject.objects.get(pk=person.pk).status == "restricted"
    assert desk.post(lift, {"was_told": "on"}).status_code == 302
    assert "jane.doe@example.org" in desk.post(reveal, {"purpose": "customer_support"}).content.decode()


def test_an_agent_sees_it_and_changes_nothing(house: Controller, desk: Client, person: DataSubject) -> None:
    desk.post(reverse("admin:restriction_place", args=[person.pk]), {"ground": "claims"})
    agent = signed_in(staff(house, Role.SUPPORT_AGENT))
    shown = agent.get(reverse("admin:person", args=[person.pk])).content.decode()
    assert "Restricted since" in shown
    assert "Lift the restriction" not in shown
    assert agent.post(reverse("admin:restriction_lift", args=[person.pk]), {"was_told": "on"}).status_code == 403
    assert DataSubject.objects.get(pk=person.pk).status == "restricted"
