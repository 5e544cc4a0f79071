"""Every kind of event as OCSF 1.5.0: what the schema asks for is there, and its enumerations are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from ocsf.v1_5_0 import events as official
from pydantic import BaseModel, ValidationError

from governance import audit
from governance.audit import ocsf
from governance.models import Controller, DataSubject, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.django_db

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "ocsf_1_5_0.json").read_text())
MODELS: dict[int, type[BaseModel]] = {
    3002: official.Authentication,
    3004: official.EntityManagement,
    3005: official.UserAccess,
    6003: official.ApiActivity,
    6005: official.DatastoreActivity,
}


def problems(record: Mapping[str, Any]) -> list[str]:
    """Judge a record by two judges: models made by others from the official schema, and the facts we wrote down.

    The models know types, enumerations and names; constraints and what 1.5.0 did not have yet are ours to know.
    """
    return [*_by_models(record), *_by_facts(record)]


def _by_models(record: Mapping[str, Any]) -> list[str]:
    model = MODELS.get(record["class_uid"])
    if model is None:
        return ["no model"]
    try:
        return _unknown(model.model_validate(dict(record)))
    except ValidationError as refused:
        return [str(each) for each in refused.errors()]


def _unknown(read: Any, path: str = "") -> list[str]:
    """Name the attributes that the schema does not have: the models keep them instead of refusing."""
    if not isinstance(read, BaseModel) or path == "unmapped.":  # there, and there alone, anything may stand
        return []
    found = [f"unknown {path}{name}" for name in read.model_extra or {}]
    return found + [each for name, inner in read for each in _unknown(inner, f"{path}{name}.")]


def _by_facts(record: Mapping[str, Any]) -> list[str]:
    known = SCHEMA["classes"].get(str(record.get("class_uid")))
    if known is None:
        return ["unknown class"]
    found = [f"missing {name}" for name in (*SCHEMA["base"]["required"], *known["required"]) if name not in record]
    if known.get("at_least_one") and not set(known["at_least_one"]) & record.keys():
        found.append(f"none of {known['at_least_one']}")
    if record.get("activity_id") not in known["activities"]:
        found.append(f"activity {record.get('activity_id')}")
    if record.get("category_uid") != known["category"]:
        found.append("category")
    if record.get("type_uid") != record.get("class_uid", 0) * 100 + record.get("activity_id", 0):
        found.append("type_uid")
    enums = SCHEMA["base"]["enums"] | known.get("enums", {})
    found += [f"{name}" for name, values in enums.items() if record.get(name) not in values]
    found += [
        f"no attribute {name}" for name in sorted(record.keys() - {*SCHEMA["base"]["attributes"], *known["attributes"]})
    ]
    return found + _objects(record)


def _objects(value: Any, name: str = "") -> list[str]:
    if not isinstance(value, dict) or name == "unmapped":
        return []
    asked = SCHEMA["objects"].get(name, {})
    found = [f"{name}.{each}" for each in asked.get("required", ()) if each not in value]
    if asked.get("at_least_one") and not set(asked["at_least_one"]) & value.keys():
        found.append(f"{name}: none of {asked['at_least_one']}")
    found += [f"{name}.{each}" for each, values in asked.get("enums", {}).items() if value.get(each) not in values]
    return found + [problem for each, inner in value.items() for problem in _objects(inner, each)]


@pytest.fixture
def written(controller: Controller, person: DataSubject) -> Any:
    def write(type_: AuditType, **more: Any) -> dict[str, Any]:
        with transaction.atomic():
            entry = audit.record(
                type_, actor=operator(controller.pk.hex), controller_id=controller.pk, subject_id=person.pk, **more
            )
        return ocsf.record(json.loads(LedgerEntry.objects.get(pk=entry.pk).payload), 7, "example.org/log")

    return write


@pytest.mark.parametrize("type_", list(AuditType))
def test_every_event_is_a_valid_record(type_: AuditType, written: Any) -> None:
    record = written(type_)
    assert problems(record) == []
    assert record["metadata"]["version"] == "1.5.0"
    assert record["unmapped"]["ledger_position"] == record["metadata"]["sequence"] == 7
    assert record["metadata"]["event_code"] == type_.value


@pytest.mark.parametrize(
    ("type_", "more", "class_uid", "activity"),
    [
        (AuditType.SUBJECT_REVEALED, {"purpose": "customer_support"}, 6005, 10),
        (AuditType.EXPORT_MADE, {}, 6005, 1),
        (AuditType.ACCESS_DENIED, {"details": {"action": "subject:find"}}, 6003, 99),
        (AuditType.GRANT_CHANGED, {"details": {"change": "granted", "role": "auditor"}}, 3005, 1),
        (AuditType.GRANT_CHANGED, {"details": {"change": "removed", "role": "auditor"}}, 3005, 2),
        (AuditType.STAFF_SIGNED_IN, {}, 3002, 1),
        (AuditType.STAFF_SIGNED_OUT, {}, 3002, 2),
        (AuditType.CONSENT_RECORDED, {}, 3004, 1),
        (AuditType.PURPOSE_CHANGED, {}, 3004, 3),
        (AuditType.SUBJECT_ERASED, {}, 3004, 4),
    ],
)
def test_what_happened_keeps_its_meaning(
    type_: AuditType, more: dict[str, Any], class_uid: int, activity: int, written: Any
) -> None:
    record = written(type_, **more)
    assert (record["class_uid"], record["activity_id"]) == (class_uid, activity)


def test_what_failed_says_so(written: Any) -> None:
    assert written(AuditType.STAFF_SIGN_IN_FAILED)["status_id"] == 2
    assert written(AuditType.ACCESS_DENIED)["status_id"] == 2
    assert written(AuditType.STAFF_SIGNED_IN)["status_id"] == 1


def test_a_type_of_an_older_version_is_still_exported() -> None:
    payload = {
        "type": "thing.retired",
        "class": 3004,
        "id": "x",
        "time": "2026-01-01T00:00:00+00:00",
        "actor": "staff:1",
    }
    assert problems(ocsf.record(payload, 1, "log")) == []


def test_the_models_are_not_blind(written: Any) -> None:
    record = written(AuditType.SUBJECT_REVEALED)
    assert record["activity_name"] == "Decrypt"
    assert _by_models(record) == []
    for broken in (
        record | {"activity_id": 11, "type_uid": 600511},
        record | {"activity_name": "subject.revealed"},
        record | {"type_uid": 1},
        record | {"time": "yesterday"},
        record | {"metadata": {"version": "1.5.0"}},
        record | {"nothing": "that the schema has"},
        record | {"actor": {"user": {"uid": "staff:1", "nothing": "that the schema has"}}},
    ):
        assert _by_models(broken) != []


def test_the_judge_is_not_blind(written: Any) -> None:
    record = written(AuditType.SUBJECT_REVEALED)
    for broken in (
        {key: value for key, value in record.items() if key != "actor"},
        {key: value for key, value in record.items() if key != "database"},
        record | {"activity_id": 11, "type_uid": 600511},
        record | {"type_uid": 1},
        record | {"actor": {}},
        record | {"metadata": {"version": "1.5.0"}},
        record | {"class_uid": 1},
        record | {"type_id": 4},
        record | {"comment": "an attribute of another class"},
    ):
        assert problems(broken) != []
