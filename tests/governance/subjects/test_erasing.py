"""Erasing in states: held by law, disabled for its grace, destroyed; each way back, and none after the end."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from governance import audit, subjects, vault
from governance.errors import BadInput, Conflict, Disabled, Erased, Held, NotFound
from governance.keys import compromise, data_keys
from governance.models import DataKey, DataSubject, Erasure, ErasureLine, LedgerEntry, LegalHold
from governance.policy.principal import operator, worker
from governance.policy.vocabulary import AuditType
from governance.registry import sockets
from governance.subjects import erasing, holding
from governance.subjects.registering import scope_of
from governance.vault import resealing

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller
    from governance.policy.principal import Principal

LABEL = "subject.identifier"


@pytest.fixture
def who(controller: Controller) -> Principal:
    return operator(controller.pk.hex)


@pytest.fixture
def day_of_grace(settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_ERASURE_GRACE_HOURS = 24


def read(person: DataSubject) -> object:
    sealed = person.identifiers.get(type="email").value
    return vault.reveal(sealed, principal=worker(person.controller_id.hex), purpose="subject_request")


def hold(person: DataSubject, who: Principal, reason: str = "legal_claim", days: int | None = None) -> LegalHold:
    until = None if days is None else person.controller.day_of() + timedelta(days=days)
    return subjects.place_hold(person, reason=reason, until=until, principal=who)


def types() -> list[str]:
    return list(LedgerEntry.objects.order_by("id").values_list("type", flat=True))


def pass_grace() -> None:
    with transaction.atomic():
        Erasure.objects.recorded().update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_without_grace_it_is_done_at_once(person: DataSubject, who: Principal) -> None:
    held = person.identifiers.get(type="email").value
    erasure = subjects.request_erasure(person, principal=who, object_ref="request:1")
    assert (erasure.state, erasure.removed) == ("destroyed", {"identifiers": 2, "indexes": 2, "keys": 1})
    assert erasure.key_ids == [DataKey.objects.get(scope_id=person.pk).key_id]
    with pytest.raises(Erased):
        vault.reveal(held, principal=worker(person.controller_id.hex), purpose="subject_request")
    with pytest.raises(Erased):
        vault.seal("again", label=LABEL, scope=scope_of(person))
    (mark,) = vault.reveal_many([held], principal=worker(person.controller_id.hex), purpose="subject_request")
    assert isinstance(mark, vault.ErasedMark)
    assert subjects.request_erasure(person, principal=who, object_ref="request:1").pk == erasure.pk
    assert subjects.request_erasure(person, principal=who, object_ref="request:2").state == "destroyed"
    assert ErasureLine.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_in_its_grace_nothing_opens_and_an_officer_can_take_it_back(person: DataSubject, who: Principal) -> None:
    erasure = subjects.request_erasure(person, principal=who)
    assert (erasure.state, types()[-1]) == ("disabled", "erasure.disabled")
    with pytest.raises(Disabled):
        read(person)
    with pytest.raises(Disabled):
        vault.seal("more", label=LABEL, scope=scope_of(person))
    assert DataSubject.objects.get(pk=person.pk).status == "restricted"
    assert erasing.carry_on() == 0
    with pytest.raises(Conflict):
        subjects.undo_erasure(erasure.pk, person, reason="because", principal=who)
    subjects.undo_erasure(erasure.pk, person, reason="subject_changed_mind", principal=who)
    assert read(person) == "jane.doe@example.org"
    assert DataSubject.objects.get(pk=person.pk).status == "active"
    with pytest.raises(Conflict):
        subjects.undo_erasure(erasure.pk, person, reason="subject_changed_mind", principal=who)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_the_tick_destroys_what_has_passed_its_grace(person: DataSubject, who: Principal) -> None:
    erasure = subjects.request_erasure(person, principal=who)
    pass_grace()
    assert (erasing.carry_on(), erasing.carry_on()) == (1, 0)
    erasure.refresh_from_db()
    assert (erasure.state, types()[-2:]) == ("destroyed", ["subject.erased", "key.destroyed"])
    with pytest.raises(Conflict):
        subjects.undo_erasure(erasure.pk, person, reason="wrong_person", principal=who)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_two_askings_in_one_grace_end_where_the_first_began(person: DataSubject, who: Principal) -> None:
    first, second = (subjects.request_erasure(person, principal=who, object_ref=f"request:{n}") for n in (1, 2))
    subjects.undo_erasure(first.pk, person, reason="wrong_person", principal=who)
    with pytest.raises(Disabled):
        read(person)
    subjects.undo_erasure(second.pk, person, reason="wrong_person", principal=who)
    assert (read(person), DataSubject.objects.get(pk=person.pk).status) == ("jane.doe@example.org", "active")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("days", [None, 0, 30])
def test_while_held_nothing_is_erased_and_release_lets_it_go_on(
    person: DataSubject, who: Principal, days: int | None
) -> None:
    placed = hold(person, who, days=days)
    with pytest.raises(Held, match="legal_claim"):
        subjects.erase(person, principal=who)
    erasure = subjects.request_erasure(person, principal=who)
    assert (erasure.state, erasing.carry_on(), read(person)) == ("held", 0, "jane.doe@example.org")
    subjects.release_hold(placed.pk, person, principal=who)
    assert erasing.carry_on() == 1
    erasure.refresh_from_db()
    assert erasure.state == "destroyed"
    with pytest.raises(Conflict):
        subjects.release_hold(placed.pk, person, principal=who)


@pytest.mark.django_db(transaction=True)
def test_a_hold_whose_last_day_has_passed_holds_nothing(person: DataSubject, who: Principal) -> None:
    hold(person, who, days=1)
    subjects.request_erasure(person, principal=who)
    with transaction.atomic():
        LegalHold.objects.recorded().update(until=person.controller.day_of() - timedelta(days=3))
    assert holding.standing_on(person) is None
    assert erasing.carry_on() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_a_hold_in_the_grace_opens_the_data_again(person: DataSubject, who: Principal) -> None:
    erasure = subjects.request_erasure(person, principal=who)
    hold(person, who)
    erasure.refresh_from_db()
    assert (erasure.state, read(person)) == ("held", "jane.doe@example.org")
    assert {"hold.placed", "erasure.disabled"} <= set(types())


@pytest.mark.django_db(transaction=True)
def test_the_hold_that_stands_longest_is_told(person: DataSubject, who: Principal) -> None:
    hold(person, who, "legal_claim", 5)
    hold(person, who, "authority_order", 9)
    assert holding.standing_on(person).reason == "authority_order"
    hold(person, who, "legal_obligation")
    assert holding.standing_on(person).reason == "legal_obligation"


@pytest.mark.django_db(transaction=True)
def test_holds_that_cannot_be(person: DataSubject, who: Principal, other_controller: Controller) -> None:
    with pytest.raises(BadInput):
        hold(person, who, "curiosity")
    with pytest.raises(BadInput):
        hold(person, who, days=-2)
    placed = hold(person, who)
    with pytest.raises(Conflict):
        hold(person, who)
    foreign = subjects.register(other_controller, [("email", "x@example.org")], principal=operator("0" * 32))
    for wrong in (uuid4(), placed.pk):
        with pytest.raises(NotFound):
            subjects.release_hold(wrong, foreign, principal=who)
    subjects.release_hold(placed.pk, person, principal=who)
    subjects.erase(person, principal=who)
    with pytest.raises(Conflict):
        hold(person, who)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_a_disabled_person_is_still_named_by_the_pseudonym(person: DataSubject, who: Principal) -> None:
    subjects.request_erasure(person, principal=who)
    refs = set(LedgerEntry.objects.filter(type__startswith="subject.").values_list("subject_ref", flat=True))
    refs |= set(LedgerEntry.objects.filter(type="erasure.disabled").values_list("subject_ref", flat=True))
    assert len(refs) == 1
    with transaction.atomic():
        entry = audit.record(
            AuditType.SUBJECT_RESTRICTED, actor=who, controller_id=person.controller_id, subject_id=person.pk, body={}
        )
    assert {entry.subject_ref} == refs


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_every_key_of_a_person_goes_whatever_its_state(person: DataSubject, who: Principal) -> None:
    subjects.request_erasure(person, principal=who)
    pass_grace()
    erasing.carry_on()
    assert not DataKey.objects.filter(scope_id=person.pk).exclude(state="destroyed").exists()
    assert data_keys.opener([scope_of(person)])[scope_of(person)] is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_a_key_marked_in_the_grace_is_replaced_and_stays_shut(person: DataSubject, who: Principal) -> None:
    old = DataKey.objects.get(scope_id=person.pk)
    erasure = subjects.request_erasure(person, principal=who)
    assert compromise.mark(old.pk) == 1
    assert versions(person) == ["compromised", "suspended"]
    with pytest.raises(Disabled):
        read(person)
    with pytest.raises(Disabled):
        vault.seal("more", label=LABEL, scope=scope_of(person))
    assert resealing.work() == 0  # nobody opens it meanwhile
    subjects.undo_erasure(erasure.pk, person, reason="wrong_person", principal=who)
    assert read(person) == "jane.doe@example.org"
    assert resealing.reseal() > 0
    assert (resealing.finish(settled=timedelta(0)), versions(person)) == (1, ["destroyed", "active"])
    assert read(person) == "jane.doe@example.org"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
@pytest.mark.parametrize("how", ["one key", "an epoch"])
def test_a_key_replaced_while_its_person_is_disabled_is_disabled_too(
    person: DataSubject, who: Principal, how: str
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    problems: list[Exception] = []

    def disable() -> None:
        try:
            subjects.request_erasure(person, principal=who)
        except Exception as problem:  # noqa: BLE001  # told below, in the test's own thread
            problems.append(problem)
        finally:
            connections.close_all()

    key = DataKey.objects.select_related("controller_key").get(scope_id=person.pk)
    if how == "an epoch":
        compromise.mark(key.controller_key_id)
    other = threading.Thread(target=disable)
    with transaction.atomic():
        assert (compromise.mark(key.pk) if how == "one key" else compromise.replace()) == 1
        other.start()
        until_somebody_waits()
    other.join()
    assert (problems, versions(person)) == ([], ["compromised", "suspended"])
    with pytest.raises(Disabled):
        read(person)


def versions(person: DataSubject) -> list[str]:
    return list(DataKey.objects.filter(scope_id=person.pk).order_by("version").values_list("state", flat=True))


def until_somebody_waits() -> None:
    ends = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")


def test_a_key_that_cannot_be_disabled_is_told(person: DataSubject) -> None:
    with transaction.atomic():
        DataKey.objects.filter(scope_id=person.pk).recorded().update(state="compromised")
    with pytest.raises(Conflict):
        data_keys.disable(scope_of(person))
    with transaction.atomic():
        DataKey.objects.filter(scope_id=person.pk).recorded().update(state="active")
    data_keys.disable(scope_of(person))
    data_keys.disable(scope_of(person))  # a second asking
    assert versions(person) == ["suspended"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_a_restriction_in_the_grace_outlives_its_end(person: DataSubject, who: Principal) -> None:
    erasure = subjects.request_erasure(person, principal=who)
    subjects.restrict(person, principal=who)
    subjects.undo_erasure(erasure.pk, person, reason="wrong_person", principal=who)
    assert DataSubject.objects.get(pk=person.pk).status == "restricted"
    assert read(person) == "jane.doe@example.org"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("day_of_grace")
def test_one_person_whose_erasure_fails_stops_nobody_and_no_other_work(
    controller: Controller, person: DataSubject, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = subjects.register(controller, [("email", "other@example.org")], principal=who)
    for each in (person, other):
        subjects.request_erasure(each, principal=who)
    pass_grace()

    def failing(subject: DataSubject) -> None:
        if subject.pk == person.pk:
            raise ValueError("a mistake in an app")

    monkeypatch.setattr(sockets, "erasure", [*sockets.erasure, failing])
    assert erasing.work() >= 2  # destroyed, and certified
    assert dict(Erasure.objects.values_list("subject", "state")) == {person.pk: "disabled", other.pk: "destroyed"}
    assert Erasure.objects.get(subject=other).certificate
    assert not ErasureLine.objects.filter(written_at=None).exists()
    monkeypatch.undo()
    erasing.work()
    assert set(Erasure.objects.values_list("state", flat=True)) == {"destroyed"}


@pytest.mark.django_db(transaction=True)
def test_a_file_that_cannot_be_written_keeps_no_certificate_back(
    person: DataSubject, who: Principal, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.GOVERNANCE_ERASURE_LEDGER = str(tmp_path / "gone" / "ledger")
    subjects.erase(person, principal=who)
    erasing.work()
    assert Erasure.objects.get().certificate
    (tmp_path / "gone").mkdir()
    erasing.work()
    assert not ErasureLine.objects.filter(written_at=None).exists()
