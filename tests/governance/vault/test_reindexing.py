"""Index keys are rotated while people are registered and found: nobody is lost, nobody twice, killed or not."""

import threading
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from governance import subjects, vault
from governance.errors import BadInput, Conflict
from governance.keys import index_keys
from governance.models import (
    BlindIndex,
    Controller,
    DataSubject,
    Erasure,
    IndexVersion,
    LedgerEntry,
    SubjectIdentifier,
)
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType
from governance.subjects import erasing
from governance.vault import reindexing, sources
from tests.governance.vault.killing import killed
from tests.shelf.models import Ticket

if TYPE_CHECKING:
    from uuid import UUID

EMAIL = "subject.identifier.email"


def people(controller: Controller, count: int, domain: str = "example.org") -> list[DataSubject]:
    principal = operator(controller.pk.hex)
    return subjects.register_many(
        controller, [[("email", f"p{n}@{domain}")] for n in range(count)], principal=principal
    )


def numbers(label: str = EMAIL) -> dict[int, int]:
    found: dict[int, int] = {}
    for row in BlindIndex.objects.filter(label=label):
        assert bytes(row.value)[0] == row.version
        found[row.version] = found.get(row.version, 0) + 1
    return found


def test_the_stages_of_a_rotation(controller: Controller) -> None:
    known = people(controller, 5)
    before = {bytes(row.value)[1:] for row in BlindIndex.objects.filter(label=EMAIL)}
    building = reindexing.start(controller.pk, EMAIL)
    assert reindexing.start(controller.pk, EMAIL) == building  # called again: the same
    assert numbers() == {1: 5}
    late = people(controller, 1, "late.example")[0]
    assert numbers() == {1: 6, 2: 1}  # written to both from now on
    assert reindexing.advance(controller.pk, EMAIL, batch=4) == 4
    with pytest.raises(Conflict, match="no new entry"), transaction.atomic():
        reindexing.swap(controller.pk, EMAIL)
    assert reindexing.advance(controller.pk, EMAIL, batch=4) == 2
    assert reindexing.advance(controller.pk, EMAIL, batch=4) == 0
    assert numbers() == {1: 6, 2: 6}
    reindexing.swap(controller.pk, EMAIL)
    later = people(controller, 1, "later.example")[0]
    assert numbers() == {1: 6, 2: 7}  # the old one is written no more
    assert [subjects.find(controller, [("email", f"p{n}@example.org")]) for n in range(5)] == known
    while reindexing.sweep(controller.pk, EMAIL, batch=4):
        pass
    assert numbers() == {2: 7}
    after = {bytes(row.value)[1:] for row in BlindIndex.objects.filter(label=EMAIL)}
    assert not before & after
    for person, address in ((known[3], "P3@example.org"), (late, "p0@late.example"), (later, "p0@later.example")):
        assert vault.match(controller.pk, "email", address) == person
        assert subjects.register(controller, [("email", address)], principal=operator(controller.pk.hex)) == person
    assert [row.version for row in IndexVersion.objects.all()] == [2]
    assert reindexing.rotate(controller.pk, EMAIL).version == 3  # and once more
    assert numbers() == {3: 7}


def test_somebody_whose_erasure_can_be_undone_is_moved_too(controller: Controller, settings: Any) -> None:
    settings.GOVERNANCE_ERASURE_GRACE_HOURS = 24
    who, person = operator(controller.pk.hex), people(controller, 3)[1]
    waiting = erasing.request_erasure(person, principal=who)
    assert reindexing.rotate(controller.pk, EMAIL, batch=2).version == 2
    assert numbers() == {2: 3}
    erasing.undo_erasure(waiting.pk, person, reason=Erasure.UndoReason.values[0], principal=who)
    assert vault.match(controller.pk, "email", "p1@example.org") == person


def test_a_value_that_was_mended_meanwhile_is_taken_by_the_next_run(controller: Controller) -> None:
    person = people(controller, 3)[0]
    row = SubjectIdentifier.objects.get(subject=person)

    def put(envelope: bytes) -> None:
        with connection.cursor() as cursor:
            pk = SubjectIdentifier._meta.pk.get_db_prep_value(row.pk, connection)
            cursor.execute("UPDATE governance_subjectidentifier SET value = %s WHERE id = %s", [envelope, pk])

    put(row.value.envelope[:-1] + bytes([row.value.envelope[-1] ^ 1]))
    with pytest.raises(Conflict, match="1 rows of"):
        reindexing.rotate(controller.pk, EMAIL)
    put(row.value.envelope)
    assert reindexing.rotate(controller.pk, EMAIL).version == 2
    assert vault.match(controller.pk, "email", "p0@example.org") == person


def test_it_is_recorded_as_an_operation_on_keys_and_discloses_nothing(controller: Controller) -> None:
    people(controller, 3)
    before = LedgerEntry.objects.count()
    reindexing.rotate(controller.pk, EMAIL, batch=2)
    entries = LedgerEntry.objects.order_by("recorded_at", "id")[before:]
    assert {entry.type for entry in entries} == {AuditType.INDEX_ROTATED}
    assert not any("example" in entry.payload or entry.subject_ref for entry in entries)
    assert next(entry.object_ref for entry in entries) == f"index:{EMAIL}:2"


def test_digests_in_diaries_do_not_change_with_it(controller: Controller) -> None:
    before = index_keys.index_value(controller.pk, "email", "ann@example.org")
    people(controller, 1)
    reindexing.rotate(controller.pk, EMAIL)
    assert index_keys.index_value(controller.pk, "email", "Ann@example.org") == before


def test_every_kind_of_index_moves(controller: Controller, person: DataSubject) -> None:
    vault.write_many(
        [
            (Ticket(controller=controller, subject=person, state="a"), {
                "email": "ann@example.org", "phone": "+49 30 1234567", "name": "Ann Lee", "city": "Bonn",
                "gender": "f", "smoker": False, "postcode": "53111",
            }),
            (Ticket(controller=controller, subject=person, state="b"), {"name": "Bob Lee", "phone": None, "city": ""}),
        ]
    )  # fmt: skip
    call_command("rotate_index_keys", controller="acme", batch=1, stdout=StringIO())
    assert {row.version for row in BlindIndex.objects.filter(controller=controller)} == {2}
    conditions: list[dict[str, Any]] = [
        {"email": "ann@example.org"}, {"email__domain": "example.org"}, {"phone__last_4": "4567"},
        {"name__tokens": "ann"}, {"name__prefix_3": "ann"}, {"city": "bonn"}, {"gender__about": ("f", False, "53111")},
    ]  # fmt: skip
    for condition in conditions:
        assert [row.state for row in vault.find(controller.pk, Ticket.objects.all(), **condition)] == ["a"], condition
    assert vault.find(controller.pk, Ticket.objects.all(), name__tokens="lee").count() == 2
    with pytest.raises(Conflict):
        vault.write(Ticket(controller=controller, subject=person), email="ann@example.org")


def test_an_index_declared_later_is_filled(controller: Controller, settings: Any) -> None:
    known = people(controller, 3)
    settings.GOVERNANCE_SEARCH_INDEXES = ["email.domain"]
    assert vault.search(controller.pk, "email", "domain", "example.org") == []
    reindexing.rotate(controller.pk, f"{EMAIL}.domain")
    assert set(vault.search(controller.pk, "email", "domain", "example.org")) == set(known)


def test_a_value_that_does_not_open_stops_the_swap_and_stays_findable(controller: Controller) -> None:
    ann, bob = people(controller, 2)
    with connection.cursor() as cursor:
        identifier = SubjectIdentifier.objects.get(subject=ann)
        broken = identifier.value.envelope[:-1] + bytes([identifier.value.envelope[-1] ^ 1])
        pk = SubjectIdentifier._meta.pk.get_db_prep_value(identifier.pk, connection)
        cursor.execute("UPDATE governance_subjectidentifier SET value = %s WHERE id = %s", [broken, pk])
    with pytest.raises(CommandError):
        call_command("rotate_index_keys", label=[EMAIL], stdout=StringIO(), stderr=(told := StringIO()))
    assert "1 rows" in told.getvalue()
    assert [vault.match(controller.pk, "email", f"p{n}@example.org") for n in range(2)] == [ann, bob]


def test_an_unknown_index_is_named(controller: Controller) -> None:
    with pytest.raises(BadInput, match=EMAIL):
        reindexing.rotate(controller.pk, "subject.identifier.shoe_size")
    assert "shelf.gender.about" in sources.every()


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_the_middle_is_taken_over(controller: Controller) -> None:
    known = people(controller, 40)
    killed(
        lambda: reindexing.rotate(controller.pk, EMAIL, batch=1),
        lambda: IndexVersion.objects.exclude(reached="").exists(),
    )
    assert IndexVersion.objects.filter(state="building").exists()
    done = numbers().get(2, 0)
    assert 0 < done < 40
    assert reindexing.rotate(controller.pk, EMAIL).version == 2
    assert numbers() == {2: 40}
    assert vault.match_many(controller.pk, [("email", f"p{n}@example.org") for n in range(40)]) == known


def in_parallel(*work: Callable[[], None]) -> None:
    problems: list[BaseException] = []

    def run(each: Callable[[], None]) -> None:
        try:
            each()
        except BaseException as problem:  # noqa: BLE001  # told below, in the test's own thread
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


@pytest.mark.django_db(transaction=True)
def test_one_address_registered_by_two_workers_during_a_rotation_is_one_person(controller: Controller) -> None:
    """On PostgreSQL the three run at once; SQLite lines their transactions up."""
    people(controller, 10)
    principal = operator(controller.pk.hex)
    registered: list[tuple[int, UUID]] = []
    is_over = threading.Event()

    def register() -> None:
        number = 0
        while (not is_over.is_set() or number < 8) and number < 200:
            person = subjects.register(controller, [("email", f"new{number}@example.org")], principal=principal)
            registered.append((number, person.pk))
            number += 1

    def rotate() -> None:
        for _round in range(2):
            reindexing.rotate(controller.pk, EMAIL, batch=3)
        is_over.set()

    in_parallel(register, register, rotate)
    assert len({number for number, _pk in registered}) == len(set(registered))
    assert set(numbers()) == {3}
    assert numbers()[3] == DataSubject.objects.filter(controller=controller).count()
    for number, pk in registered:
        found = vault.match(controller.pk, "email", f"new{number}@example.org")
        assert found is not None
        assert found.pk == pk


@pytest.mark.django_db(transaction=True)
def test_two_workers_fill_one_index_together(controller: Controller) -> None:
    people(controller, 30)
    reindexing.start(controller.pk, EMAIL)

    def fill() -> None:
        while reindexing.advance(controller.pk, EMAIL, batch=4):
            pass

    in_parallel(fill, fill)
    assert numbers() == {1: 30, 2: 30}
    reindexing.swap(controller.pk, EMAIL)
