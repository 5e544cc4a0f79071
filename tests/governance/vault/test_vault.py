"""Sealing and revealing: round trips, policy first, the audit row before the value, erasure and other people's keys."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance import subjects, vault
from governance.access import principal_of
from governance.crypto.envelope import header
from governance.errors import AccessDenied, BadInput, Erased, KeyUnavailable, NotFound, SealRefused
from governance.fields import Scope, Sealed
from governance.fields.codec import decode, encode
from governance.models import Controller, DataKey, DataSubject, LedgerEntry, StaffUser
from governance.models.governed import recorded_memberships
from governance.policy.principal import data_subject, operator, worker
from governance.policy.vocabulary import STAFF_ROLES, AuditType, Role
from tests.governance.conftest import staff

LABEL = "test.value"
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  # what must be refused


@pytest.fixture
def scope(controller: Controller) -> Scope:
    return Scope(controller.pk.hex, "subject", uuid4().hex)


VALUES = [
    *("", "x", "\x00é😀", "cxp1.AAAA", 0, 1, -7, 0.0, -0.0, 1.5, 5e-324, False, True, b"", b"\xfe\x01", [], {}),
    *(Decimal(0), Decimal("1.50"), date(2026, 2, 28), datetime(2026, 1, 1, tzinfo=UTC)),
    {"a": [1, "b", None], "f": 1.5},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_same_type_and_value_come_back(scope: Scope, value: object) -> None:
    sealed = vault.seal(value, label=LABEL, scope=scope)
    opened = vault.reveal(sealed, principal=worker(scope.controller), purpose="subject_request")
    assert (type(opened), opened) == (type(value), value)


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("-inf"), NAIVE, "\ud800", Decimal("NaN"), {"a": float("inf")}, {1: 2}]
)
def test_what_would_not_come_back_is_refused(scope: Scope, value: object) -> None:
    with pytest.raises(BadInput):
        vault.seal(value, label=LABEL, scope=scope)


@given(st.text() | st.binary() | st.integers() | st.dates() | st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_codec_round_trip(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("Zoë", b"Zo\xc3\xab"),
        ("", b""),
        (b"Zo", b"\x80Zo"),
        (False, b"\x810"),
        (-7, b"\x82-7"),
        (0.1, b"\x830.1"),
        (Decimal("10.50"), b"\x8410.50"),
        (date(1984, 2, 29), b"\x851984-02-29"),
        (datetime(1984, 2, 29, 12, tzinfo=UTC), b"\x861984-02-29T12:00:00+00:00"),
        ({"b": [1, None], "a": "ë"}, b'\x87{"b":[1,null],"a":"\xc3\xab"}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_laid_out_as_docs_envelope_says(value: object, stored: bytes) -> None:
    assert encode(value) == stored


@given(st.binary() | st.integers() | st.dates() | st.booleans() | st.lists(st.text()))
def test_nothing_but_text_reads_as_text(value: object) -> None:
    with pytest.raises(UnicodeDecodeError):
        encode(value).decode()


@pytest.mark.parametrize("mark", [*range(0x88, 0xC2), *range(0xF5, 0x100)])
def test_a_mark_of_a_later_version_is_refused(mark: int) -> None:
    with pytest.raises(SealRefused, match="newer version"):
        decode(bytes([mark]) + b"1")


@pytest.mark.parametrize("text", ["", "a", "Zoë Müller", "x" * 300])
def test_a_sealed_text_costs_forty_bytes(scope: Scope, text: str) -> None:
    assert len(vault.seal(text, label=LABEL, scope=scope).envelope) == len(text.encode()) + 40


def test_reveal_writes_its_audit_row_first(person: DataSubject, officer: StaffUser) -> None:
    before = LedgerEntry.objects.count()
    values = subjects.identifiers_of(person, principal=principal_of(officer), purpose="customer_support")
    entry = LedgerEntry.objects.order_by("id").last()
    assert dict(values)["email"] == "jane.doe@example.org"
    assert LedgerEntry.objects.count() == before + 1
    assert (entry.type, entry.actor_ref) == (AuditType.SUBJECT_REVEALED, f"staff:{officer.pk.hex}")
    assert entry.subject_ref.startswith("p:")
    assert person.pk.hex not in entry.payload
    assert "example.org" not in entry.payload


@pytest.mark.django_db(transaction=True)
def test_reveal_refuses_to_run_inside_a_transaction(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    sealed = vault.seal("secret", label=LABEL, scope=scope)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        vault.reveal(sealed, principal=worker(scope.controller), purpose="subject_request")


def test_no_audit_row_no_disclosure(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal("secret", label=LABEL, scope=scope)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("governance.ledger.append_many", fail)
    with pytest.raises(OSError, match="disk full"):
        vault.reveal(sealed, principal=worker(scope.controller), purpose="subject_request")


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.PRIVACY_OFFICER, Role.SUPPORT_AGENT}])
def test_staff_without_the_right_cannot_open(person: DataSubject, controller: Controller, role: Role) -> None:
    user = staff(controller, *({role} & set(STAFF_ROLES)))
    with recorded_memberships():
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    principal = principal_of(user)
    if role not in STAFF_ROLES:
        assert role not in principal.roles  # a group of this name gives staff nothing
    with pytest.raises(AccessDenied):
        subjects.identifiers_of(person, principal=principal, purpose="customer_support")
    denied = LedgerEntry.objects.order_by("id").last()
    assert denied.type == AuditType.ACCESS_DENIED


def test_officers_of_another_controller_see_nothing(person: DataSubject, other_controller: Controller) -> None:
    principal = principal_of(staff(other_controller, Role.PRIVACY_OFFICER))
    with pytest.raises(NotFound):
        subjects.identifiers_of(person, principal=principal, purpose="customer_support")


def test_a_superuser_is_not_exempt(person: DataSubject) -> None:
    root = StaffUser.objects.create_superuser("root@staff.example")
    with pytest.raises(AccessDenied):
        subjects.identifiers_of(person, principal=principal_of(root), purpose="customer_support")


def test_an_unknown_purpose_is_denied(person: DataSubject, officer: StaffUser) -> None:
    with pytest.raises(AccessDenied):
        subjects.identifiers_of(person, principal=principal_of(officer), purpose="for Jane Doe, jane@example.org")
    denied = LedgerEntry.objects.order_by("id").last()
    assert (denied.type, json.loads(denied.payload)["purpose"]) == (AuditType.ACCESS_DENIED, "")


def test_a_person_opens_only_what_is_theirs(person: DataSubject, controller: Controller) -> None:
    own = data_subject(person.pk.hex, controller.pk.hex)
    other = data_subject(uuid4().hex, controller.pk.hex)
    assert subjects.identifiers_of(person, principal=own, purpose="preference_centre")
    with pytest.raises(AccessDenied):
        subjects.identifiers_of(person, principal=other, purpose="preference_centre")


def test_after_erasure_nothing_opens_and_nothing_is_sealed_again(person: DataSubject, controller: Controller) -> None:
    held = person.identifiers.get(type="email").value
    counts = subjects.erase(person, principal=worker(controller.pk.hex))
    assert counts == {"identifiers": 2, "indexes": 2, "keys": 1}
    with pytest.raises(Erased):
        vault.reveal(held, principal=worker(controller.pk.hex), purpose="subject_request")
    with pytest.raises(Erased):
        vault.seal("again", label=LABEL, scope=held.scope)
    assert vault.match(controller.pk, "email", "jane.doe@example.org") is None
    key = DataKey.objects.get(scope_id=person.pk)
    assert (key.wrapped, key.state) == (None, DataKey.State.DESTROYED)
    assert subjects.erase(person, principal=worker(controller.pk.hex))["keys"] == 0


def test_controller_wide_values_have_the_long_nonce_and_personal_ones_the_short(scope: Scope) -> None:
    wide = Scope(scope.controller, "controller", scope.controller)
    suites = {each.kind: header(vault.seal("x", label=LABEL, scope=each).envelope).suite for each in (scope, wide)}
    assert suites == {"subject": 1, "controller": 2}
    machine = worker(scope.controller)
    assert vault.reveal(vault.seal("x", label=LABEL, scope=wide), principal=machine, purpose="subject_request") == "x"


def test_a_person_of_another_controller_is_not_opened_through_ones_own(
    scope: Scope, other_controller: Controller
) -> None:
    sealed = vault.seal("secret", label=LABEL, scope=scope)
    elsewhere = Scope(other_controller.pk.hex, scope.kind, scope.id)
    moved = Sealed(sealed.envelope, LABEL, elsewhere)
    with pytest.raises(SealRefused):
        vault.reveal(moved, principal=worker(elsewhere.controller), purpose="subject_request")
    with pytest.raises(SealRefused):
        vault.seal("secret", label=LABEL, scope=elsewhere)
    assert vault.reveal(sealed, principal=worker(scope.controller), purpose="subject_request") == "secret"


def test_swapped_key_rows_do_not_open(controller: Controller) -> None:
    scopes = [Scope(controller.pk.hex, "subject", uuid4().hex) for _ in range(2)]
    sealeds = [vault.seal("secret", label=LABEL, scope=scope) for scope in scopes]
    first, second = DataKey.objects.filter(scope_kind="subject").order_by("created_at")
    DataKey.objects.filter(pk=first.pk).recorded().update(wrapped=second.wrapped, commitment=second.commitment)
    from governance.keys import data_keys

    data_keys.forget()
    with pytest.raises(Exception, match="moved or changed"):
        vault.reveal(sealeds[0], principal=worker(controller.pk.hex), purpose="subject_request")


@pytest.mark.parametrize("opened_before", [True, False])
def test_a_key_row_given_to_somebody_else_does_not_open_their_value(
    controller: Controller, opened_before: bool
) -> None:
    from governance.keys import data_keys

    machine = worker(controller.pk.hex)
    theirs, ours = (Scope(controller.pk.hex, "subject", uuid4().hex) for _ in range(2))
    sealed, mine = (vault.seal("secret", label=LABEL, scope=scope) for scope in (theirs, ours))
    data_keys.forget()
    if opened_before:  # this process holds the key
        assert vault.reveal(sealed, principal=machine, purpose="subject_request") == "secret"
    key_ids = [header(each.envelope).key_id.hex() for each in (sealed, mine)]
    with transaction.atomic():
        DataKey.objects.filter(pk=key_ids[1]).recorded().delete()
        DataKey.objects.filter(pk=key_ids[0]).recorded().update(scope_id=ours.id)
    with pytest.raises(KeyUnavailable, match="moved or changed"):
        vault.reveal(Sealed(sealed.envelope, LABEL, ours), principal=machine, purpose="subject_request")


@pytest.mark.parametrize("change", ["label", "scope", "controller"])
def test_a_sealed_value_under_another_name_does_not_open(scope: Scope, change: str) -> None:
    sealed = vault.seal("secret", label=LABEL, scope=scope)
    other = Scope(scope.controller, "subject", uuid4().hex)
    vault.seal("mine", label=LABEL, scope=other)
    forged = {
        "label": Sealed(sealed.envelope, "audit.body", scope),
        "scope": Sealed(sealed.envelope, LABEL, other),
        "controller": Sealed(sealed.envelope, LABEL, Scope(scope.controller[::-1], "subject", scope.id)),
    }[change]
    with pytest.raises((SealRefused, NotFound)):
        vault.reveal(forged, principal=worker(scope.controller), purpose="subject_request")


def test_a_page_costs_a_constant_number_of_queries(controller: Controller) -> None:
    def page(people: int) -> int:
        rows = []
        for number in range(people):
            subject = subjects.register(
                controller, [("email", f"p{people}-{number}@example.org")], principal=operator(controller.pk.hex)
            )
            rows.append(subject.identifiers.get().value)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            vault.reveal_many(rows, principal=worker(controller.pk.hex), purpose="subject_request")
        return len(queries)

    assert page(1) == page(20)


def test_blind_indexes_normalise_and_stay_within_the_controller(
    person: DataSubject, controller: Controller, other_controller: Controller
) -> None:
    assert vault.match(controller.pk, "email", "  JANE.Doe@EXAMPLE.org ") == person
    assert vault.match(other_controller.pk, "email", "jane.doe@example.org") is None
    assert vault.match(controller.pk, "customer_id", "c-1") is None
