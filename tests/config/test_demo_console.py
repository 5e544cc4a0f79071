"""The console of the demonstration: a checklist that ticks itself off, and a clock that shows another day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

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
    return [str(row.get("status", "")) for row in checklist.panel(principal, timezone.now()).rows]


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
    rows = checklist.panel(officer, timezone.now()).rows
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
        assert not checklist.panel(other, timezone.now()).rows
    assert checklist.panel(officer, timezone.now()).rows
    elsewhere = replace(officer, controllers=frozenset({"0" * 32}))
    assert not checklist.panel(elsewhere, timezone.now()).rows
    settings.GOVERNANCE_DEMO = False
    assert not checklist.panel(officer, timezone.now()).rows


def test_the_checklist_costs_the_same_with_more_requests(controller: Controller, officer: Principal) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            checklist.panel(officer, timezone.now())
        return len(queries)

    first = cost()
    for _ in range(3):
        receive(controller, "access", "erasure")
    assert cost() == first == 3


def turned(desk: Client, days: int | str, path: str = "") -> Any:
    """Turn the clock by so many days and answer the page it leads back to."""
    here = path or reverse("admin:index")
    response = desk.post(reverse("admin:turn_clock"), {"days": days, "here": here}, follow=True)
    assert response.status_code == 200
    assert Page(response).problems() == []
    return response


@pytest.mark.parametrize(
    "stories", [(requests.Story(24, ("erasure",), 9, "waiting"), requests.Story(25, ("access",), 50, "waiting"))]
)
def test_an_officer_watches_a_deadline_come_closer_on_every_page(desk: Client) -> None:
    entries, before = LedgerEntry.objects.count(), list(SubjectRequest.objects.order_by("pk").values())
    soon = SubjectRequest.objects.order_by("due_at")[1]
    one, queue = reverse("admin:request", args=[soon.pk]), reverse("admin:requests")
    left = (soon.due_at - timezone.now()).days

    def shown(path: str, tone: str) -> str:
        found = re.search(rf'chip--{tone}">([^<]*·[^<]*)<', desk.get(path).content.decode())
        return found[1] if found else ""

    assert "looking at" not in desk.get(one).content.decode()
    assert shown(one, "danger") == ""
    turned(desk, left - 3, one)
    assert "due in" in shown(one, "warn")
    for _ in range(2):
        page = turned(desk, 7, one).content.decode()
    day = date_format(timezone.localdate() + timedelta(days=left - 3 + 14), "j F Y")
    assert f"You are looking at {day}" in page
    assert "days overdue" in shown(one, "danger")
    home = desk.get(reverse("admin:index"))
    figures = re.findall(r"<strong>(\d+)</strong> <span>overdue", home.content.decode())
    assert figures == ["2"]
    assert desk.get(queue + "?tab=overdue").content.decode().count("days overdue") == 2
    # Back to today, nothing has changed and nothing was recorded.
    page = turned(desk, 0, one).content.decode()
    assert "looking at" not in page
    assert shown(one, "danger") == ""
    assert list(SubjectRequest.objects.order_by("pk").values()) == before
    assert LedgerEntry.objects.count() == entries


@pytest.mark.parametrize("stories", [(requests.Story(24, ("erasure",), 9, "waiting"),)])
def test_nothing_is_written_while_another_day_is_shown(desk: Client) -> None:
    waiting = SubjectRequest.objects.get()
    plan = waiting.plans.get()
    press, said = reverse("admin:request_approve", args=[waiting.pk]), {"plan_digest": plan.digest}
    turned(desk, 1)
    page = desk.get(reverse("admin:request", args=[waiting.pk])).content.decode()
    assert 'class="console-main is-another-day"' in page
    refused = desk.post(press, said)
    assert refused.status_code == 409
    assert "Go back to today first" in refused.content.decode()
    assert SubjectRequest.objects.get().status == "awaiting_approval"
    turned(desk, 0)
    assert desk.post(press, said).status_code == 302
    assert SubjectRequest.objects.get().status == "executing"


@pytest.fixture
def quiet_desk(db: None) -> Client:
    """An officer of a company where nothing has happened yet."""
    return signed_in(of_staff(Controller.objects.create(slug="quiet", name="Quiet"), Role.PRIVACY_OFFICER))


@pytest.mark.parametrize("typed", ["", "abc", "-", "--1", "1e9", "٣", "99999999999"])
def test_what_is_no_number_of_days_is_today(quiet_desk: Client, typed: str) -> None:
    turned(quiet_desk, 5)
    assert turned(quiet_desk, typed).context["request"].desk.days_ahead == 0


def test_nobody_looks_back_or_farther_than_a_year(quiet_desk: Client) -> None:
    assert turned(quiet_desk, -4).context["request"].desk.days_ahead == 0
    assert turned(quiet_desk, 999).context["request"].desk.days_ahead == 366
    assert turned(quiet_desk, -6).context["request"].desk.days_ahead == 360


@pytest.mark.parametrize("wanted", ["https://evil.example/console/", "//evil.example", "/console//\\evil", "", "/"])
def test_the_clock_leads_nowhere_else(quiet_desk: Client, wanted: str) -> None:
    response = quiet_desk.post(reverse("admin:turn_clock"), {"days": 1, "here": wanted})
    assert response["Location"].startswith("/console/")


def test_the_clock_is_part_of_the_demonstration(quiet_desk: Client, settings: Any) -> None:
    turned(quiet_desk, 30)
    settings.GOVERNANCE_DEMO = False
    assert quiet_desk.post(reverse("admin:turn_clock"), {"days": 1}).status_code == 404
    # A session that says otherwise moves nothing: what it shows is now, and it may write.
    home = quiet_desk.get(reverse("admin:index"))
    assert home.context["request"].desk.days_ahead == 0
    assert "looking at" not in home.content.decode()
    assert abs(home.context["request"].desk.instant - timezone.now()) < timedelta(minutes=1)
