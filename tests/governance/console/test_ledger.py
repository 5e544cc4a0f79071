"""The audit viewer: pages by key, filters that keep people out of addresses, and an event judged by its fingerprint."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance import audit, subjects
from governance.audit.sequencer import sequence
from governance.console.words import (
    ACTION_WORDS,
    CLASS_WORDS,
    EVENT_WORDS,
    IDENTIFIER_WORDS,
    KEY_WORDS,
    REASON_WORDS,
    ROLE_WORDS,
    STANDING_WORDS,
    STEP_WORDS,
)
from governance.models import ControllerKey, DataKey, DataSubject, LedgerEntry, StaffUser, SystemStep
from governance.policy.event_classes import EventClass
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import Action, AuditType, RevealPurpose, Role
from governance.subjects.registering import TYPES
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
    assert "people are looked up below" in response.content.decode()
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


def test_filters_narrow_by_kind_and_by_who(controller: Controller, desk: Client) -> None:
    record(controller, 2)
    officer = StaffUser.objects.get(email="officer@staff.example")
    with transaction.atomic():
        audit.record(
            AuditType.SYSTEM_CHANGED,
            actor=Principal("staff", officer.pk.hex, frozenset(), frozenset()),
            controller_id=controller.pk,
        )
    by_actor = desk.get("/console/ledger/", {"actor": f"staff:{officer.pk.hex}"}).content.decode()
    assert by_actor.count("<tr>") == 2
    assert "A connected system was changed" in by_actor
    rights = desk.get("/console/ledger/", {"kind": "3005"}).content.decode().split("<table")[1]
    assert ("A role was given or taken" in rights, "A description of data" in rights) == (True, False)
    assert desk.get("/console/ledger/", {"kind": "9999"}).status_code == 200


def test_a_request_is_found_by_its_id_however_it_is_written(controller: Controller, desk: Client) -> None:
    request = uuid4()
    response = desk.post("/console/ledger/", {"object": str(request)})
    assert response.headers["Location"] == f"/console/ledger/?object=request%3A{request.hex}"


def test_an_identifier_leads_to_the_person_and_is_in_no_address(
    controller: Controller, desk: Client, person: DataSubject
) -> None:
    response = desk.post("/console/ledger/find/", {"type": "email", "value": "jane.doe@example.org"})
    assert response.headers["Location"] == f"/console/ledger/people/{person.pk}/"
    shown = desk.get(response.headers["Location"])
    assert Page(shown).problems() == []
    assert "A person was registered" in shown.content.decode()
    unknown = desk.post("/console/ledger/find/", {"type": "email", "value": "nobody@example.org"})
    assert Page(unknown).problems() == []
    assert "Nobody is known here" in unknown.content.decode()
    assert desk.post(f"/console/ledger/people/{person.pk}/", {"type": "subject.registered"}).headers["Location"] == (
        f"/console/ledger/people/{person.pk}/?type=subject.registered"
    )


def test_who_may_not_look_people_up_does_not_here(
    controller: Controller, clients: dict[str, Client], person: DataSubject
) -> None:
    assert "Find the person" not in clients["auditor"].get("/console/ledger/").content.decode()
    body = {"type": "email", "value": "jane.doe@example.org"}
    assert clients["auditor"].post("/console/ledger/find/", body).status_code == 403
    assert clients["auditor"].get(f"/console/ledger/people/{person.pk}/").status_code == 403


def test_an_erased_person_is_no_longer_found_in_the_ledger(
    controller: Controller, desk: Client, person: DataSubject
) -> None:
    subjects.erase(person, principal=operator(controller.pk.hex))
    text = desk.get(f"/console/ledger/people/{person.pk}/").content.decode()
    assert "destroyed with the key" in text
    assert "<table" not in text


def test_what_waits_is_what_one_may_see(controller: Controller, other_controller: Controller, desk: Client) -> None:
    sequence()
    record(controller, 2)
    record(other_controller, 5)
    text = desk.get("/console/ledger/").content.decode()
    assert re.search(r"Waiting</span> 2 ", text)


def test_the_last_verification_is_shown(controller: Controller, desk: Client) -> None:
    assert "not yet: run verify_audit" in desk.get("/console/ledger/").content.decode()
    record(controller, 1)
    sequence()
    call_command("verify_audit", stdout=StringIO())
    assert "events hold" in desk.get("/console/ledger/").content.decode()
    with lifted(connection):
        LedgerEntry.objects.filter(type="dataset.imported").update(payload="{}")
    with pytest.raises(CommandError):
        call_command("verify_audit", stdout=StringIO(), stderr=StringIO())
    assert "does not hold" in desk.get("/console/ledger/").content.decode()


def test_every_code_has_its_word() -> None:
    assert set(EVENT_WORDS) == set(AuditType)
    assert set(CLASS_WORDS) == set(EventClass)
    assert set(ROLE_WORDS) == set(Role)
    assert set(ACTION_WORDS) == set(Action)
    assert set(STANDING_WORDS) == set(DataSubject.Status.values)
    assert set(REASON_WORDS) == set(RevealPurpose)
    assert set(IDENTIFIER_WORDS) == set(TYPES)
    assert set(STEP_WORDS) == {*SystemStep.Kind.values, *SystemStep.State.values}
    assert set(KEY_WORDS) == {*ControllerKey.State.values, *DataKey.State.values, "expired", "revoked"}
