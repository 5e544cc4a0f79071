"""The drill: a key is marked, everybody under it is listed, all is sealed anew, the key dies when unused."""

from __future__ import annotations

import csv
import json
import threading
import time
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections, transaction
from django.db.models import Count, Manager, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import subjects, vault
from governance.crypto.envelope import header
from governance.errors import Erased, KeyForeign, KeyRetired, KeyUnknown, NotFound
from governance.fields import Scope, Sealed
from governance.keys import compromise, data_keys, pseudonyms, rotation
from governance.models import Controller, ControllerKey, DataKey, DataSubject, LedgerEntry, SubjectIdentifier
from governance.policy.principal import operator, worker
from governance.subjects.registering import scope_of
from governance.vault import resealing, sources
from tests.governance.vault.killing import killed
from tests.shelf.models import Ticket

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db

NOW = timedelta(0)


@pytest.fixture
def crowd(controller: Controller) -> list[DataSubject]:
    return [
        subjects.register(controller, [("email", f"p{number}@example.org")], principal=operator(controller.pk.hex))
        for number in range(6)
    ]


def read(people: list[DataSubject]) -> list[object]:
    data_keys.forget()
    sealeds = [SubjectIdentifier.objects.get(subject=each).value for each in people]
    return list(vault.reveal_many(sealeds, principal=worker(people[0].controller_id.hex), purpose="subject_request"))


def key_of(person: DataSubject) -> DataKey:
    return DataKey.objects.filter(scope_id=person.pk).order_by("-version").first()


def keys_in_use(people: list[DataSubject]) -> set[str]:
    rows = SubjectIdentifier.objects.filter(subject__in=people)
    return {header(row.value.envelope).key_id.hex() for row in rows}


def test_one_persons_key(controller: Controller, crowd: list[DataSubject]) -> None:
    values = read(crowd)
    old = key_of(crowd[0])
    name = pseudonyms.pseudonym(scope_of(crowd[0]))
    assert compromise.mark(old.pk) == 1
    assert compromise.mark(old.pk) == 1  # again changes nothing
    assert DataKey.objects.filter(scope_id=crowd[0].pk).count() == 2
    assert [row.scope_id for row in compromise.exposed()] == [crowd[0].pk]
    assert read(crowd) == values  # still sealed under the old one
    data_keys.forget()
    assert pseudonyms.pseudonym(scope_of(crowd[0])) == name  # the ledger's history stays theirs
    assert resealing.reseal() == 1
    assert resealing.reseal() == 0
    assert old.pk not in keys_in_use(crowd)
    assert resealing.finish() == 0  # somebody may still be storing a value under it
    assert resealing.finish(settled=NOW) == 1
    old.refresh_from_db()
    assert (old.state, old.wrapped) == ("destroyed", None)
    assert not compromise.exposed().exists()
    assert read(crowd) == values


def test_a_controllers_epoch(controller: Controller, crowd: list[DataSubject]) -> None:
    values = read(crowd)
    epoch = ControllerKey.objects.get()
    before = keys_in_use(crowd)
    assert compromise.mark(epoch.pk) >= len(crowd)
    late = subjects.register(controller, [("email", "late@example.org")], principal=operator(controller.pk.hex))
    assert key_of(late).controller_key.state == "active"
    while compromise.replace(limit=4):
        assert read([*crowd, late]) == [*values, "late@example.org"]
    resealing.reseal(owners=4)
    assert not before & keys_in_use(crowd)
    assert read(crowd) == values
    assert resealing.finish(settled=NOW) == len(before)
    rotation.end_emptied()
    epoch.refresh_from_db()
    assert epoch.state == "destroyed"
    assert read(crowd) == values
    marked = LedgerEntry.objects.filter(type="key.compromised")
    assert marked.count() == 1 + len(before)
    counted = [json.loads(each.payload)["details"] for each in LedgerEntry.objects.filter(type="key.resealed")]
    assert sum(each["count"] for each in counted if each["label"] == "subject.identifier") == len(crowd)


def test_an_old_version_is_destroyed_when_that_is_asked_for_and_not_before(
    controller: Controller, crowd: list[DataSubject], settings: SettingsWrapper
) -> None:
    values, old = read(crowd), key_of(crowd[0])
    elsewhere = SubjectIdentifier.objects.get(subject=crowd[0]).value  # as another system keeps it
    compromise.mark(old.pk)
    DataKey.objects.recorded().filter(pk=old.pk).update(compromised_at=timezone.now() - 2 * resealing.SETTLED)
    assert resealing.work() == 1  # the value
    assert resealing.work() == 0
    call_command("compromise_key", stdout=(said := StringIO()))
    assert "1 compromised keys are no longer used here" in said.getvalue()
    assert "--destroy" in said.getvalue()
    data_keys.forget()
    purpose = "subject_request"
    assert vault.reveal(elsewhere, principal=worker(controller.pk.hex), purpose=purpose) == values[0]
    call_command("compromise_key", "--destroy", stdout=(said := StringIO()))
    assert "1 compromised keys destroyed" in said.getvalue()
    with pytest.raises(KeyRetired):
        vault.reveal(elsewhere, principal=worker(controller.pk.hex), purpose=purpose)
    compromise.mark(key_of(crowd[1]).pk)
    settings.GOVERNANCE_DESTROY_COMPROMISED = True
    assert resealing.work() == 1
    DataKey.objects.recorded().filter(state="compromised").update(compromised_at=timezone.now() - 2 * resealing.SETTLED)
    assert resealing.work() == 1
    assert not compromise.exposed().exists()
    assert read(crowd) == values


def test_the_tick_does_not_come_back_for_ever_to_what_stays(crowd: list[DataSubject]) -> None:
    compromise.mark(key_of(crowd[0]).pk)
    DataKey.objects.recorded().filter(state="compromised").update(compromised_at=timezone.now() - timedelta(days=2))
    with CaptureQueriesContext(connection) as queries:
        assert resealing.work() == 0
    assert len(queries) == 2
    assert resealing.reseal() == 1  # the command does


@pytest.mark.django_db(transaction=True)
def test_a_drill_that_was_killed_is_gone_on_with_to_the_same_end(
    controller: Controller, crowd: list[DataSubject]
) -> None:
    values, epoch, before = read(crowd), ControllerKey.objects.get(), keys_in_use(crowd)
    compromise.mark(epoch.pk)
    exposed = set(compromise.exposed().values_list("pk", flat=True))
    newer = DataKey.objects.filter(version=2)

    def replaced() -> None:
        while compromise.replace(limit=1):
            time.sleep(0.01)

    killed(replaced, newer.exists)
    assert 0 < newer.count() < len(exposed)  # each owner's is whole: the next one begins where it ended
    assert newer.count() == DataKey.objects.filter(state="compromised").count()
    assert read(crowd) == values
    while compromise.replace(limit=1):
        pass
    killed(lambda: resealing.reseal(owners=1), lambda: keys_in_use(crowd) != before)
    assert keys_in_use(crowd) & before
    assert read(crowd) == values
    call_command("compromise_key", stdout=StringIO())
    assert not keys_in_use(crowd) & before
    killed(lambda: resealing.finish(settled=NOW), DataKey.objects.filter(state="destroyed").exists)
    resealing.finish(settled=NOW)
    assert set(DataKey.objects.filter(state="destroyed").values_list("pk", flat=True)) == exposed
    rotation.end_emptied()
    epoch.refresh_from_db()
    assert epoch.state == "destroyed"
    assert read(crowd) == values


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_none_means_done_also_beside_another_worker(controller: Controller, crowd: list[DataSubject]) -> None:
    compromise.mark(ControllerKey.objects.get().pk)
    held, done = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic():
                made.append(compromise.replace())
                held.set()
                done.wait(30)
        finally:
            connections.close_all()

    made: list[int] = []
    worker_thread = threading.Thread(target=other)
    worker_thread.start()
    assert held.wait(30)
    assert compromise.replace() == 0  # the other has all of them in hand, and has not committed
    assert compromise.waiting().exists()
    threading.Timer(0.5, done.set).start()
    call_command("compromise_key", stdout=StringIO())
    worker_thread.join()
    assert made[0] >= len(crowd)
    assert not compromise.waiting().exists()
    counts = DataKey.objects.values("scope_kind", "scope_id").annotate(all=Count("pk"))
    assert set(counts.filter(scope_kind="subject").values_list("all", flat=True)) == {2}
    sealed = {row.value.envelope[4:12].hex() for row in SubjectIdentifier.objects.all()}
    assert sealed <= set(DataKey.objects.filter(state="active").values_list("pk", flat=True))


def test_a_page_costs_the_same_while_two_versions_are_about(controller: Controller, crowd: list[DataSubject]) -> None:
    sealeds = [SubjectIdentifier.objects.get(subject=each).value for each in crowd]

    def cost() -> int:
        data_keys.forget()
        with CaptureQueriesContext(connection) as queries:
            vault.reveal_many(sealeds, principal=worker(controller.pk.hex), purpose="subject_request")
        return len(queries)

    before = cost()
    for person in crowd[:3]:
        compromise.mark(key_of(person).pk)
    assert cost() == before


def test_a_value_that_is_damaged_keeps_its_key_and_stops_nobody(
    controller: Controller, crowd: list[DataSubject]
) -> None:
    first, second = crowd[:2]
    row = SubjectIdentifier.objects.get(subject=first)
    damaged = row.value.envelope[:-1] + bytes([row.value.envelope[-1] ^ 1])
    with connection.cursor() as cursor:
        pk = SubjectIdentifier._meta.pk.get_db_prep_value(row.pk, connection)
        cursor.execute("UPDATE governance_subjectidentifier SET value = %s WHERE id = %s", [damaged, pk])
    for person in (first, second):
        compromise.mark(key_of(person).pk)
    assert resealing.reseal() == 1
    assert resealing.finish(settled=NOW) == 1
    assert [each.scope_id for each in compromise.exposed()] == [first.pk]


def test_a_key_that_is_damaged_stops_nobody_elses_values(crowd: list[DataSubject]) -> None:
    first, second = crowd[:2]
    old = key_of(first)
    for person in (first, second):
        compromise.mark(key_of(person).pk)
    with transaction.atomic():
        DataKey.objects.filter(pk=old.pk).recorded().update(commitment=b"x" * 32)
    data_keys.forget()
    assert resealing.reseal() == 1
    assert resealing.finish(settled=NOW) == 1
    assert [each.pk for each in compromise.exposed()] == [old.pk]


class Shown(Manager[Ticket]):
    """The manager of an application that puts rows away without deleting them."""

    def get_queryset(self) -> QuerySet[Ticket]:
        return super().get_queryset().filter(state="shown")


def test_a_row_that_the_application_hides_keeps_no_old_key_and_loses_none(
    controller: Controller, crowd: list[DataSubject], monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = Shown()
    manager.model = Ticket
    monkeypatch.setattr(Ticket._meta, "default_manager", manager)
    row = vault.write(Ticket(controller=controller, subject=crowd[0], state="put away"), note="call at noon")
    compromise.mark(key_of(crowd[0]).pk)
    resealing.reseal()
    assert resealing.finish(settled=NOW) == 1
    data_keys.forget()
    note = Ticket.objects.get(pk=row.pk).note
    assert vault.reveal(note, principal=worker(controller.pk.hex), purpose="subject_request") == "call at noon"
    vault.write(row, email="jane@example.org")
    assert [each.pk for each in sources.named("shelf.email").rows(controller.pk)] == [row.pk]


def test_a_damaged_key_under_a_compromised_epoch_stops_no_other_owner(crowd: list[DataSubject]) -> None:
    bad = DataKey.objects.filter(scope_kind="subject").order_by("key_id").first()
    with transaction.atomic():
        DataKey.objects.filter(pk=bad.pk).recorded().update(commitment=b"x" * 32)
    data_keys.forget()
    compromise.mark(ControllerKey.objects.get().pk)
    keys = DataKey.objects.filter(state="active").count()
    done = 0
    while count := compromise.replace(limit=1):
        done += count
    assert done == keys - 1
    assert [each.pk for each in compromise.waiting()] == [bad.pk]
    said = StringIO()
    call_command("compromise_key", stdout=StringIO(), stderr=said)
    assert "1 keys do not open" in said.getvalue()


def test_a_retired_epoch_is_not_opened_again_by_a_mark(controller: Controller, crowd: list[DataSubject]) -> None:
    epoch = ControllerKey.objects.get()
    rotation.rotate(controller.pk)
    rotation.rewrap()
    with transaction.atomic():
        ControllerKey.objects.filter(pk=epoch.pk).recorded().update(state="retired", retired_at=timezone.now())
    assert compromise.mark(epoch.pk) == 0
    epoch.refresh_from_db()
    assert epoch.state == "retired"


def test_an_erased_person_has_no_version_left(crowd: list[DataSubject]) -> None:
    person = crowd[0]
    compromise.mark(key_of(person).pk)
    data_keys.destroy(scope_of(person))
    assert set(DataKey.objects.filter(scope_id=person.pk).values_list("state", flat=True)) == {"destroyed"}
    assert resealing.work() == 0
    assert isinstance(read([person])[0], vault.ErasedMark)


def test_each_key_that_is_not_there_is_refused_by_its_own_name(
    controller: Controller, crowd: list[DataSubject]
) -> None:
    """Unknown, another's, destroyed, retired: four answers, and `Erased` for one of them alone."""
    first, second = (SubjectIdentifier.objects.get(subject=each).value for each in crowd[:2])

    def opened(sealed: Sealed) -> object:
        data_keys.forget()
        return vault.reveal(sealed, principal=worker(sealed.scope.controller), purpose="subject_request")

    unknown = first.envelope[:4] + bytes(8) + first.envelope[12:]
    with pytest.raises(KeyUnknown):
        opened(Sealed(unknown, first.label, first.scope))
    with pytest.raises(KeyForeign):
        opened(Sealed(second.envelope, first.label, first.scope))
    with pytest.raises(KeyForeign):
        opened(Sealed(first.envelope, first.label, Scope("0" * 32, "subject", first.scope.id)))
    compromise.mark(key_of(crowd[0]).pk)
    with transaction.atomic():
        old = DataKey.objects.filter(scope_id=crowd[0].pk, version=1)
        old.recorded().update(state="destroyed", wrapped=None, destroyed_at=old.get().created_at)
    with pytest.raises(KeyRetired, match="earlier version"):  # nobody was erased
        opened(first)
    data_keys.destroy(scope_of(crowd[0]))
    with pytest.raises(Erased):
        opened(first)
    with transaction.atomic():
        DataKey.objects.filter(scope_id=crowd[0].pk).recorded().delete()
    with pytest.raises(KeyUnknown):  # nothing says that anybody was erased
        opened(first)
    with transaction.atomic():
        ControllerKey.objects.filter(controller=controller).recorded().update(state="retired")
    with pytest.raises(KeyRetired):
        opened(second)


def test_the_command_marks_lists_exports_and_goes_on(
    controller: Controller, crowd: list[DataSubject], tmp_path: Path
) -> None:
    values, epoch = read(crowd), ControllerKey.objects.get()
    said = StringIO()
    call_command("compromise_key", epoch.pk, "--list-only", "--export", str(tmp_path / "who.csv"), stdout=said)
    with (tmp_path / "who.csv").open(encoding="utf-8") as file:
        listed = {line["id"] for line in csv.DictReader(file)}
    assert {str(each.pk) for each in crowd} <= listed
    assert (tmp_path / "who.csv").stat().st_mode & 0o077 == 0
    assert "example.org" not in (tmp_path / "who.csv").read_text()
    call_command("compromise_key", stdout=said)
    assert f"{len(crowd)} owners have a new key" in said.getvalue()
    assert read(crowd) == values
    for wrong in ("0" * 16, "nothing"):
        with pytest.raises(CommandError, match="No living key"):
            call_command("compromise_key", wrong)
    with pytest.raises(NotFound):
        compromise.mark("")
