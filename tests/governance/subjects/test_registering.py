"""Registering and finding people: idempotent, never merging two, never losing input, races included."""

import threading

import pytest
from django.db import connection, connections

from governance import subjects
from governance.errors import BadInput, Conflict
from governance.models import BlindIndex, Controller, DataKey, DataSubject, LedgerEntry
from governance.policy.principal import operator


def test_registering_twice_answers_the_same_person(controller: Controller) -> None:
    principal = operator(controller.pk.hex)
    first = subjects.register(controller, [("email", "Jane@Example.org")], principal=principal)
    second = subjects.register(
        controller, [("email", "jane@example.org"), ("phone", "+49 30 901820")], principal=principal
    )
    assert first == second
    assert first.identifiers.count() == 2
    assert LedgerEntry.objects.filter(type="subject.registered").count() == 1
    assert LedgerEntry.objects.filter(type="subject.identifier_added").count() == 1


def test_identifiers_of_two_people_conflict_and_change_nothing(controller: Controller) -> None:
    principal = operator(controller.pk.hex)
    subjects.register(controller, [("email", "a@example.org")], principal=principal)
    subjects.register(controller, [("customer_id", "7")], principal=principal)
    with pytest.raises(Conflict):
        subjects.register(controller, [("email", "a@example.org"), ("customer_id", "7")], principal=principal)
    assert BlindIndex.objects.count() == 2


@pytest.mark.parametrize(
    ("identifiers", "pointer"),
    [
        ([], "/identifiers"),
        ([("e-mail", "a@example.org")], "/identifiers/0/type"),
        ([("email", "")], "/identifiers/0/value"),
        ([("email", "no address")], "/identifiers/0/value"),
        ([("email", "a@example.org"), ("customer_id", "x" * 255)], "/identifiers/1/value"),
        ([("customer_id", "a\x00b")], "/identifiers/0/value"),
        ([("phone", "12")], "/identifiers/0/value"),
        ([("email", "\u200b@\u200b")], "/identifiers/0/value"),  # to the index, it is @ as all its likes are
    ],
)
def test_bad_identifiers_name_the_field_and_not_the_value(
    controller: Controller, identifiers: list[tuple[str, str]], pointer: str
) -> None:
    with pytest.raises(BadInput) as refused:
        subjects.register(controller, identifiers, principal=operator(controller.pk.hex))
    assert refused.value.errors[0].pointer == pointer
    assert not any(value and value in str(refused.value.errors) for _type, value in identifiers if len(value) > 3)
    assert DataSubject.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_person_with_one_key(controller: Controller) -> None:
    barrier, results = threading.Barrier(2), []

    def work() -> None:
        barrier.wait()
        try:
            results.append(
                subjects.register(controller, [("email", "race@example.org")], principal=operator(controller.pk.hex)).pk
            )
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert len(set(results)) == 1, connection.vendor
    assert DataKey.objects.filter(scope_id=results[0]).count() == 1
