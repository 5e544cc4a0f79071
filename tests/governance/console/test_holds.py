"""Legal holds and the grace on the page of a person: placed, released, taken back; and by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from governance import subjects
from governance.models import Erasure, LegalHold
from governance.policy.principal import operator
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller, DataSubject


def place(client: Client, person: DataSubject, **typed: str) -> object:
    return client.post(reverse("admin:hold_place", args=[person.pk]), {"reason": "legal_claim", **typed})


def test_a_hold_is_placed_shown_and_released(house: Controller, desk: Client, person: DataSubject) -> None:
    page = reverse("admin:person", args=[person.pk])
    assert place(desk, person, until=house.day_of().isoformat()).status_code == 302
    hold = LegalHold.objects.get()
    shown = desk.get(page)
    assert "A legal claim" in shown.content.decode()
    assert Page(shown).problems() == []
    assert desk.post(reverse("admin:hold_release", args=[person.pk, hold.pk])).status_code == 302
    hold.refresh_from_db()
    assert hold.released_by.startswith("staff:")
    assert "released" in desk.get(page).content.decode()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"reason": ""}, "Choose why it must be kept"),
        ({"until": "2020-01-01"}, "not passed"),
        ({"until": "x"}, "day"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    house: Controller, desk: Client, person: DataSubject, typed: dict[str, str], says: str
) -> None:
    response = place(desk, person, **typed)
    assert says in response.content.decode()
    assert "<title>Error: " in response.content.decode()
    assert Page(response).problems() == []
    assert not LegalHold.objects.exists()


def test_an_erasure_in_its_grace_is_taken_back_with_a_reason(
    house: Controller, desk: Client, person: DataSubject, settings: SettingsWrapper
) -> None:
    settings.GOVERNANCE_ERASURE_GRACE_HOURS = 24
    erasure = subjects.request_erasure(person, principal=operator(house.pk.hex))
    page, undo = reverse("admin:person", args=[person.pk]), reverse("admin:erasure_undo", args=[person.pk, erasure.pk])
    shown = desk.get(page)
    assert "unless it is taken back" in shown.content.decode()
    assert Page(shown).problems() == []
    assert "Choose why it is taken back" in desk.post(undo, {"reason": ""}).content.decode()
    assert Erasure.objects.get().state == "disabled"
    assert desk.post(undo, {"reason": "wrong_person"}).status_code == 302
    assert Erasure.objects.get().state == "undone"
    assert "It was the wrong person" in desk.get(page).content.decode()
    assert desk.post(undo, {"reason": "wrong_person"}).status_code == 409


@pytest.mark.parametrize("who", ["auditor", "administrator", "superuser", "no_role"])
def test_nobody_else_holds_or_undoes(
    who: str, house: Controller, clients: dict[str, Client], desk: Client, person: DataSubject
) -> None:
    assert place(clients[who], person).status_code == 403
    assert not LegalHold.objects.exists()
    place(desk, person)
    hold = LegalHold.objects.get()
    assert clients[who].post(reverse("admin:hold_release", args=[person.pk, hold.pk])).status_code == 403
    hold.refresh_from_db()
    assert hold.released_at is None


def test_foreign_people_do_not_exist(house: Controller, other_controller: Controller, desk: Client) -> None:
    who = operator(other_controller.pk.hex)
    stranger = subjects.register(other_controller, [("email", "far@example.org")], principal=who)
    assert place(desk, stranger).status_code == 404
    assert not LegalHold.objects.exists()
