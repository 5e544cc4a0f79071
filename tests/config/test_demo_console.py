"""The console of the demonstration: a checklist that ticks itself off, and a look at the queue of another day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.demo import checklist, company, requests, staff
from dsar import services, tasks
from dsar.models import SubjectRequest
from governance import access
from governance.models import Controller, LedgerEntry, StaffUser
from governance.policy.principal import data_subject
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in
from tests.governance.conftest import staff as of_staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from governance.policy.principal import Principal


@pytest.fixture
def stories() -> tuple[requests.Story, ...]:
    """The requests made with the company."""
    return (requests.Story(20, ("access",), 0, "unverified"),)


@pytest.fixture
def controller(
    db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stories: tuple[requests.Story, ...]
) -> Controller:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(requests, "STORIES", stories)
    assert company.seed(company.Order(people=company.FEWEST))
    return Controller.objects.get(slug=company.SLUG)


@pytest.fixture
def officer(controller: Controller) -> Principal:
    return access.principal_of(staff.officer())


@pytest.fixture
def desk(controller: Controller) -> Client:
    return signed_in(staff.officer())


def ticked(principal: Principal) -> list[str]:
    """Answer the state of each step, in order."""
    return [str(row.get("status", "")) for row in checklist.panel(principal).rows]


def receive(controller: Controller, *rights: str) -> SubjectRequest:
    person = data_subject("0" * 32, controller.pk.hex)
    intake = services.Intake(rights=rights, email="ada.marlow@example.org", manner="portal")
    return services.receive(controller, intake, principal=person)


def again(request: SubjectRequest) -> SubjectRequest:
    return SubjectRequest.objects.select_related("controller").get(pk=request.pk)


def test_the_checklist_ticks_itself_off(controller: Controller, officer: Principal) -> None:
    # What was made with the company ticks nothing, however far it got.
    assert ticked(officer) == ["next", "", "", "", ""]
    request = receive(controller, "access")
    assert ticked(officer) == ["done", "next", "", "", ""]
    requests._prove(request)  # noqa: SLF001  # reads the letter as the person would
    assert ticked(officer) == ["done", "done", "next", "", ""]
    tasks.work()
    plan = request.plans.get()
    services.approve(again(request), plan.digest, principal=officer)
    assert ticked(officer) == ["done", "done", "done", "next", ""]
    tasks.work()
    services.respond(again(request), principal=officer)
    assert ticked(officer) == ["done", "done", "done", "done", "next"]
    services.download(again(request), principal=data_subject(request.pk.hex, controller.pk.hex))
    assert ticked(officer) == ["done"] * 5


def test_every_step_leads_somewhere(desk: Client, controller: Controller, officer: Principal) -> None:
    receive(controller, "access")
    rows = checklist.panel(officer).rows
    for row in rows:
        assert desk.get(row["url"], follow=True).status_code == 200, row["label"]
    page = Page(desk.get(reverse("admin:index")))
    assert page.problems() == []
    assert "Try it out" in page.text
    assert all(str(row["label"]).split(". ", 1)[1] in page.text for row in rows)


def test_the_checklist_is_for_those_who_can_do_it_and_for_the_demonstration(
    controller: Controller, officer: Principal, settings: Any
) -> None:
    for email in ("analyst", "auditor", "support", "systems", "admin"):
        other = access.principal_of(StaffUser.objects.get(email=f"{email}@larkspur.example"))
        assert not checklist.panel(other).rows
    assert checklist.panel(officer).rows
    elsewhere = replace(officer, controllers=frozenset({"0" * 32}))
    assert not checklist.panel(elsewhere).rows
    settings.GOVERNANCE_DEMO = False
    assert not checklist.panel(officer).rows


def test_the_checklist_costs_the_same_with_more_requests(controller: Controller, officer: Principal) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            checklist.panel(officer)
        return len(queries)

    first = cost()
    for _ in range(3):
        receive(controller, "access", "erasure")
    assert cost() == first == 3


def figures(desk: Client, days: int | str) -> tuple[str, Any]:
    response = desk.get(reverse("admin:requests_ahead"), {"days": days})
    assert response.status_code == 200
    assert Page(response).problems() == []
    return response.content.decode(), response.context


@pytest.mark.parametrize(
    "stories", [(requests.Story(24, ("erasure",), 9, "waiting"), requests.Story(25, ("access",), 50, "waiting"))]
)
def test_deadlines_come_closer_and_nothing_changes(desk: Client) -> None:
    entries, before = LedgerEntry.objects.count(), list(SubjectRequest.objects.order_by("pk").values())
    _today, context = figures(desk, 0)
    assert (context["counts"]["overdue"], context["days"]) == (1, 0)
    soon = next(row for row in context["rows"] if row["tone"] != "danger")
    left = int("".join(filter(str.isdigit, soon["status"].split("·")[0])))
    _text, later = figures(desk, left - 1)
    assert next(row for row in later["rows"] if row["label"] == soon["label"])["tone"] == "warn"
    text, after = figures(desk, left + 5)
    assert after["counts"]["overdue"] == 2
    assert "5 days overdue" in text
    assert after["day"] == (timezone.now() + timedelta(days=left + 5)).astimezone().date()
    assert after["run_out"] > 0
    # The queue and the clock stay where they are.
    assert "5 days overdue" not in desk.get(reverse("admin:requests")).content.decode()
    assert list(SubjectRequest.objects.order_by("pk").values()) == before
    assert LedgerEntry.objects.count() == entries


@pytest.fixture
def quiet_desk(db: None) -> Client:
    """An officer of a company where nothing has happened yet."""
    return signed_in(of_staff(Controller.objects.create(slug="quiet", name="Quiet"), Role.PRIVACY_OFFICER))


@pytest.mark.parametrize("typed", ["", "abc", "-4", "1e9", "٣", "99999999999"])
def test_what_is_no_number_of_days_is_today(quiet_desk: Client, typed: str) -> None:
    assert figures(quiet_desk, typed)[1]["days"] == 0


def test_nobody_looks_farther_than_a_year(quiet_desk: Client) -> None:
    text, context = figures(quiet_desk, 99_999)
    assert context["days"] == 366
    assert "No open requests" in text


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.PRIVACY_OFFICER, 200), (Role.ANALYST, 200), (Role.SUPPORT_AGENT, 403), (Role.ADMINISTRATOR, 403)],
)
def test_the_look_ahead_has_its_door(db: None, role: Role, status: int) -> None:
    visitor = signed_in(of_staff(Controller.objects.create(slug="quiet", name="Quiet"), role))
    assert visitor.get(reverse("admin:requests_ahead")).status_code == status


def test_the_look_ahead_is_part_of_the_demonstration(quiet_desk: Client, settings: Any) -> None:
    settings.GOVERNANCE_DEMO = False
    assert quiet_desk.get(reverse("admin:requests_ahead")).status_code == 404
