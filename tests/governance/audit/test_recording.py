"""record(): the person is a pseudonym, the body is sealed and committed to, and slips are refused loudly."""

from __future__ import annotations

import json
import uuid
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from governance import audit
from governance.audit.recording import ERASED_REF
from governance.crypto.canonical import canonical
from governance.crypto.envelope import Place, decrypt
from governance.errors import AuditRefused, Erased
from governance.fields import Scope
from governance.fields.codec import decode
from governance.keys import data_keys, pseudonyms
from governance.models import AuditBody, DataKey, DataSubject, LedgerEntry
from governance.policy.principal import data_subject
from governance.policy.vocabulary import AuditType
from tests.governance.test_ledger import STATEMENTS

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from governance.models import Controller
    from governance.policy.principal import Principal

BODY = {"fields": {"email": "jane.doe@example.org"}, "why": "asked by phone"}


def scope_of(subject: DataSubject) -> Scope:
    return Scope(subject.controller_id.hex, "subject", subject.id.hex)


def opened(body: AuditBody, name: str) -> Any:
    sealed = getattr(body, name)
    key = data_keys.opener([sealed.scope])[sealed.scope]
    assert key is not None
    place = Place(sealed.scope.controller, sealed.label, sealed.scope.kind, sealed.scope.id)
    return decode(decrypt(key.cipher, key.key_id, sealed.envelope, place))


def events() -> list[str]:
    """What was recorded, apart from keys that were minted on the way."""
    return list(LedgerEntry.objects.exclude(type__startswith="key.").values_list("type", flat=True))


def everything(entry: LedgerEntry) -> str:
    stored = LedgerEntry.objects.filter(pk=entry.pk).values().get()
    return json.dumps(
        {name: bytes(v).hex() if isinstance(v, memoryview | bytes) else str(v) for name, v in stored.items()}
    )


def test_a_person_appears_as_a_pseudonym_under_their_own_key(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    other = DataSubject.objects.create(controller=controller)
    facts = {"actor": officer, "controller_id": controller.id, "object_ref": "request:7"}
    first = audit.record(AuditType.SUBJECT_REVEALED, subject_id=subject.id, **facts)
    second = audit.record(AuditType.SUBJECT_REVEALED, subject_id=subject.id, **facts)
    third = audit.record(AuditType.SUBJECT_REVEALED, subject_id=other.id, **facts)
    assert first.subject_ref == second.subject_ref == pseudonyms.pseudonym(scope_of(subject))
    assert third.subject_ref != first.subject_ref
    assert subject.id.hex not in everything(first).replace("-", "")
    assert first.actor_ref == officer.ref


def test_a_person_who_acts_for_themselves_is_not_named_beside_their_pseudonym(
    controller: Controller, subject: DataSubject
) -> None:
    principal = data_subject(subject.id.hex, controller.id.hex)
    entry = audit.record(
        AuditType.CONSENT_RECORDED, actor=principal, controller_id=controller.id, subject_id=subject.id
    )
    denied = audit.record(AuditType.ACCESS_DENIED, actor=principal, controller_id=controller.id)
    each_other = audit.record_each(
        AuditType.CONSENT_RECORDED, actor=principal, controller_id=controller.id, about={subject.id: {}}
    )
    for each in (entry, denied, *each_other):
        assert each.actor_ref == f"data_subject:{entry.subject_ref}"
        assert subject.id.hex not in everything(each).replace("-", "")


def test_a_request_acts_under_its_own_id(controller: Controller) -> None:
    request = uuid.uuid4().hex
    entry = audit.record(
        AuditType.CONSENT_RECORDED, actor=data_subject(request, controller.id.hex), controller_id=controller.id
    )
    assert entry.actor_ref == f"data_subject:{request}"
    assert not DataKey.objects.exists()


def test_the_persons_own_id_is_refused_anywhere_else(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    facts = {"actor": officer, "controller_id": controller.id, "subject_id": subject.id}
    for slip in (
        {"object_ref": f"subject:{subject.id}"},
        {"object_ref": f"subject:{subject.id.hex.upper()}"},
        {"details": {"id": subject.id.hex}},
        {"details": {"ids": ["a", str(subject.id)]}},
    ):
        with pytest.raises(AuditRefused):
            audit.record(AuditType.SUBJECT_REVEALED, **facts, **slip)
    assert not events()
    audit.record(AuditType.SUBJECT_REVEALED, **facts, object_ref=f"request:{uuid.uuid4()}")


def test_a_body_is_sealed_for_the_person_and_committed_to(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    entry = audit.record(
        AuditType.SUBJECT_REVEALED, actor=officer, controller_id=controller.id, subject_id=subject.id, body=BODY
    )
    stored = AuditBody.objects.get(entry=entry)
    salt, body = opened(stored, "salt"), opened(stored, "body")
    assert body == BODY
    assert len(salt) == 32
    assert json.loads(entry.payload)["body_commit"] == sha256(salt + canonical(body)).hexdigest()
    assert "jane.doe" not in everything(entry)
    assert b"jane.doe" not in stored.body.envelope


def test_equal_bodies_have_different_commitments(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    made = [
        audit.record(
            AuditType.SUBJECT_REVEALED, actor=officer, controller_id=controller.id, subject_id=subject.id, body=BODY
        )
        for _ in range(2)
    ]
    assert len({json.loads(entry.payload)["body_commit"] for entry in made}) == 2


def test_a_person_whose_key_is_destroyed_is_recorded_and_cannot_be_linked(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    facts = {"actor": officer, "controller_id": controller.id, "subject_id": subject.id}
    before = audit.record(AuditType.SUBJECT_REVEALED, **facts)
    data_keys.destroy(scope_of(subject))
    after = audit.record(AuditType.ACCESS_DENIED, **facts)
    each = audit.record_each(
        AuditType.ACCESS_DENIED, actor=officer, controller_id=controller.id, about={subject.id: {}}
    )
    themselves = {**facts, "actor": data_subject(subject.id.hex, controller.id.hex)}
    assert audit.record(AuditType.ACCESS_DENIED, **themselves).actor_ref == f"data_subject:{ERASED_REF}"
    assert after.subject_ref == each[0].subject_ref == ERASED_REF != before.subject_ref
    with pytest.raises(Erased):
        audit.record(AuditType.SUBJECT_REVEALED, **facts, body=BODY)


def test_a_person_needs_a_controller_and_a_body_needs_a_person(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    with pytest.raises(AuditRefused):
        audit.record(AuditType.SUBJECT_REVEALED, actor=officer, subject_id=subject.id)
    with pytest.raises(AuditRefused):
        audit.record(AuditType.SUBJECT_REVEALED, actor=officer, controller_id=controller.id, body=BODY)
    with pytest.raises(AuditRefused):
        audit.record(
            AuditType.SUBJECT_REVEALED,
            actor=officer,
            controller_id=controller.id,
            subject_id=subject.id,
            body={"score": 0.5},
        )
    assert not events()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written_and_no_key_is_minted(
    controller: Controller, subject: DataSubject, officer: Principal
) -> None:
    facts = {"actor": officer, "controller_id": controller.id}
    with pytest.raises(AuditRefused):
        audit.record(AuditType.SUBJECT_REVEALED, **facts, subject_id=subject.id, body=BODY)
    with pytest.raises(AuditRefused):
        audit.record_each(AuditType.SUBJECT_REVEALED, **facts, about={subject.id: {}})
    assert not events()
    assert not DataKey.objects.exists()
    with transaction.atomic():
        audit.record(AuditType.SUBJECT_REVEALED, **facts, subject_id=subject.id, body=BODY)
    assert AuditBody.objects.count() == 1


@pytest.mark.parametrize("people", [1, 25])
def test_recording_about_many_people_costs_the_same_statements(
    controller: Controller, officer: Principal, people: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subjects = [DataSubject.objects.create(controller=controller) for _ in range(people)]
    for subject in subjects:
        data_keys.sealer(scope_of(subject))
    about = {subject.id: {"values": number} for number, subject in enumerate(subjects)}
    with django_assert_num_queries(1 + STATEMENTS):
        entries = audit.record_each(AuditType.SUBJECT_REVEALED, actor=officer, controller_id=controller.id, about=about)
    assert [json.loads(entry.payload)["details"]["values"] for entry in entries] == list(range(people))
    assert [entry.subject_ref for entry in entries] == [pseudonyms.pseudonym(scope_of(each)) for each in subjects]
