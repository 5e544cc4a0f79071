"""A request from the first word to the purge, on real databases; each end state is looked at, not assumed."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from dsar import package, services
from governance.audit import sequencer
from governance.errors import Erased
from governance.policy.principal import data_subject
from tests.dsar.conftest import ANN, BOB, House, approve, ask, fresh, letters, planned, work

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def test_a_copy_holds_what_is_hers_and_nothing_of_anyone_else(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    assert request.status == "awaiting_approval"
    approve(house, request)
    work()
    request = fresh(request)
    assert request.status == "reviewing"
    services.respond(request, principal=house.principal)
    request = fresh(request)
    content = services.download(request, principal=data_subject(request.pk.hex, house.controller.pk.hex)).read()
    assert package.verify(content) == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = json.loads(archive.read("data.json"))
        text = b"".join(archive.read(name) for name in archive.namelist()).decode()
    rows = {section["collection"]: section["rows"] for section in data["sections"]}
    assert [row["email"] for row in rows["customer"]] == [ANN]
    assert [row["id"] for row in rows["invoice"]] == [1, 2]
    assert [row["topics"] for row in rows["subscriber"]] == ["cats"]
    assert BOB not in text
    assert "Clerk Canary" not in text
    assert "hash" not in json.dumps(rows)  # a password is held, and never given out
    withheld = {item["what"] for section in data["sections"] for item in section["withheld"]}
    assert any("clerk" in what for what in withheld)
    assert "Store, customer: password" in withheld
    assert fresh(request).rights.get().outcome == "granted"
    assert house.rows(house.store, "customer")[0][1] == ANN  # a copy changes nothing


def test_an_erasure_ends_every_field_and_touches_nobody_else(house: House, ann: DataSubject) -> None:
    before = {table: house.rows(house.store, table) for table in ("clerk", "customer", "invoice")}
    request = planned(house, "erasure")
    approve(house, request)
    work()
    request = fresh(request)
    assert request.status == "reviewing"
    after = {table: house.rows(house.store, table) for table in before}
    assert after["clerk"] == before["clerk"]
    assert after["customer"][1] == before["customer"][1]
    assert after["invoice"][2] == before["invoice"][2]
    assert after["customer"][0][1:4] == (None, None, None)
    assert after["invoice"][0][2] == "Ann Canary"  # kept: the bookkeeping rule runs
    assert after["invoice"][1][2] is None  # erased: it ran out in 2011
    assert house.rows(house.news, "subscriber") == [(BOB, "dogs")]
    ends = {(row.collection, row.field, row.outcome): row for row in request.outcomes.all()}
    kept = ends["invoice", "bill_to", "retained"]
    assert (kept.rows, kept.until.isoformat(), kept.citation) == (1, "2036-01-05", "AO § 147")
    assert ends["invoice", "bill_to", "erased"].rows == 1
    assert not [end for end in ends if end[2] == "failed"]
    ann.refresh_from_db()
    assert ann.status == "erased"
    services.respond(request, principal=house.principal)
    assert "Invoices are kept for bookkeeping" in letters(house.controller)[-1]
    assert "5 January 2036" in letters(house.controller)[-1]
    assert fresh(request).rights.get().outcome == "partly_granted"


def test_copy_and_erasure_in_one_request_collect_first(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    approve(house, request)
    work()
    request = fresh(request)
    assert request.status == "reviewing"
    assert house.rows(house.store, "customer")[0][1] is None
    services.respond(request, principal=house.principal)
    content = services.download(fresh(request), principal=data_subject(request.pk.hex, house.controller.pk.hex)).read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("data.json").decode()
    assert ANN in text
    assert "cats" in text


def test_a_person_nobody_knows_gets_an_answer_too(house: House) -> None:
    request = planned(house, "access", "erasure", email="stranger@example.net")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    assert {row.outcome for row in fresh(request).rights.all()} == {"not_found"}
    assert "found nothing" in letters(house.controller)[-1]


def test_after_the_purge_nothing_of_the_request_opens(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    services.close(fresh(request), principal=house.principal)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        work()
    request = fresh(request)
    assert request.purged_at is not None
    assert request.contact is None
    with pytest.raises(Erased):
        services.send_code(request, principal=house.principal)
    sequencer.sequence()


def test_an_unproven_request_lapses_and_is_never_planned(house: House) -> None:
    request = ask(house, "access")
    assert work() == 0
    with time_machine.travel(timezone.now() + timedelta(days=15)):
        work()
    assert fresh(request).status == "lapsed"
    assert not request.plans.exists()


def test_withdrawing_stops_the_work(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    services.withdraw(request, principal=data_subject(request.pk.hex, house.controller.pk.hex))
    work()
    assert house.rows(house.store, "customer")[0][1] == ANN
    assert fresh(request).status == "withdrawn"
