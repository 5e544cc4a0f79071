"""The evidence of a request: complete, provable by a stranger, free of personal data, and an event itself."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from dsar import services
from governance.audit.sequencer import sequence
from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.notes import verify_note
from governance.crypto.policies import Policy
from governance.crypto.proofs import Proof, verify_receipt
from governance.crypto.signatures import Verifier
from governance.models import LedgerEntry
from governance.policy.vocabulary import Role
from tests.dsar.conftest import ANN, House, approve, fresh, planned, work
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from django.http import HttpResponse

    from dsar.models import SubjectRequest
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(house: House, ann: DataSubject) -> SubjectRequest:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    while sequence():
        pass
    return fresh(request)


def ask(house: House, request: SubjectRequest, *roles: Role) -> HttpResponse:
    client = signed_in(staff(house.controller, *roles, email="asks@staff.example") if roles else house.officer)
    return client.post(f"/console/requests/{request.pk}/evidence/")


def opened(answer: HttpResponse) -> dict[str, bytes]:
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def open_note(files: dict[str, bytes]):  # type: ignore[no-untyped-def]
    verifiers = [Verifier.parse(line) for line in files["verifier-keys.txt"].decode().splitlines()]
    return lambda note: Checkpoint.parse(verify_note(note, verifiers))


@pytest.mark.parametrize("role", [Role.PRIVACY_OFFICER, Role.AUDITOR])
def test_a_stranger_verifies_every_event(house: House, done: SubjectRequest, role: Role) -> None:
    files = opened(ask(house, done, role))
    said = json.loads(files["evidence.json"])
    assert len(said["events"]) == LedgerEntry.objects.filter(object_ref=f"request:{done.pk.hex}").count() - 1
    assert {"request.received", "request.changed", "step.finished"} <= {each["type"] for each in said["events"]}
    for each in said["events"]:
        proof, head = verify_receipt(files[each["proof"]].decode(), open_note(files))
        assert proof.extra == files[each["file"]]
        assert head.root == Checkpoint.parse(files["checkpoint.txt"].decode().split("\n\n")[0] + "\n").root


def test_a_changed_event_or_proof_fails(house: House, done: SubjectRequest) -> None:
    files = opened(ask(house, done))
    event = json.loads(files["evidence.json"])["events"][0]
    proof = Proof.parse(files[event["proof"]].decode())
    with pytest.raises(ProofRefused):
        proof.verify(files[event["file"]].replace(b"request.received", b"request.refused!"), open_note(files))
    with pytest.raises(NoteRefused):
        Proof(proof.index, proof.path, proof.note.replace("\n", "\n1", 1), proof.extra).verify(
            files[event["file"]], open_note(files)
        )


def test_it_says_what_was_due_decided_and_done(house: House, done: SubjectRequest) -> None:
    files = opened(ask(house, done))
    said = json.loads(files["evidence.json"])
    assert said["reference"] == done.reference
    assert said["rights"][0]["derivation"][0]["said"]
    assert said["plans"][-1]["approved_digest"] == done.plans.latest("pk").digest
    assert {each["ended_as"] for each in said["outcomes"]} & {"erased", "retained"}
    assert said["log"] in files["README.txt"].decode()
    page = files["evidence.html"].decode()
    assert done.reference in page
    assert "proof" in page


def test_nothing_personal_is_in_it(house: House, done: SubjectRequest, ann: DataSubject) -> None:
    whole = b"".join(opened(ask(house, done)).values()).decode()
    for canary in (ANN, ANN.split("@")[0], house.officer.email, ann.pk.hex, str(ann.pk)):
        assert canary not in whole


def test_the_export_is_an_event_with_the_digest_of_what_was_handed_out(house: House, done: SubjectRequest) -> None:
    answer = ask(house, done)
    payload = json.loads(LedgerEntry.objects.get(type="export.made").payload)
    assert payload["details"]["digest"] == sha256(answer.content).hexdigest()
    assert payload["actor"] == f"staff:{house.officer.pk.hex}"
    assert payload["object"] == f"request:{done.pk.hex}"
    assert payload["class"] == 6005


def test_an_event_without_its_place_is_said_to_wait(house: House, done: SubjectRequest) -> None:
    ask(house, done)
    said = json.loads(opened(ask(house, done))["evidence.json"])
    assert [each["type"] for each in said["events"] if not each["proof"]] == ["export.made"]


@pytest.mark.parametrize("role", [Role.ANALYST, Role.SUPPORT_AGENT, Role.ADMINISTRATOR])
def test_others_do_not_get_it(house: House, done: SubjectRequest, role: Role) -> None:
    assert ask(house, done, role).status_code == 403
    assert not LedgerEntry.objects.filter(type="export.made").exists()


def test_it_brings_a_policy_and_says_how_many_events_are_left_out(
    house: House, done: SubjectRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = opened(ask(house, done))
    assert json.loads(files["evidence.json"])["events_left_out"] == 0
    assert Policy.parse(files["policy.txt"].decode()).logs
    monkeypatch.setattr(sys.modules["dsar.services.evidence"], "_MOST", 2)  # the package exports the function
    said = json.loads(opened(ask(house, done))["evidence.json"])
    assert (len(said["events"]), said["events_left_out"] > 0) == (2, True)
