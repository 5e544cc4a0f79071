"""The audit viewer: pages by key, filters that keep people out of addresses, and an event judged by its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance import audit
from governance.audit.sequencer import sequence
from governance.models import LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType
from tests.governance.console.conftest import Page
from tests.superuser import lifted

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller


def record(controller: Controller, number: int, type_: AuditType = AuditType.DATASET_IMPORTED) -> None:
    for each in range(number):
        with transaction.atomic():
            audit.record(
                type_,
                actor=operator(controller.pk.hex),
                controller_id=controller.pk,
                object_ref=f"export:{each}",
            )


def links(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('href="/console/ledger/')[1:]]


def test_pages_go_back_to_the_first_event_without_gap_or_repeat(controller: Controller, desk: Client) -> None:
    record(controller, 120)
    url, seen = "/console/ledger/?type=dataset.imported", []
    for _page in range(3):
        text = desk.get(url).content.decode()
        seen += [link for link in links(text) if len(link) == 37]
        older = [link for link in links(text) if "after=" in link]
        url = "/console/ledger/" + older[0].replace("&amp;", "&") if older else ""
    assert url == ""
    assert len(seen) == len(set(seen)) == 120


def test_fifty_events_cost_no_more_queries_than_one(controller: Controller, desk: Client) -> None:
    record(controller, 1)
    url = "/console/ledger/?type=dataset.imported"
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    record(controller, 60)
    with CaptureQueriesContext(connection) as many:
        text = desk.get(url).content.decode()
    assert text.count("<tr>") == 51
    assert len(many) == len(few)


def test_filters_are_posted_and_only_references_reach_the_address(controller: Controller, desk: Client) -> None:
    record(controller, 2)
    response = desk.post("/console/ledger/", {"type": "dataset.imported", "object": "export:1"})
    assert response.headers["Location"] == "/console/ledger/?type=dataset.imported&object=export%3A1"
    assert desk.get(response.headers["Location"]).content.decode().count("<tr>") == 2


def test_a_person_typed_into_the_filter_is_refused(controller: Controller, desk: Client) -> None:
    response = desk.post("/console/ledger/", {"object": "jane.doe@example.org"})
    assert response.status_code == 200
    assert "people are looked up under People" in response.content.decode()
    assert Page(response).problems() == []


@pytest.mark.parametrize("query", ["after=nonsense", "type=nonsense", "since=yesterday", "after=" + "0" * 32])
def test_nonsense_in_the_address_is_no_error(query: str, controller: Controller, desk: Client) -> None:
    assert desk.get(f"/console/ledger/?{query}").status_code == 200


def test_events_of_another_controller_do_not_exist(
    controller: Controller, other_controller: Controller, desk: Client
) -> None:
    record(other_controller, 1)
    foreign = LedgerEntry.objects.get(type="dataset.imported")
    assert "dataset.imported" not in desk.get("/console/ledger/").content.decode().split("<table")[1]
    assert desk.get(f"/console/ledger/{foreign.pk}/").status_code == 404


def test_an_event_waits_then_stands_under_the_signed_head(controller: Controller, desk: Client) -> None:
    record(controller, 1)
    url = f"/console/ledger/{LedgerEntry.objects.get(type='dataset.imported').pk}/"
    assert "waiting for its place" in desk.get(url).content.decode()
    sequence()
    text = desk.get(url).content.decode()
    assert "within the head of" in text
    assert "unchanged" in text


def test_a_changed_event_does_not_pass_for_the_recorded_one(controller: Controller, desk: Client) -> None:
    record(controller, 1)
    sequence()
    row = LedgerEntry.objects.get(type="dataset.imported")
    with lifted(connection):
        LedgerEntry.objects.filter(pk=row.pk).update(payload=row.payload.replace("export:0", "export:9"))
    assert "does not fit its fingerprint" in desk.get(f"/console/ledger/{row.pk}/").content.decode()
