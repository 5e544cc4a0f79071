"""Many people at once: row for row what register() writes for each, in the same number of statements for any number."""

import json
import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from governance import outbox, subjects, vault
from governance.errors import AuditRefused, BadInput, Conflict, Erased
from governance.fields import Scope
from governance.models import BlindIndex, Controller, DataKey, DataSubject, LedgerEntry, LedgerPending, OutboxEvent
from governance.policy.principal import operator, worker

#: New people, one known by another identifier a line before, one twice, two spellings, one with nothing new.
PEOPLE = [
    [("email", "Ada@Example.org"), ("phone", "+49 30 23125 001")],
    [("email", "ben@example.org")],
    [("customer_id", "7"), ("email", "ben@example.org"), ("email", "BEN@example.org")],
    [("email", "ada@example.org")],
    [("phone", "+493023125001"), ("device_id", "d-1")],
    [("customer_id", "8")],
]


def one_by_one(controller: Controller, **options: Any) -> list[DataSubject]:
    return [subjects.register(controller, each, principal=operator(controller.pk.hex), **options) for each in PEOPLE]


def at_once(controller: Controller, **options: Any) -> list[DataSubject]:
    return subjects.register_many(controller, PEOPLE, principal=operator(controller.pk.hex), **options)


def written(controller: Controller, people: list[DataSubject]) -> dict[str, Any]:
    """Everything that stands in the tables about these people, without ids and moments."""
    order = {person.pk: number for number, person in enumerate(dict.fromkeys(people))}
    ledger = []
    for entry in LedgerEntry.objects.filter(controller=controller.pk).order_by("pk"):
        payload = json.loads(entry.payload)
        fields = {name: payload[name] for name in ("type", "actor", "purpose", "decision", "details", "v")}
        ledger.append((json.dumps(fields, sort_keys=True), bool(entry.subject_ref), entry.object_ref.partition(":")[0]))
    return {
        "people": [order[person.pk] for person in people],
        "subjects": list(DataSubject.objects.filter(controller=controller).values_list("status", flat=True)),
        "identifiers": sorted(
            (order[row.subject_id], row.type, opened(row), row.verified_at is not None)
            for person in dict.fromkeys(people)
            for row in person.identifiers.all()
        ),
        "indexes": sorted(
            (order[row.subject_id], row.label, row.identifier.type, len(bytes(row.value)))
            for row in BlindIndex.objects.filter(controller=controller).select_related("identifier")
        ),
        "keys": sorted(DataKey.objects.filter(controller=controller).values_list("scope_kind", "version", "state")),
        "ledger": sorted(ledger),
        "pending": LedgerPending.objects.filter(entry__controller=controller.pk).count(),
    }


def opened(row: Any) -> object:
    return vault.reveal(row.value, principal=worker(row.controller_id.hex), purpose="subject_request")


@pytest.mark.parametrize("options", [{}, {"verified": True}])
@pytest.mark.parametrize("known_before", [False, True])
def test_many_at_once_write_what_one_by_one_writes(
    controller: Controller, other_controller: Controller, options: dict[str, Any], known_before: bool
) -> None:
    found = {}
    for house, register in ((controller, one_by_one), (other_controller, at_once)):
        if known_before:
            subjects.register(house, [("email", "ben@example.org")], principal=operator(house.pk.hex))
        ledger_before = LedgerEntry.objects.filter(controller=house.pk).count()
        people = register(house, **options)
        assert LedgerEntry.objects.filter(controller=house.pk).count() > ledger_before
        found[register.__name__] = written(house, people)
    assert found["at_once"] == found["one_by_one"]
    assert found["at_once"]["people"] == [0, 1, 1, 0, 0, 2]


def test_everybody_is_found_afterwards_and_a_second_call_changes_nothing(controller: Controller) -> None:
    people = at_once(controller)
    for person, identifiers in zip(people, PEOPLE, strict=True):
        assert subjects.find(controller, identifiers) == person
    entries = LedgerEntry.objects.count()
    assert at_once(controller) == people
    assert LedgerEntry.objects.count() == entries


def test_the_number_of_statements_does_not_grow(controller: Controller) -> None:
    def register(start: int, count: int) -> int:
        people = [[("email", f"p{number}@example.org")] for number in range(start, start + count)]
        with CaptureQueriesContext(connection) as queries:
            subjects.register_many(controller, people, principal=operator(controller.pk.hex))
        return len(queries)

    register(0, 1)  # makes the controller's key
    assert register(1, 1) == register(2, 40)


@pytest.mark.parametrize(
    ("added", "error"),
    [
        ([("email", "no address")], BadInput),
        ([("phone", "12")], BadInput),
        ([], BadInput),
        ([("email", "ada@example.org"), ("customer_id", "8")], Conflict),
    ],
)
def test_one_person_that_is_refused_refuses_all(
    controller: Controller, added: list[tuple[str, str]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        subjects.register_many(controller, [*PEOPLE, added], principal=operator(controller.pk.hex))
    assert not DataSubject.objects.exists()
    assert not DataKey.objects.filter(scope_kind="subject").exists()
    assert not LedgerEntry.objects.filter(controller=controller.pk).exists()


def test_nothing_is_sealed_for_an_erased_person_among_others(controller: Controller) -> None:
    first, second = at_once(controller)[:2]
    scopes = [Scope(controller.pk.hex, "subject", person.pk.hex) for person in (first, second)]
    subjects.erase(second, principal=operator(controller.pk.hex))
    with pytest.raises(Erased):
        vault.seal_many([("a", "subject.identifier", scopes[0]), ("b", "subject.identifier", scopes[1])])
    sealed = vault.seal_many([("a", "subject.identifier", scopes[0]), ({"n": 7}, "consent.evidence", scopes[0])])
    principal = worker(controller.pk.hex)
    assert vault.reveal_many(sealed, principal=principal, purpose="subject_request") == ["a", {"n": 7}]


@pytest.mark.django_db(transaction=True)
def test_events_for_the_outside_need_a_transaction(controller: Controller) -> None:
    with pytest.raises(AuditRefused):
        outbox.append_many([outbox.Thin(type="consent.recorded", controller_id=controller.pk)])
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_one_person_each(controller: Controller) -> None:
    barrier, results = threading.Barrier(2), []

    def work() -> None:
        barrier.wait()
        try:
            people = [[("email", f"race{number}@example.org")] for number in range(5)]
            results.append(subjects.register_many(controller, people, principal=operator(controller.pk.hex)))
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert results[0] == results[1], connection.vendor
    assert DataKey.objects.filter(scope_kind="subject").count() == 5
