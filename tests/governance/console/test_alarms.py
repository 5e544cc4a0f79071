"""The alarm pages: open ones first, looked at by somebody else than the person concerned, thresholds within bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import access
from governance.alarms import raising
from governance.models import AlarmHook, Alert, AlertAcknowledgement, LedgerEntry, StaffUser
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller


def alert(controller: Controller, who: StaffUser, bucket: str = "2026-03-04", rule: str = "after_hours") -> Alert:
    return Alert.objects.create(
        controller=controller,
        rule=rule,
        actor_ref=f"staff:{who.pk.hex}",
        bucket=bucket,
        count=3,
        limit=0,
        basis="fixed",
        events=[],
        raised_at=timezone.now(),
    )


@pytest.fixture
def agent(controller: Controller) -> StaffUser:
    made = staff(controller, Role.SUPPORT_AGENT, email="agent@staff.example")
    made.name = "Alex Agent"
    made.save(update_fields=["name"])
    return made


@pytest.fixture
def desk(officer: StaffUser) -> Client:
    return signed_in(officer)


def payloads(type_: str) -> list[dict[str, object]]:
    return [json.loads(row.payload) for row in LedgerEntry.objects.filter(type=type_).order_by("id")]


@pytest.mark.django_db(transaction=True)
def test_an_alarm_is_listed_looked_at_and_acknowledged(controller: Controller, agent: StaffUser, desk: Client) -> None:
    raised = alert(controller, agent)
    assert "Outside working hours" in desk.get("/console/").content.decode()
    listed = desk.get("/console/alarms/").content.decode()
    assert "Alex Agent" in listed
    assert ">open<" in listed
    page = f"/console/alarms/{raised.pk}/"
    assert "What was it?" in desk.get(page).content.decode()
    assert desk.post(page, {"finding": ""}).status_code == 400
    assert not AlertAcknowledgement.objects.exists()
    assert desk.post(page, {"finding": "explained"}).status_code == 302
    assert ">acknowledged<" in desk.get("/console/alarms/").content.decode()
    (event,) = payloads("alarm.acknowledged")
    assert (event["object"], event["decision"]) == (f"alert:{raised.pk.hex}", "explained")
    assert desk.post(page, {"finding": "incident"}).status_code == 409
    assert "No alarm waits" in desk.get("/console/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_nobody_settles_an_alarm_about_themselves(controller: Controller, officer: StaffUser, desk: Client) -> None:
    own = alert(controller, officer)
    page = f"/console/alarms/{own.pk}/"
    assert "somebody else must look at it" in desk.get(page).content.decode()
    assert desk.post(page, {"finding": "expected"}).status_code == 409
    controller.single_officer = True
    controller.save(update_fields=["single_officer"])
    assert desk.post(page, {"finding": "expected"}).status_code == 302
    assert payloads("alarm.acknowledged")[0]["details"] == {"rule": "after_hours", "own": True}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("role", "reads"), [(Role.AUDITOR, True), (Role.ADMINISTRATOR, True), (Role.SUPPORT_AGENT, False)]
)
def test_who_may_only_read_settles_and_sets_nothing(
    controller: Controller,
    agent: StaffUser,
    role: Role,
    reads: bool,
) -> None:
    raised = alert(controller, agent)
    client = signed_in(staff(controller, role, email="other@staff.example"))
    assert client.get("/console/alarms/").status_code == (200 if reads else 403)
    assert client.post(f"/console/alarms/{raised.pk}/", {"finding": "expected"}).status_code == 403
    assert client.get("/console/alarms/rules/").status_code == 403
    assert client.post("/console/alarms/rules/", {"rule": "self_look_up"}).status_code == 403
    assert not AlertAcknowledgement.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_alarm_of_another_controller_is_not_there(
    other_controller: Controller, agent: StaffUser, desk: Client
) -> None:
    foreign = alert(other_controller, agent)
    assert desk.get(f"/console/alarms/{foreign.pk}/").status_code == 404
    assert desk.post(f"/console/alarms/{foreign.pk}/", {"finding": "expected"}).status_code == 404
    assert "Alex Agent" not in desk.get("/console/alarms/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_thresholds_are_set_within_bounds_and_recorded(controller: Controller, desk: Client) -> None:
    page = "/console/alarms/rules/"
    assert "Never below so many openings, or people, in an hour" in desk.get(page).content.decode()
    good = {
        "rule": "reveal_volume",
        "reveal_volume-is_on": "on",
        "reveal_volume-floor": "5",
        "reveal_volume-factor": "6",
    }
    assert desk.post(page, good | {"reveal_volume-floor": "0"}).status_code == 200
    assert not LedgerEntry.objects.filter(type="alarm.rule_changed").exists()
    assert desk.post(page, good).status_code == 302
    assert raising.thresholds(controller)["reveal_volume"].values == {"floor": 5, "factor": 6}
    (event,) = payloads("alarm.rule_changed")
    assert event["details"] == {
        "fields": ["floor"], "on": True, "old_floor": 20, "old_factor": 6, "floor": 5, "factor": 6,
    }  # fmt: skip
    del good["reveal_volume-is_on"]
    assert desk.post(page, good).status_code == 302
    assert not raising.thresholds(controller)["reveal_volume"].is_on
    assert raising.thresholds(controller)["self_look_up"].is_on


@pytest.mark.django_db(transaction=True)
def test_a_hook_is_named_its_secret_seen_once_and_taken_away(controller: Controller, desk: Client) -> None:
    page = "/console/alarms/rules/"
    refused = desk.post(page, {"rule": "hook", "url": "https://10.0.0.1/hook"})
    assert "not on the public internet" in refused.content.decode()
    assert not AlarmHook.objects.exists()
    made = desk.post(page, {"rule": "hook", "url": "http://127.0.0.1:1/hook"})
    assert "whsec_" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    again = desk.get(page).content.decode()
    assert "whsec_" not in again
    assert "127.0.0.1" not in again
    assert desk.post(page, {"rule": "hook", "url": ""}).status_code == 200
    assert not AlarmHook.objects.exists()
    assert [event["details"] for event in payloads("alarm.rule_changed")] == [
        {"fields": ["hook"], "on": True},
        {"fields": ["hook"], "on": False},
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/console/alarms/", "/console/"])
def test_lists_cost_the_same_for_one_alarm_and_for_many(
    controller: Controller, agent: StaffUser, officer: StaffUser, desk: Client, path: str
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as made:
            assert desk.get(path).status_code == 200
        return len(made)

    alert(controller, agent)
    desk.get(path)
    one = cost()
    for number in range(12):
        other = staff(controller, Role.ANALYST, email=f"s{number}@staff.example")
        raised = alert(controller, other, bucket=f"2026-03-{number + 10}")
        if number % 2:
            AlertAcknowledgement.objects.create(alert=raised, by=officer, finding="expected", at=timezone.now())
    assert cost() == one
    assert access.principal_of(officer).controllers
