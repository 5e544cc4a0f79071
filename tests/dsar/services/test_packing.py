"""The copy says what it leaves out, and is never made of half a search."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from dsar import services
from governance.catalogue import datasets
from governance.policy.principal import data_subject
from tests.dsar.conftest import STORE_MAP, House, approve, fresh, letters, planned, work

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
    content = services.download(fresh(request), principal=data_subject(request.pk.hex, house.controller.pk.hex))
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
    assert {"what": "message (1 record)", "reason": "it is shared with another person"} in sections["message"][
        "withheld"
    ]
    assert "message (1 record)" in letters(house.controller)[-1]
