"""The front page, the pages for errors, the home page's panels and the demonstration's mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import registry, vault
from governance.console import pages
from governance.fields import Scope
from governance.models import LedgerEntry, OutgoingMessage
from governance.policy.vocabulary import Action, Role
from governance.registry import Panel
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from governance.models import Controller

ADDRESS = "jane.doe@example.org"


def letter(controller: Controller, number: int) -> OutgoingMessage:
    """A letter under a request's key of its own."""
    row = OutgoingMessage(controller=controller, scope_kind="request", created_at=timezone.now())
    row.scope_id, row.due_at = row.pk, row.created_at
    scope = Scope(controller.pk.hex, "request", row.scope_id.hex)
    row.to = vault.seal(ADDRESS, label="mail.to", scope=scope)
    row.subject = vault.seal(f"Letter {number}", label="mail.subject", scope=scope)
    row.text = vault.seal("Your code is 482913 <b>", label="mail.text", scope=scope)
    row.save(force_insert=True)
    return row


@pytest.fixture
def panel() -> Iterator[list[Panel]]:
    """A panel plugged in for one test."""
    shown: list[Panel] = []

    def plugged(_principal: object, _instant: object) -> Panel:
        return shown[0]

    before = list(registry.sockets.panels)
    registry.sockets.panels[:] = [plugged]
    yield shown
    registry.sockets.panels[:] = before


def test_the_front_page_leads_to_everything(controller: Controller) -> None:
    response = Client().get("/")
    page = Page(response)
    assert page.problems() == []
    for address in ("/privacy/", "/preferences/", "/accounts/login/"):
        assert f'href="{address}"' in page.text
    assert "Acme" in page.text


def test_the_front_page_stands_before_the_first_controller(db: None) -> None:
    assert Client().get("/").status_code == 200


def test_a_host_has_its_own_controller(controller: Controller, other_controller: Controller) -> None:
    other_controller.host = "localhost"
    other_controller.save()
    assert "Umbrella" in Client().get("/", headers={"host": "localhost:8000"}).content.decode()
    assert "Acme" in Client().get("/", headers={"host": "testserver"}).content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "405", "429", "500"])
def test_error_pages_stand_alone_and_help(name: str) -> None:
    from django.http import HttpResponse

    page = Page(HttpResponse(render_to_string(f"{name}.html")))
    assert page.problems() == []


def test_a_missing_page_helps(db: None) -> None:
    response = Client().get("/nowhere/")
    assert response.status_code == 404
    assert Page(response).problems() == []


@pytest.mark.parametrize("address", ["/preferences/stop/", "/privacy/leave/", "/console/controller/"])
def test_an_address_that_only_takes_a_form_helps_whoever_follows_a_link_there(
    controller: Controller, address: str
) -> None:
    response = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get(address)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "press its button again" in response.content.decode()
    assert Page(response).problems() == []


def test_callers_of_the_api_get_no_page(controller: Controller) -> None:
    assert Client().put("/v1/subjects")["Content-Type"] == "application/problem+json"


def test_a_forged_form_is_refused_in_words(controller: Controller) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", {"login": "a@b.example", "password": "x"})
    assert response.status_code == 403
    assert "send the form again" in response.content.decode()
    assert Page(response).problems() == []


def test_today_shows_figures_that_link_and_rows_with_words(controller: Controller, panel: list[Panel]) -> None:
    rows = [
        {"figure": 3, "label": "overdue", "url": "/console/requests/?due=overdue", "tone": "danger"},
        {"label": "R-7", "url": "/console/requests/7/", "detail": "approve the plan", "status": "2 days overdue"},
    ]
    panel.append(Panel("Next", rows, "Nothing to do."))
    text = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/").content.decode()
    assert '<a href="/console/requests/?due=overdue"><strong>3</strong>' in text
    assert "approve the plan" in text
    assert "2 days overdue" in text
    assert "Nothing to do." not in text


def test_today_says_what_would_fill_it(controller: Controller, panel: list[Panel]) -> None:
    panel.append(Panel("Next", [], "Nothing to do."))
    text = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/").content.decode()
    assert "Nothing to do." in text
    assert "Requests will be counted here" in text


def test_navigation_shows_only_what_the_person_may_use(controller: Controller) -> None:
    officer = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/").content.decode()
    analyst = signed_in(staff(controller, Role.ANALYST)).get("/console/").content.decode()
    assert ">People</a>" in officer
    assert ">People</a>" not in analyst
    assert ">Systems</a>" in analyst


def test_the_controller_in_view_is_chosen_among_those_served(
    controller: Controller, other_controller: Controller
) -> None:
    from governance.access import grants
    from governance.policy.principal import operator

    user = staff(controller, Role.PRIVACY_OFFICER)
    client = signed_in(user)
    assert client.post("/console/controller/", {"controller": other_controller.pk.hex}).status_code == 404
    grants.serve(user, other_controller, [Role.PRIVACY_OFFICER], principal=operator(other_controller.pk.hex))
    response = client.post("/console/controller/", {"controller": other_controller.pk.hex}, follow=True)
    assert f'<option value="{other_controller.pk.hex}" selected>' in response.content.decode()
    assert Page(response).problems() == []


def test_the_mailbox_opens_letters_and_notes_it(controller: Controller) -> None:
    letter(controller, 1)
    response = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/mailbox/")
    page = Page(response)
    assert page.problems() == []
    assert ADDRESS in page.text
    assert "482913 &lt;b&gt;" in page.text
    assert "no-store" in response.headers["Cache-Control"]
    (row,) = LedgerEntry.objects.filter(type="subject.revealed")
    assert ADDRESS not in row.payload
    assert "demonstration_mailbox" in row.payload


def test_the_mailbox_keeps_a_letter_whose_key_is_gone(controller: Controller) -> None:
    from django.db import transaction

    from governance.keys import data_keys

    row = letter(controller, 1)
    with transaction.atomic():
        data_keys.destroy(Scope(controller.pk.hex, "request", row.scope_id.hex))
    text = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/mailbox/").content.decode()
    assert "no longer opens" in text


def test_outside_the_demonstration_there_is_no_mailbox(controller: Controller) -> None:
    letter(controller, 1)
    with override_settings(GOVERNANCE_DEMO=False):
        response = signed_in(staff(controller, Role.PRIVACY_OFFICER)).get("/console/mailbox/")
    assert response.status_code == 404
    assert ADDRESS not in response.content.decode()


def test_ten_letters_cost_as_many_reads_as_one(controller: Controller) -> None:
    client = signed_in(staff(controller, Role.PRIVACY_OFFICER))

    def reads() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get("/console/mailbox/")
        return sum(query["sql"].startswith("SELECT") for query in found)

    letter(controller, 0)
    one = reads()
    for number in range(9):
        letter(controller, number)
    assert reads() == one


def test_a_page_names_a_known_section_and_a_free_name() -> None:
    def view(_request: object) -> HttpResponse:
        raise AssertionError

    with pytest.raises(ValueError, match="sections"):
        pages.register("x/", view, "x", label="", section="Elsewhere", action=Action.CONSOLE_ENTER)
    with pytest.raises(ValueError, match="already"):
        pages.register("x/", view, "people", label="", section="People", action=Action.CONSOLE_ENTER)
