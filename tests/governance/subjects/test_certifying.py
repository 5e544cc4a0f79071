"""The certificate: given after every value was tried and none opened, verified without this code, refused otherwise."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from governance import audit, subjects
from governance.errors import Conflict
from governance.fields import sealed_fields
from governance.keys import signing
from governance.models import DataKey, Erasure, LedgerEntry, VaultToken
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType, Role
from governance.subjects import certifying, erasing
from governance.subjects.registering import scope_of
from governance.vault import tokens, trying
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from governance.fields import Scope
    from governance.models import DataSubject
    from governance.policy.principal import Principal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who(person: DataSubject) -> Principal:
    return operator(person.controller_id.hex)


@pytest.fixture
def erased(person: DataSubject, who: Principal) -> Erasure:
    """A person with sealed bodies in the audit, erased."""
    for _number in range(3):
        with transaction.atomic():
            audit.record(
                AuditType.SUBJECT_RESTRICTED,
                actor=who,
                controller_id=person.controller_id,
                subject_id=person.pk,
                body={},
            )
    assert sum(each.opened for each in trying.try_all(scope_of(person))) == 8  # two identifiers, three salts and bodies
    subjects.erase(person, principal=who, object_ref="request:7")
    return Erasure.objects.get()


def bring_back(person: DataSubject, wrapped: bytes) -> None:
    """What a restored table of keys does."""
    with transaction.atomic():
        DataKey.objects.filter(scope_id=person.pk).recorded().update(wrapped=wrapped, state="active", destroyed_at=None)


def read(certificate: str) -> dict[str, object]:
    """Verify and read a certificate with nothing but the public key and a standard library."""
    text, _blank, signatures = certificate.rpartition("\n\n")
    signature = base64.b64decode(signatures.splitlines()[0].split(" ")[2])[4:]
    public = base64.b64decode(signing.verifier_key().split("+", 2)[2])[1:]
    Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{text}\n".encode())
    heading, body = text.split("\n", 1)
    assert heading == "certificate-of-destruction/1"
    found: dict[str, object] = json.loads(body)
    return found


def test_every_value_is_tried_and_the_result_signed(erased: Erasure, person: DataSubject) -> None:
    assert erasing.work() == 1
    erased.refresh_from_db()
    found = read(erased.certificate)
    assert found["tried"] == [
        {"label": "audit.body", "model": "governance.auditbody", "values": 3},
        {"label": "audit.salt", "model": "governance.auditbody", "values": 3},
    ]
    assert (found["opened"], found["tried_columns"]) == (0, len(sealed_fields()))
    assert found["keys"] == list(DataKey.objects.filter(scope_id=person.pk).values_list("key_id", flat=True))
    assert (found["reference"], found["deleted"]) == ("request:7", {"identifiers": 2, "indexes": 2, "keys": 1})
    assert len(found["not_covered"]) == 4
    # An older copy holds the controller's wrapped key too: only the end of the root key ends what it can open.
    assert "until the root key of their day is destroyed" in str(found["not_covered"])
    assert "controller key" not in str(found["not_covered"])
    assert person.pk.hex not in erased.certificate.replace("-", "")
    assert "example" not in erased.certificate
    assert certifying.certificate_for("request:7") == erased
    assert LedgerEntry.objects.filter(type="erasure.certified").count() == 1
    assert certifying.certify(erased, principal=operator(person.controller_id.hex)) == erased.certificate
    assert erasing.work() == 0


def test_a_token_that_was_left_would_be_tried_as_any_value(person: DataSubject, who: Principal) -> None:
    wanted = tokens.TokenWanted("jane", "user.name", scope_of(person), "analytics")
    tokens.tokenise([wanted], principal=who)
    (held,) = VaultToken.objects.values_list("value", flat=True)
    tried = {each.label: each for each in trying.try_all(scope_of(person))}
    assert (tried["token.value"].values, tried["token.value"].opened) == (1, 1)
    subjects.erase(person, principal=who)
    assert not VaultToken.objects.exists()
    left = VaultToken(controller_id=person.controller_id, subject=person, digest=b"x" * 32, label="user.name")
    left.kind, left.purpose, left.created_at, left.value = "random", "analytics", timezone.now(), held
    with transaction.atomic():
        VaultToken.objects.recorded().bulk_create([left])
    assert "token.value" in certifying.certify(Erasure.objects.get(), principal=who)  # tried, and it did not open


def test_a_changed_certificate_does_not_verify(erased: Erasure) -> None:
    erasing.work()
    erased.refresh_from_db()
    assert signing.open_text(erased.certificate)
    with pytest.raises(InvalidSignature):
        read(erased.certificate.replace('"values": 3', '"values": 4'))


def test_a_value_that_still_opens_raises_an_alarm_and_gives_no_certificate(person: DataSubject, who: Principal) -> None:
    with transaction.atomic():
        audit.record(
            AuditType.SUBJECT_RESTRICTED, actor=who, controller_id=person.controller_id, subject_id=person.pk, body={}
        )
    wrapped = bytes(DataKey.objects.get(scope_id=person.pk).wrapped)
    subjects.erase(person, principal=who)
    bring_back(person, wrapped)
    assert erasing.work() == 0
    erasure = Erasure.objects.get()
    assert (erasure.certificate, erasure.refused_at is None) == ("", False)
    (event,) = LedgerEntry.objects.filter(type="erasure.refuted")
    assert json.loads(event.payload)["details"] == {
        "keys": 1,
        "labels": ["audit.body", "audit.salt"],
        "opened": 2,
    }
    with pytest.raises(Conflict):
        certifying.certify(erasure, principal=who)
    with transaction.atomic():
        DataKey.objects.filter(scope_id=person.pk).recorded().update(
            wrapped=None, state="destroyed", destroyed_at=erasure.ended_at
        )
    assert read(certifying.certify(erasure, principal=who))["opened"] == 0


def test_a_key_that_is_back_refuses_even_where_nothing_is_left_to_open(person: DataSubject, who: Principal) -> None:
    subjects.erase(person, principal=who)
    bring_back(person, bytes(92))
    with pytest.raises(Conflict):
        certifying.certify(Erasure.objects.get(), principal=who)


def test_nothing_is_certified_before_it_is_destroyed(person: DataSubject, who: Principal) -> None:
    subjects.place_hold(person, reason="legal_claim", until=None, principal=who)
    with pytest.raises(Conflict):
        certifying.certify(subjects.request_erasure(person, principal=who), principal=who)


def test_one_that_cannot_be_tried_keeps_no_other_waiting(
    erased: Erasure, person: DataSubject, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = subjects.register(person.controller, [("email", "other@example.org")], principal=who)
    subjects.erase(other, principal=who)
    try_all = trying.try_all

    def stumble(scope: Scope) -> Sequence[trying.Tried]:
        return [1 / 0] if scope.id == person.pk.hex else try_all(scope)  # type: ignore[list-item]  # never answered

    monkeypatch.setattr(trying, "try_all", stumble)
    assert certifying.certify_waiting() == 1
    assert set(Erasure.objects.exclude(certificate="").values_list("subject_id", flat=True)) == {other.pk}
    monkeypatch.undo()
    assert certifying.certify_waiting() == 1


def test_the_alarm_stands_on_the_first_page_until_it_is_put_right(person: DataSubject, who: Principal) -> None:
    desk = signed_in(staff(person.controller, Role.PRIVACY_OFFICER))
    subjects.erase(person, principal=who)
    assert "still opens" not in desk.get("/console/").content.decode()
    bring_back(person, bytes(92))
    certifying.certify_waiting()
    assert "Data of an erased person still opens" in desk.get("/console/").content.decode()
