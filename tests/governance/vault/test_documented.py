"""docs/envelope.md is true: whoever has it, the key file and the database opens what is sealed, without our code."""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings

from dsar.services.parcels import LABEL as PACKAGE
from governance.fields import Scope, SealedField
from governance.fields.codec import encode
from governance.keys import secret_text
from governance.keys.pseudonyms import pseudonym
from governance.models import ControllerKey, DataKey, SubjectIdentifier, VaultToken
from governance.policy.principal import worker
from governance.subjects.registering import scope_of
from governance.vault import tokens
from tests.vectors.independent import committed, derived, lp, synthetic

if TYPE_CHECKING:
    from governance.models import Controller, DataSubject

DOCUMENT = (Path(__file__).parents[3] / "docs" / "envelope.md").read_text()
#: The service's own models; those of tests declare labels of their own.
APPS = ("governance", "consent", "dsar")


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins with this head."""
    table = DOCUMENT.split(head, 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def root_keys() -> dict[str, bytes]:
    lines = [line.split() for line in Path(settings.GOVERNANCE_KEY_FILE).read_text().splitlines()]
    return {line[1]: base64.b64decode(line[3]) for line in lines if line and line[0] == "root"}


def unwrapped(key: bytes, wrapped: bytes, *parts: str) -> bytes:
    return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], b"cxp/wrap/1" + lp(*parts))


def opened(key: bytes, envelope: bytes, *place: str) -> bytes:
    return AESGCM(key).decrypt(envelope[12:24], envelope[24:], b"cxp/1" + envelope[:12] + lp(*place))


def owner_keys(row: DataKey) -> bytes:
    """Follow the key file's root key down to the 64 bytes of one owner."""
    parent: ControllerKey = row.controller_key
    controller = parent.controller_id.hex
    names = ("controller-key", controller, str(parent.epoch), parent.key_id)
    above = unwrapped(root_keys()[parent.provider_key], bytes(parent.wrapped), *names)
    assert committed(above, bytes.fromhex(parent.key_id)) == bytes(parent.commitment)
    both = unwrapped(above, bytes(row.wrapped), "data-key", controller, row.scope_kind, row.scope_id.hex, row.key_id)
    assert committed(both[:32], bytes.fromhex(row.key_id)) == bytes(row.commitment)
    return both


def test_every_label_stands_in_the_document_with_its_scope_and_type() -> None:
    written = {label: (codes(scope), type_) for labels, scope, type_ in rows("| Label |") for label in codes(labels)}
    kinds = {"text": "text", "bytes": "bytes", "json": "JSON"}
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    fields: list[Any] = [each for model in models for each in model._meta.get_fields() if isinstance(each, SealedField)]
    found = {field.label: ([field.scope_kind], kinds[field.kind]) for field in fields}
    for label in ("mail.to", "mail.subject", "mail.text", "mail.html"):
        found[label] = ([], found[label][1])  # whose it is, the row says
    assert written == found | {PACKAGE: (["request"], "none: a stream")}


def test_every_type_byte_stands_in_the_document() -> None:
    values = (b"x", 1, True, 1.5, Decimal("1.50"), date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), [])
    written = [code for byte, *_ in rows("| Byte | Type |") for code in codes(byte)]
    assert sorted(written) == sorted(encode(value)[:1].hex() for value in values)
    assert encode("x") == b"x"


@pytest.mark.django_db
def test_a_stranger_with_the_key_file_opens_an_identifier(person: DataSubject) -> None:
    row = DataKey.objects.get(scope_id=person.pk)
    key = owner_keys(row)[:32]
    identifier = SubjectIdentifier.objects.filter(subject=person, type="email").values_list("value", flat=True)[0]
    envelope = bytes(identifier.envelope)
    value = opened(key, envelope, person.controller_id.hex, "subject.identifier", "subject", person.pk.hex)
    assert value == b"jane.doe@example.org"
    assert envelope[:4] == bytes.fromhex("fe010102")


@pytest.mark.django_db
def test_a_stranger_computes_pseudonyms_and_deterministic_tokens(person: DataSubject, controller: Controller) -> None:
    row = DataKey.objects.get(scope_id=person.pk)
    key, pseudonyms = owner_keys(row)[:32], owner_keys(row)[32:]
    digest = hmac.digest(pseudonyms, b"cxp/pseudonym/1\x00ledger", "sha256")
    assert pseudonym(scope_of(person)) == f"p:{digest[:16].hex()}"
    wanted = tokens.TokenWanted(
        {"b": 1, "a": "é"}, "user.contact", scope_of(person), "analytics", VaultToken.Kind.DETERMINISTIC
    )
    (token,) = tokens.tokenise([wanted], principal=worker(controller.pk.hex))
    head = bytes.fromhex("fe010402" + row.key_id)
    bound = b"cxp/1" + head + lp(controller.pk.hex, "token.value", "subject", person.pk.hex)
    content = b"\x87" + '["user.contact","analytics",{"a":"é","b":1}]'.encode()
    vector = synthetic(derived(derived(key, ["tokens"]), ["token"], 64), content, bound)[:16]
    assert token == "tok_" + base64.b32encode(vector).decode().rstrip("=").lower()


def test_a_stranger_with_the_key_file_opens_a_secret_of_the_service() -> None:
    owner = uuid4().hex
    sealed = secret_text.seal("a secret", label="staff.second_factor", scope=Scope("installation", "staff", owner))
    form, wrapped, envelope, root = sealed.split(".")
    box = base64.urlsafe_b64decode(envelope)
    key = unwrapped(root_keys()[root], base64.urlsafe_b64decode(wrapped), "secret-text", box[4:12].hex())
    assert (form, box[:4]) == ("cxs1", bytes.fromhex("fe010100"))
    assert opened(key, box, "installation", "staff.second_factor", "staff", owner) == b"a secret"
