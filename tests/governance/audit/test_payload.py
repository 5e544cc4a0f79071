"""docs/ledger.md is true: a stranger recomputes the leaf from it, and old entries verify beside new ones."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.utils import timezone

from governance import ledger
from governance.audit import sequencer, verify
from governance.errors import AuditRefused
from governance.ledger import uuid7
from governance.models import LedgerEntry, LedgerPending
from governance.policy import fingerprint
from governance.policy.event_classes import EventClass, class_of
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from tests.governance.audit.conftest import Write

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


def test_the_example_of_the_document_gives_its_leaf() -> None:
    (payload,) = re.findall(r"```json\n(.*)\n```", DOCUMENT)
    assert hashlib.sha256(b"\x00" + payload.encode()).hexdigest() in DOCUMENT
    again = json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again == payload


def test_the_document_names_every_key_and_a_stranger_computes_each_leaf(write: Write) -> None:
    entries = write(3)
    described = set(re.findall(r"^\| `([a-z_]+)` \|", DOCUMENT, re.MULTILINE))
    for entry in entries:
        assert set(json.loads(entry.payload)) == described
        assert hashlib.sha256(b"\x00" + entry.payload.encode()).digest() == bytes(entry.leaf)


@pytest.mark.django_db(transaction=True)
def test_an_entry_of_the_first_version_verifies_beside_new_ones(write: Write) -> None:
    write(2)
    instant = timezone.now()
    event_id = uuid7(instant)
    fields = {
        "v": 1,
        "id": str(event_id),
        "time": instant.isoformat(),
        "type": "purpose.changed",
        "controller": None,
        "actor": "staff:0f",
        "subject": "",
        "object": "purpose:1",
        "purpose": "",
        "decision": "",
        "details": {},
        "body_commit": None,
    }
    payload = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    entry = LedgerEntry.objects.create(
        id=event_id,
        recorded_at=instant,
        type="purpose.changed",
        actor_ref="staff:0f",
        object_ref="purpose:1",
        payload=payload,
        leaf=hashlib.sha256(b"\x00" + payload.encode()).digest(),
    )
    LedgerPending.objects.create(entry=entry)
    write(1)
    sequencer.sequence()
    report = verify.verify()
    assert (report.problems, report.size) == ((), 4)


def test_every_type_has_a_class_and_the_known_ones_have_theirs() -> None:
    assert {type(class_of(each)) for each in AuditType} == {EventClass}
    expected = {
        AuditType.ACCESS_DENIED: 6003,
        AuditType.CONSENT_RECORDED: 3004,
        AuditType.GRANT_CHANGED: 3005,
        AuditType.KEY_CREATED: 3004,
        AuditType.SERVICE_KEY_ISSUED: 3005,
        AuditType.STAFF_SIGNED_IN: 3002,
        AuditType.SUBJECT_REVEALED: 6005,
    }
    assert {each: class_of(each).value for each in expected} == expected


def test_rules_are_named_by_their_content() -> None:
    assert fingerprint.roles() == fingerprint.fingerprint(fingerprint.table())
    changed = {**fingerprint.table(), "auditor": ["audit:read"]}
    assert fingerprint.fingerprint(changed) != fingerprint.roles()
    assert len(fingerprint.roles()) == 32
    assert ledger.PAYLOAD_VERSION == 2


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_no_bundle_could_hold_is_refused() -> None:
    def event(count: int) -> ledger.LedgerEvent:
        details = {"fields": ["a" * 8] * count}
        return ledger.LedgerEvent(type=AuditType.PURPOSE_CHANGED, actor_ref="staff:0f", details=details)

    with transaction.atomic():
        ledger.append(event(10))
        with pytest.raises(AuditRefused, match="longer"):
            ledger.append(event(6_000))
    assert LedgerEntry.objects.count() == 1
