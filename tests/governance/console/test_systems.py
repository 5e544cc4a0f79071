"""Connecting systems and importing descriptions: mistakes are named by place, addresses are never shown again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access import grants
from governance.models import Dataset, LedgerEntry, System, SystemStep
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from governance.systems import registering
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import DESCRIPTION, Page

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from governance.models import Controller

ADDRESS = "postgresql://reader:hunter2@db.internal/shop"
FORM = {"name": "Billing", "key": "billing", "url": ADDRESS}


def test_a_system_is_connected_and_its_address_sealed(house: Controller, desk: Client) -> None:
    assert desk.post("/console/systems/new/", FORM).status_code == 302
    text = desk.get("/console/systems/").content.decode()
    assert "Billing" in text
    assert "hunter2" not in text
    assert LedgerEntry.objects.filter(type="system.changed").count() == 2


@pytest.mark.parametrize(
    ("field", "value"), [("url", "nonsense"), ("url", "http://x"), ("key", "Not A Key"), ("name", ""), ("url", "")]
)
def test_a_mistake_is_named_and_never_repeats_the_address(
    field: str, value: str, house: Controller, desk: Client
) -> None:
    response = desk.post("/console/systems/new/", {**FORM, field: value})
    text = response.content.decode()
    assert response.status_code == 200
    assert f'href="#id_{field}"' in text
    assert "hunter2" not in text
    assert Page(response).problems() == []
    assert System.objects.count() == 1


def test_a_known_key_is_not_given_another_address(house: Controller, desk: Client) -> None:
    before = System.objects.get().url
    response = desk.post("/console/systems/new/", {**FORM, "key": "shop-db"})
    assert "connected already" in response.content.decode()
    assert System.objects.get().url == before


@pytest.mark.parametrize("who", ["auditor", "anonymous", "superuser", "no_role"])
def test_others_connect_nothing(who: str, house: Controller, clients: dict[str, Client]) -> None:
    assert clients[who].post("/console/systems/new/", FORM).status_code in {302, 403}
    assert System.objects.count() == 1


@pytest.mark.parametrize("as_file", [True, False])
def test_a_description_is_imported(as_file: bool, controller: Controller, system: System, desk: Client) -> None:
    url = f"/console/systems/{system.pk}/import/"
    sent = {"file": SimpleUploadedFile("shop.yml", DESCRIPTION.encode())} if as_file else {"text": DESCRIPTION}
    response = desk.post(url, sent)
    dataset = Dataset.objects.get()
    assert response.headers["Location"] == f"/console/datasets/{dataset.pk}/"
    text = desk.get(response.headers["Location"]).content.decode()
    assert "finds people by email" in text
    assert "customers.notes has no data category" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one of the two"),
        ("dataset: [", "line"),
        ("dataset: []", "dataset"),
        (DESCRIPTION.replace("name: customers", "nome: customers"), "/dataset/0/collections/0"),
    ],
)
def test_problems_of_a_description_are_listed_by_place(text: str, said: str, system: System, desk: Client) -> None:
    response = desk.post(f"/console/systems/{system.pk}/import/", {"text": text})
    page = response.content.decode()
    assert response.status_code == 200
    assert said in page
    assert "<title>Error: " in page
    assert Page(response).problems() == []
    assert not Dataset.objects.exists()


def test_a_description_is_compared_with_its_system(
    controller: Controller, system: System, desk: Client, tmp_path: Path
) -> None:
    url, who = f"/console/systems/{system.pk}/import/", operator(controller.pk.hex)
    page = desk.post(url, {"text": DESCRIPTION}, follow=True).content.decode()
    assert "did not answer" in page  # imported, and said to be uncompared
    path = tmp_path / "shop.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    registering.register(controller, "shop-db", "Shop database", f"sqlite:///{path}", principal=who)
    before = Dataset.objects.get().source
    response = desk.post(url, {"text": DESCRIPTION.replace("name: Shop", "name: Other")})
    assert response.status_code == 200
    assert "/dataset/0/collections/0" in response.content.decode()
    assert Page(response).problems() == []
    assert Dataset.objects.get().source == before


def test_a_file_that_is_not_text_is_said_to_be_none(system: System, desk: Client) -> None:
    upload = SimpleUploadedFile("shop.yml", b"\xff\xfe\x00binary")
    response = desk.post(f"/console/systems/{system.pk}/import/", {"file": upload})
    assert "not text in UTF-8" in response.content.decode()


def test_fifty_systems_cost_no_more_queries_than_one(house: Controller, desk: Client) -> None:
    who = operator(house.pk.hex)
    for url in ("/console/systems/", "/console/records/governance/system/"):
        with CaptureQueriesContext(connection) as few:
            desk.get(url)
        for number in range(49 if url == "/console/systems/" else 0):
            registering.register(house, f"s-{number}", f"System {number}", "sqlite:////tmp/x.sqlite3", principal=who)
        with CaptureQueriesContext(connection) as many:
            assert desk.get(url).status_code == 200
        assert len(many) == len(few)


@pytest.fixture
def own(house: Controller) -> System:
    """A second system, with a step."""
    row = registering.register(
        house, "own-db", "Own shop", "sqlite:////tmp/own.sqlite3", principal=operator(house.pk.hex)
    )
    for index, each in enumerate((row, System.objects.get(key="shop-db"))):
        SystemStep.objects.create(
            controller=house,
            system=each,
            job=uuid4(),
            kind="locate",
            dataset="d",
            collection=f"collection_of_{each.key}",
            position=index,
            due_at=timezone.now(),
        )
    return row


def test_an_owner_is_assigned_and_removed_on_the_page_of_the_system(
    house: Controller, own: System, desk: Client
) -> None:
    owner = staff(house, Role.SYSTEM_OWNER)
    stranger = staff(house, Role.ANALYST)
    page = f"/console/systems/{own.pk}/"
    assert Page(desk.get(page)).problems() == []
    refused = desk.post(f"{page}owners/", {"owner": stranger.pk.hex})
    assert (refused.status_code, grants.owners_of(own)) == (200, [])
    assert Page(refused).problems() == []
    assert desk.post(f"{page}owners/", {"owner": owner.pk.hex}).status_code == 302
    shown = desk.get(page)
    assert owner.email in shown.content.decode()
    assert Page(shown).problems() == []
    assert desk.post(f"{page}owners/remove/", {"owner": owner.pk.hex}).status_code == 302
    assert grants.owners_of(own) == []
    assert LedgerEntry.objects.filter(type="grant.changed", object_ref=f"staff:{owner.pk.hex}").count() == 3


def test_an_owner_sees_their_own_systems_and_steps_and_no_other_page(house: Controller, own: System) -> None:
    owner = staff(house, Role.SYSTEM_OWNER)
    client = signed_in(owner)
    assert "No system is yours yet" in client.get("/console/systems/own/").content.decode()
    grants.own(owner, own, principal=operator(house.pk.hex))
    response = client.get("/console/systems/own/")
    text = response.content.decode()
    assert Page(response).problems() == []
    assert ("Own shop" in text, "Shop database" in text) == (True, False)
    assert ("collection_of_own-db" in text, "collection_of_shop-db" in text) == (True, False)
    for page in ("/console/systems/", f"/console/systems/{own.pk}/", "/console/requests/", "/console/ledger/"):
        assert client.get(page).status_code == 403, page
    for action in ("owners/", "owners/remove/"):
        assert client.post(f"/console/systems/{own.pk}/{action}", {"owner": owner.pk.hex}).status_code == 403
    assert client.get("/console/").status_code == 200


def test_who_may_only_read_systems_changes_no_owner(house: Controller, own: System, clients: dict[str, Client]) -> None:
    owner = staff(house, Role.SYSTEM_OWNER)
    text = clients["auditor"].get(f"/console/systems/{own.pk}/").content.decode()
    assert "Make owner" not in text
    assert clients["auditor"].post(f"/console/systems/{own.pk}/owners/", {"owner": owner.pk.hex}).status_code == 403
    assert grants.owners_of(own) == []


def test_a_failed_step_says_what_to_do_and_not_a_code(house: Controller, own: System, desk: Client) -> None:
    SystemStep.objects.filter(system=own).update(state="failed", error="system.refused")
    text = desk.get(f"/console/systems/{own.pk}/").content.decode()
    assert "may be read-only" in text
    assert "system.refused" not in text


def test_a_step_that_waits_says_that_nobody_need_ask(house: Controller, own: System, desk: Client) -> None:
    SystemStep.objects.filter(system=own).update(state="pending", error="system.unavailable", finished_at=None)
    text = desk.get(f"/console/systems/{own.pk}/").content.decode()
    assert "it is asked again by itself" in text
    assert "when somebody asks" not in text
    assert ">to do<" in text
