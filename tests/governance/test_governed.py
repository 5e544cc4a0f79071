"""Bulk writes on governed models are refused, unless their caller says that it records them (invariant 13)."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from guardian.shortcuts import remove_perm  # noqa: TID251  # the way past our own room is the point

from governance import access
from governance.access import grants
from governance.errors import AuditRefused
from governance.fields import SealedField
from governance.models import (
    Controller,
    ControllerGroupGrant,
    ControllerUserGrant,
    DataSubject,
    LedgerEntry,
    ServiceKey,
    StaffUser,
    System,
    SystemGroupGrant,
    SystemUserGrant,
)
from governance.models.governed import GovernedRows
from governance.policy.principal import OPERATOR, Principal, operator
from governance.policy.vocabulary import Role

NOW = timezone.now()
LATER = datetime(2099, 1, 1, tzinfo=UTC)
FILTER = ["status__exact", "not:created_at__gt", "controller__exact"]

CALLS: list[Callable[[Any, Controller], object]] = [
    lambda rows, _controller: rows.update(status="restricted", restricted_at=timezone.now()),
    lambda rows, _controller: rows.filter(status="active").delete(),
    lambda rows, controller: rows.bulk_create([DataSubject(controller=controller)]),
    lambda rows, _controller: rows.bulk_update(list(rows), ["status"]),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_bulk_write_is_refused_unless_it_is_recorded(controller: Controller, call: Callable[..., object]) -> None:
    DataSubject.objects.create(controller=controller)
    with pytest.raises(AuditRefused):
        call(DataSubject.objects.all(), controller)
    assert DataSubject.objects.filter(status="active").count() == 1
    call(DataSubject.objects.all().recorded(), controller)


@pytest.mark.django_db(transaction=True)
def test_a_recorded_bulk_write_needs_the_transaction_of_its_audit_row(controller: Controller) -> None:
    with pytest.raises(AuditRefused, match="outside a transaction"):
        DataSubject.objects.all().recorded().update(status="active")


def test_models_that_hold_a_persons_sealed_data_are_governed() -> None:
    sealed = {
        model
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedField)
        and field.scope_kind == "subject"
        and not model.__module__.startswith("tests.")
    }
    # One is written by audit.record alone, the other is a queue that letters.py claims row by row.
    sealed = {model for model in sealed if model.__name__ not in {"AuditBody", "OutgoingMessage"}}
    assert sealed
    assert all(isinstance(model.objects.all(), GovernedRows) for model in sealed)


AUDITED: list[tuple[str, Callable[[Any, Controller], object], int, list[str], list[str]]] = [
    (
        "update",
        lambda rows, _c: rows.update(status="restricted", restricted_at=NOW),
        2,
        ["restricted_at", "status"],
        FILTER,
    ),
    ("delete", lambda rows, _c: rows.delete(), 2, [], FILTER),
    ("bulk_create", lambda rows, c: rows.bulk_create([DataSubject(controller=c) for _ in range(3)]), 3, [], FILTER),
    ("bulk_update", lambda rows, _c: rows.bulk_update(list(rows), ["status"]), 2, ["status"], FILTER),
]


@pytest.mark.parametrize(("call", "run", "count", "fields", "names"), AUDITED, ids=[each[0] for each in AUDITED])
@pytest.mark.django_db(transaction=True)
def test_an_audited_bulk_write_leaves_one_summary_without_values(
    controller: Controller, call: str, run: Callable[..., object], count: int, fields: list[str], names: list[str]
) -> None:
    for _ in range(2):
        DataSubject.objects.create(controller=controller)
    actor = operator(controller.pk.hex)
    rows = DataSubject.objects.filter(Q(status="active") & ~Q(created_at__gt=LATER), controller=controller)
    run(rows.audited("import_corrected", actor=actor), controller)
    (entry,) = LedgerEntry.objects.filter(type="rows.changed")
    payload = json.loads(entry.payload)
    assert payload["object"] == "model:governance.datasubject"
    assert payload["actor"] == actor.ref
    assert payload["controller"] == str(controller.pk)
    assert payload["details"] == {
        "call": call,
        "count": count,
        "fields": fields,
        "filter": names,
        "terms": 3,
        "reason": "import_corrected",
    }
    for value in ("active", "2099", controller.pk.hex):
        assert value not in json.dumps(payload["details"])


def test_a_summary_that_cannot_be_written_undoes_the_bulk_write(controller: Controller) -> None:
    DataSubject.objects.create(controller=controller)
    nobody = Principal(OPERATOR, "two words", frozenset(), frozenset())
    with pytest.raises(AuditRefused), transaction.atomic():
        DataSubject.objects.all().audited("import_corrected", actor=nobody).update(
            status="restricted", restricted_at=NOW
        )
    assert DataSubject.objects.get().status == "active"
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("reason", ["", "x", "because Jane asked", "jane@example.org", "A_B_C", "a" * 65])
def test_a_reason_is_a_code(controller: Controller, reason: str) -> None:
    with pytest.raises(AuditRefused):
        DataSubject.objects.all().audited(reason, actor=operator(controller.pk.hex))


def test_the_ways_past_the_manager_are_closed(controller: Controller) -> None:
    DataSubject.objects.create(controller=controller)
    rows = DataSubject.objects.filter(status="active")
    with pytest.raises(AuditRefused):
        rows._raw_delete("default")  # noqa: SLF001  # the way past is the point
    with pytest.raises(AuditRefused):
        DataSubject.objects.raw("DELETE FROM governance_datasubject RETURNING id")
    with pytest.raises(AuditRefused):
        controller.services.update(disabled_at=NOW)
    with pytest.raises(AuditRefused):
        async_to_sync(rows.aupdate)(status="restricted")
    assert DataSubject.objects.filter(status="active").count() == 1


def test_who_may_do_what_is_governed_too(controller: Controller, officer: StaffUser) -> None:
    models = (
        StaffUser,
        ControllerUserGrant,
        ControllerGroupGrant,
        SystemUserGrant,
        SystemGroupGrant,
        System,
        ServiceKey,
    )
    for model in models:
        assert isinstance(model.objects.all(), GovernedRows), model
        with pytest.raises(AuditRefused):
            model.objects.all().delete()
    for change in (
        officer.groups.clear,
        lambda: officer.groups.add(Group.objects.get(name="auditor")),
        lambda: officer.groups.set([]),
        lambda: Group.objects.get(name="auditor").user_set.add(officer),
        lambda: remove_perm("governance.serve_as_privacy_officer", officer, controller),
    ):
        with pytest.raises(AuditRefused), transaction.atomic():
            change()
    assert Role.PRIVACY_OFFICER in access.principal_of(officer).roles
    grants.dismiss(officer, controller, principal=operator(controller.pk.hex))
    assert access.principal_of(officer).roles == frozenset()


#: Who says `.recorded()`, and the row that records it. A new place is a decision: prefer `.audited()`.
RECORDED = {
    "consent/services/contacts.py": "contact.recorded, with how many and for which purposes",
    "consent/services/importing.py": "consent.recorded for each choice, in the same call",
    "dsar/services/importing.py": "request.received for each request, in the same call",
    "consent/sockets.py": "subject.erased, by the kernel that calls it",
    "dsar/services/advancing.py": "none: what keeps a request waiting is an observation of the machine, no change",
    "dsar/services/deciding.py": "request.changed, by the refusal it belongs to",
    "governance/access/grants.py": "grant.changed for each role and system",
    "governance/access/service_keys.py": "service.key_revoked",
    "governance/catalogue/purposes.py": "purpose.changed: the version of the rules goes up with it",
    "governance/incidents/register.py": "incident.opened and what follows, in the same call",
    "governance/keys/compromise.py": "key.compromised for each row, and key.created for its successor",
    "governance/keys/controller_keys.py": "key.rotated, or key.compromised where that is the reason",
    "governance/keys/data_keys.py": "key.created and key.destroyed for each row",
    "governance/keys/roots.py": "key.rewrapped, with the batch it is about",
    "governance/keys/rotation.py": "key.rewrapped for each batch; key.retired and key.destroyed",
    "governance/subjects/erasing.py": "subject.erased, with the counts of what went",
    "governance/subjects/grace.py": "subject.restricted, by the restriction it belongs to",
    "governance/subjects/importing.py": "subject.registered and subject.identifier_added for each person",
    "governance/subjects/registering.py": "subject.registered or subject.identifier_added",
    "governance/vault/reindexing.py": "index.rotated, with the batch it is about",
    "governance/vault/resealing.py": "key.resealed for each batch, and key.destroyed",
    "governance/vault/tokens.py": "value.tokenised for each person; an end that passes was named there",
    "governance/vault/writing.py": "none: index entries follow the row of an app, which records its own change",
}


def test_every_place_that_records_its_own_bulk_writes_is_known() -> None:
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for room in ("config", "consent", "dsar", "governance")
        for path in (root / room).rglob("*.py")
        if re.search(r"\.recorded\(\)|recorded=True", path.read_text()) and path.name != "governed.py"
    }
    assert found == set(RECORDED)
