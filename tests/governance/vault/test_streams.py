"""Sealed files: opened after the audit row, at their place alone, for those who see the value clear."""

import io
from uuid import uuid4

import pytest
from django.db import transaction

from governance import vault
from governance.access import principal_of
from governance.crypto.chunked import CHUNK
from governance.errors import AccessDenied, Erased, SealRefused
from governance.fields import Scope
from governance.keys import data_keys
from governance.models import Controller, LedgerEntry
from governance.policy.principal import Principal, worker
from governance.policy.vocabulary import AuditType, Role
from governance.vault.streams import open_stream, seal_stream
from tests.governance.conftest import staff

LABEL = "request.package"
FILE = b"0123456789" * 5000  # four chunks


@pytest.fixture
def scope(controller: Controller) -> Scope:
    return Scope(controller.pk.hex, "request", uuid4().hex)


@pytest.fixture
def machine(scope: Scope) -> Principal:
    return worker(scope.controller)


def sealed(scope: Scope, label: str = LABEL) -> bytes:
    return b"".join(seal_stream([FILE[:7], FILE[7:]], label=label, scope=scope))


def opened(content: bytes, scope: Scope, principal: Principal, label: str = LABEL) -> io.RawIOBase:
    return open_stream(io.BytesIO(content), label=label, scope=scope, principal=principal, purpose="access_package")


def test_a_file_opens_from_any_place_after_its_audit_row(scope: Scope, machine: Principal) -> None:
    content = sealed(scope)
    assert len(content) == len(FILE) + 68 + 16 * (len(FILE) // CHUNK + 1)
    assert FILE[:50] not in content
    before = LedgerEntry.objects.filter(type=AuditType.SUBJECT_REVEALED).count()
    with opened(content, scope, machine) as reader:
        assert LedgerEntry.objects.filter(type=AuditType.SUBJECT_REVEALED).count() == before + 1
        reader.seek(20_003)
        assert reader.read(4) == FILE[20_003:20_007]
        reader.seek(0)
        assert io.BufferedReader(reader).read() == FILE


@pytest.mark.django_db(transaction=True)
def test_it_does_not_open_inside_a_transaction(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "request", uuid4().hex)
    content = sealed(scope)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        opened(content, scope, worker(scope.controller))


def test_no_audit_row_no_file(scope: Scope, machine: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    content = sealed(scope)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("governance.ledger.append_many", fail)
    with pytest.raises(OSError, match="disk full"):
        opened(content, scope, machine)


def test_moved_changed_or_cut_short_it_does_not_open(
    scope: Scope, machine: Principal, other_controller: Controller
) -> None:
    content, sibling = sealed(scope), Scope(scope.controller, scope.kind, uuid4().hex)
    other = sealed(sibling)
    elsewhere = Scope(other_controller.pk.hex, scope.kind, scope.id)
    assert opened(content, scope, machine).read(10) == FILE[:10]
    for damaged in (
        content[:-1],
        content[: -len(content) // 2],
        content[:11],
        b"",
        content + b"\0",
        b"\xff" + content[1:],
    ):
        with pytest.raises(SealRefused):
            opened(damaged, scope, machine)
    for place, label in ((sibling, LABEL), (scope, "another.label")):
        with pytest.raises(SealRefused):
            opened(content, place, machine, label)
    with pytest.raises(SealRefused):
        opened(other, scope, machine)
    with pytest.raises(SealRefused):
        opened(content, elsewhere, worker(elsewhere.controller))
    with pytest.raises(SealRefused):  # a value is no file, and a file no value
        opened(vault.seal("value", label=LABEL, scope=scope).envelope, scope, machine)


def test_a_change_in_the_middle_shows_when_it_is_reached(scope: Scope, machine: Principal) -> None:
    content = bytearray(sealed(scope))
    content[68 + CHUNK + 100] ^= 1
    reader = opened(bytes(content), scope, machine)
    assert reader.read(10) == FILE[:10]
    reader.seek(CHUNK)
    for _time in range(2):
        with pytest.raises(SealRefused):
            reader.read(1)
    reader.seek(-3, io.SEEK_END)
    assert reader.read() == FILE[-3:]


def test_after_the_key_is_gone_it_is_erased(scope: Scope, machine: Principal) -> None:
    content = sealed(scope)
    assert opened(content, scope, machine)
    data_keys.destroy(scope)
    with pytest.raises(Erased):
        opened(content, scope, machine)
    with pytest.raises(Erased):
        seal_stream([b"again"], label=LABEL, scope=scope)


def test_who_sees_values_behind_a_mask_opens_no_file(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    content = sealed(scope, "subject.identifier")
    officer, agent = (
        principal_of(staff(controller, role, email=f"{role}@staff.example"))
        for role in (Role.PRIVACY_OFFICER, Role.SUPPORT_AGENT)
    )
    assert opened(content, scope, officer, "subject.identifier").read(4) == FILE[:4]
    with pytest.raises(AccessDenied):
        opened(content, scope, agent, "subject.identifier")
