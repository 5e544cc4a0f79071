"""Every address of the console, by how far a visitor's second factor goes; taken from the table of addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from governance.console import pages
from governance.policy.vocabulary import Action, Role
from tests.governance.conftest import PASSWORD, enrolled, signed_in, staff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller, DataSubject

SAMPLES = {"uuid": str(UUID(int=7)), "int": "7", "slug": "seven", "str": "seven", "path": "7"}


def _paths(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, route)
        elif route.startswith("console/") and getattr(pattern, "name", None) not in {"login", "logout"}:
            plain = route.replace(r"(?P<url>.*)$", "no/such/page/")
            yield "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], plain)


PATHS = sorted(set(_paths(get_resolver().url_patterns)))
REVEALS = [page for page in pages.registered() if page.action in {Action.SUBJECT_REVEAL, Action.SUBJECT_VIEW}]


@pytest.fixture(autouse=True)
def production(settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_DEMO = False


def test_the_table_of_addresses_was_read() -> None:
    assert len(PATHS) > 30
    assert not [path for path in PATHS if "<" in path or "(" in path]
    assert {"/console/", "/console/people/", "/console/requests/", "/console/no/such/page/"} <= set(PATHS)
    assert {page.name for page in REVEALS} == {"incident_reveal", "mailbox", "request_reveal", "reveal_identifier"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_enters_without_a_second_factor(method: str, controller: Controller) -> None:
    officer, other = staff(controller, Role.PRIVACY_OFFICER), staff(controller, Role.AUDITOR)
    for user in (officer, other):
        user.set_password(PASSWORD)
        user.save()
    visitors = {"stranger": Client(), "without a factor": Client(), "factor not shown": Client()}
    for who, user in (("without a factor", officer), ("factor not shown", other)):
        visitors[who].post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    hashed = other.password
    enrolled(other)
    other.password = hashed
    other.save(update_fields=["password"])  # the session from before stays what it was
    leads_to = {
        "stranger": "/accounts/login/?next=/console/",
        "without a factor": "/accounts/2fa/",
        "factor not shown": "/accounts/2fa/reauthenticate/?next=%2Fconsole%2F",
    }
    for path in PATHS:
        for who, client in visitors.items():
            response = getattr(client, method)(path)
            assert response.status_code == 302, (path, who)
            assert response.headers["Location"].startswith(leads_to[who]), (path, who)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stale_factor_opens_all_but_what_is_sealed(method: str, controller: Controller) -> None:
    fresh = signed_in(staff(controller, Role.PRIVACY_OFFICER))
    stale = signed_in(staff(controller, Role.PRIVACY_OFFICER, email="stale@staff.example"), seconds_ago=601)
    asked = set()
    for path in PATHS:
        expected, found = (getattr(client, method)(path) for client in (fresh, stale))
        assert not expected.headers.get("Location", "").startswith("/accounts/"), path
        if found.headers.get("Location", "").startswith("/accounts/2fa/reauthenticate/"):
            asked.add(path)
        else:
            assert found.status_code == expected.status_code, path
    # The catch-all and the pages of records have no action of their own.
    assert asked == {re.sub(r"<\w+:\w+>", SAMPLES["uuid"], f"/console/{page.path}") for page in REVEALS}


def test_a_value_opens_for_a_fresh_factor_only(controller: Controller, person: DataSubject) -> None:
    url = f"/console/people/{person.pk}/identifiers/{person.identifiers.get(type='email').pk}/"
    for seconds, is_shown in ((599, True), (601, False), (0, True)):
        client = signed_in(
            staff(controller, Role.PRIVACY_OFFICER, email=f"{seconds}@staff.example"), seconds_ago=seconds
        )
        response = client.post(url, {"purpose": "subject_request"})
        assert ("jane.doe@example.org" in response.content.decode()) is is_shown


def test_whoever_pressed_a_button_too_late_is_back_on_its_page_after_signing_in(controller: Controller) -> None:
    answer = Client().post(
        "/console/alarms/rules/own_record/", headers={"referer": "http://testserver/console/alarms/"}
    )
    assert answer.headers["Location"] == "/accounts/login/?next=/console/alarms/"
    for elsewhere in ({}, {"referer": "https://elsewhere.example/console/alarms/"}):
        answer = Client().post("/console/alarms/rules/own_record/", headers=elsewhere)
        assert answer.headers["Location"] == "/accounts/login/?next=/console/"
