"""The copy says what it leaves out, and is never made of half a search."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from dsar import services
from governance.catalogue import datasets
from governance.errors import Conflict
from governance.policy.principal import data_subject
from governance.systems import runtime
from tests.dsar.conftest import ANN, STORE_MAP, House, approve, fresh, letters, planned, prove, work

if TYPE_CHECKING:
    from dsar.models import SubjectRequest
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db

MESSAGES = """
CREATE TABLE message (id INTEGER PRIMARY KEY, sender_id INTEGER REFERENCES customer (id),
    receiver_id INTEGER REFERENCES customer (id), body TEXT);
INSERT INTO message VALUES (1, 1, 2, 'Ann to Bob'), (2, 1, NULL, 'Ann to nobody');
"""
MESSAGE_MAP = """
      - name: message
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: sender_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: store, field: customer.id, direction: from}]}
          - name: receiver_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: store, field: customer.id, direction: from}]}
          - {name: body, data_categories: [user.content]}
"""


def copy_of(house: House, request: SubjectRequest) -> dict[str, Any]:
    services.respond(fresh(request), principal=house.principal)
    content = services.download(fresh(request), principal=data_subject(request.pk.hex, house.controller.pk.hex)).read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data: dict[str, Any] = json.loads(archive.read("data.json"))
    return {section["collection"]: section for section in data["sections"]}


def test_rows_shared_with_another_person_are_said_to_be_withheld(house: House, ann: DataSubject) -> None:
    with closing(sqlite3.connect(house.store)) as connection:
        connection.executescript(MESSAGES)
    store = datasets.systems_of(house.controller)["store"]
    text = STORE_MAP.replace("retention_rule:", MESSAGE_MAP.lstrip("\n") + "retention_rule:")
    datasets.import_text(house.controller, store, text, principal=house.principal)
    request = planned(house, "access")
    approve(house, request)
    work()
    sections = copy_of(house, request)
    assert [row["body"] for row in sections["message"]["rows"]] == ["Ann to nobody"]
    assert {"what": "Store, message (1 record)", "reason": "it is shared with another person"} in sections["message"][
        "withheld"
    ]
    assert "message (1 record)" in letters(house.controller)[-1]


@pytest.mark.parametrize("rights", [("access",), ("access", "erasure")])
def test_a_system_that_was_not_searched_holds_the_answer_back(
    house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch, rights: tuple[str, ...]
) -> None:
    away = house.news.rename(house.news.with_suffix(".away"))
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    request = planned(house, *rights)
    assert request.status == "awaiting_approval"
    approve(house, request)
    work()
    assert fresh(request).status == "reviewing"
    with pytest.raises(Conflict, match="news could not be searched"):
        services.respond(fresh(request), principal=house.principal)
    assert house.rows(house.store, "customer")[0][1] == ANN  # not erased before it is copied
    away.rename(house.news)
    services.plan(fresh(request), principal=house.principal)
    work()
    approve(house, fresh(request))
    work()
    sections = copy_of(house, request)
    assert [row["topics"] for row in sections["subscriber"]["rows"]] == ["cats"]
    assert [row["email"] for row in sections["customer"]["rows"]] == [ANN]


def test_an_officer_can_go_on_without_a_disabled_system(
    house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.news.rename(house.news.with_suffix(".away"))
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    request = planned(house, "access")
    news = datasets.systems_of(house.controller)["news"]
    news.disabled_at = timezone.now()
    news.save()
    services.plan(request, principal=house.principal)
    work()
    approve(house, fresh(request))
    work()
    assert "subscriber" not in copy_of(house, request)


def test_an_erasure_waits_for_the_copy_of_another_request(house: House, ann: DataSubject) -> None:
    copy, erasure = planned(house, "access"), planned(house, "erasure")
    with pytest.raises(Conflict, match=copy.reference):
        approve(house, erasure)
    assert fresh(erasure).status == "awaiting_approval"
    approve(house, copy)
    work()
    approve(house, fresh(erasure))
    work()
    assert [row["email"] for row in copy_of(house, copy)["customer"]["rows"]] == [ANN]
    assert house.rows(house.store, "customer")[0][1] is None


def test_a_copy_asked_for_after_the_approval_is_waited_for_too(house: House, ann: DataSubject) -> None:
    both = planned(house, "access", "erasure")
    approve(house, both)
    copy = planned(house, "access")
    assert fresh(both).status == "executing"
    assert house.rows(house.store, "customer")[0][1] == ANN
    approve(house, copy)
    work()
    work()
    assert fresh(both).status == "reviewing"
    assert house.rows(house.store, "customer")[0][1] is None
    assert [row["email"] for row in copy_of(house, copy)["customer"]["rows"]] == [ANN]


def test_two_requests_for_both_do_not_wait_for_each_other(house: House, ann: DataSubject) -> None:
    first, second = planned(house, "access", "erasure"), planned(house, "access", "erasure")
    approve(house, first)
    work()
    assert fresh(first).status == "reviewing"
    approve(house, second)
    work()
    assert fresh(second).status == "reviewing"


def test_the_copy_tells_what_the_law_asks_for_beside_the_data(house: House, ann: DataSubject) -> None:
    intake = services.Intake(rights=("access",), email=ANN, manner="portal", claimed=(("customer_id", "77"),))
    principal = data_subject(intake.id.hex, house.controller.pk.hex)
    request = prove(services.receive(house.controller, intake, principal=principal))
    work()
    approve(house, fresh(request))
    work()
    services.respond(fresh(request), principal=house.principal)
    content = services.download(fresh(request), principal=principal).read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("data.json").decode()
        data = json.loads(text)
    sections = {section["collection"]: section["rows"] for section in data["sections"]}
    assert sections["claimed"] == [{"type": "customer_id", "value": "77"}]
    assert "Invoices are kept for bookkeeping" in text
    assert "10 years" in text
    for part in ("recipients", "sources", "transfers", "automated_decisions"):
        assert "Not recorded" in json.dumps(_part(data, part))


def _part(data: Any, name: str) -> Any:
    """Find a part of the copy by its name, wherever it stands."""
    if isinstance(data, dict):
        found = (data[name] if key == name else _part(each, name) for key, each in data.items())
        return next((each for each in found if each), None)
    return None
