"""Restriction: kept and not used, but for what GDPR Art. 18(2) leaves open; placed and lifted on the record."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import subjects, vault
from governance.access import principal_of
from governance.errors import BadInput, Conflict, Disabled, Erased, Restricted
from governance.models import DataSubject, LedgerEntry
from governance.policy.principal import data_subject, operator
from governance.policy.vocabulary import OPEN_UNDER_RESTRICTION, RevealPurpose, Role
from governance.subjects.registering import scope_of
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller
    from governance.policy.principal import Principal

pytestmark = pytest.mark.django_db

ORDINARY = sorted(set(RevealPurpose) - OPEN_UNDER_RESTRICTION)


@pytest.fixture
def who(controller: Controller) -> Principal:
    return principal_of(staff(controller, Role.PRIVACY_OFFICER))


def read(person: DataSubject, who: Principal, purpose: str = "customer_support") -> object:
    return vault.reveal(person.identifiers.get(type="email").value, principal=who, purpose=purpose)


def recorded(type_: str) -> list[dict[str, object]]:
    rows = LedgerEntry.objects.filter(type=type_).order_by("id")
    return [json.loads(payload) for payload in rows.values_list("payload", flat=True)]


def test_the_purposes_that_stay_possible_are_those_of_the_law() -> None:
    assert ORDINARY == ["customer_support", "fraud_prevention", "system_connection"]


@pytest.mark.parametrize("purpose", sorted(RevealPurpose))
def test_each_purpose_is_refused_or_stays_possible(person: DataSubject, who: Principal, purpose: str) -> None:
    assert read(person, who, purpose) == "jane.doe@example.org"
    subjects.restrict(person, principal=who, ground="accuracy_contested")
    if purpose in OPEN_UNDER_RESTRICTION:
        assert read(person, who, purpose) == "jane.doe@example.org"
        return
    with pytest.raises(Restricted, match="GDPR"):
        read(person, who, purpose)
    (denied,) = recorded("access.denied")
    assert (denied["rules"], denied["purpose"]) == (["refuse:restricted"], purpose)
    assert len(recorded("subject.revealed")) == 1  # the one before


def test_the_person_sees_their_own_data(controller: Controller, person: DataSubject, who: Principal) -> None:
    subjects.restrict(person, principal=who)
    assert read(person, data_subject(person.pk.hex, controller.pk.hex)) == "jane.doe@example.org"


def test_a_file_is_refused_as_a_value_is(person: DataSubject, who: Principal) -> None:
    sealed = b"".join(vault.seal_stream([b"file"], label="request.package", scope=scope_of(person)))
    subjects.restrict(person, principal=who)

    def opened(purpose: str) -> bytes:
        found = vault.open_stream(
            BytesIO(sealed), label="request.package", scope=scope_of(person), principal=who, purpose=purpose
        )
        return found.read()

    assert opened("access_package") == b"file"
    with pytest.raises(Restricted):
        opened("customer_support")


def test_one_restricted_person_spoils_no_page_and_costs_no_query_each(
    controller: Controller, person: DataSubject, who: Principal
) -> None:
    others = [
        subjects.register(controller, [("email", f"p{n}@example.org")], principal=operator(controller.pk.hex))
        for n in range(6)
    ]
    subjects.restrict(person, principal=who)
    sealeds = [each.identifiers.get(type="email").value for each in (*others[:2], person, *others[2:])]
    shown = vault.reveal_many(sealeds, principal=who, purpose="customer_support")
    assert shown[2] == vault.RestrictedMark("subject.identifier")
    assert shown[:2] + shown[3:] == [f"p{n}@example.org" for n in range(6)]
    costs = []
    for size in (2, 6):
        free = [each for each in sealeds if each.scope.id != person.pk.hex][:size]
        with CaptureQueriesContext(connection) as queries:
            vault.reveal_many(free, principal=who, purpose="customer_support")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_it_is_lifted_once_the_person_was_told_and_recorded_both_ways(person: DataSubject, who: Principal) -> None:
    with pytest.raises(Conflict):
        subjects.lift_restriction(person, principal=who, was_told=True)
    subjects.restrict(person, principal=who, ground="claims")
    since = DataSubject.objects.get(pk=person.pk).restricted_at
    subjects.restrict(person, principal=who, ground="objection_pending")
    assert DataSubject.objects.get(pk=person.pk).restricted_at == since
    with pytest.raises(BadInput):
        subjects.lift_restriction(person, principal=who, was_told=False)
    subjects.lift_restriction(person, principal=who, was_told=True)
    row = DataSubject.objects.get(pk=person.pk)
    assert (row.status, row.restricted_at, row.restriction) == ("active", None, "")
    assert read(person, who) == "jane.doe@example.org"
    placed, lifted = recorded("subject.restricted"), recorded("subject.restriction_lifted")
    assert [each["details"] for each in (*placed, *lifted)] == [
        {"ground": "claims"},
        {"ground": "objection_pending"},
        {"ground": "objection_pending"},
    ]


def test_what_cannot_be_restricted_is_refused(person: DataSubject, who: Principal) -> None:
    with pytest.raises(BadInput):
        subjects.restrict(person, principal=who, ground="because")
    subjects.erase(person, principal=who)
    with pytest.raises(Erased):
        subjects.restrict(person, principal=who)
    with pytest.raises(Erased):
        subjects.lift_restriction(person, principal=who, was_told=True)


def test_a_grace_is_no_restriction_and_outlives_one(
    person: DataSubject, who: Principal, settings: SettingsWrapper
) -> None:
    settings.GOVERNANCE_ERASURE_GRACE_HOURS = 24
    erasure = subjects.request_erasure(person, principal=who)
    with pytest.raises(Disabled):  # said of the erasure, not of a restriction
        read(person, who)
    with pytest.raises(Conflict):
        subjects.lift_restriction(person, principal=who, was_told=True)
    subjects.restrict(person, principal=who)
    subjects.lift_restriction(person, principal=who, was_told=True)
    assert DataSubject.objects.get(pk=person.pk).status == "restricted"  # the grace still runs
    subjects.undo_erasure(erasure.pk, person, reason="wrong_person", principal=who)
    assert DataSubject.objects.get(pk=person.pk).status == "active"
