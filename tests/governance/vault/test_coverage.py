"""coverage finds each kind of value that is not sealed as it should be, and says nothing of what it holds."""

import json
import tracemalloc
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from governance import subjects, vault
from governance.fields import Scope
from governance.keys import compromise, data_keys
from governance.models import BlindIndex, Controller, ControllerKey, DataKey, DataSubject, LedgerEntry
from governance.policy.principal import operator, worker
from governance.policy.vocabulary import AuditType
from governance.vault import coverage
from tests.shelf.models import Ticket

SECRET = "call me at noon"


@pytest.fixture
def tickets(controller: Controller, person: DataSubject) -> list[Ticket]:
    rows = [(Ticket(controller=controller, subject=person, state=str(n)), {"note": f"{SECRET} {n}"}) for n in range(9)]
    return vault.write_many(rows)


def counts(column: str = "shelf.ticket.note", batch: int = 4) -> dict[str, int]:
    return dict(next(each.counts for each in coverage.survey(batch) if each.name == column))


def put(ticket: Ticket, value: object) -> None:
    with connection.cursor() as cursor:
        pk = Ticket._meta.pk.get_db_prep_value(ticket.pk, connection)
        cursor.execute("UPDATE shelf_ticket SET note = %s WHERE id = %s", [value, pk])


def run(**options: Any) -> tuple[int, str]:
    told = StringIO()
    try:
        call_command("coverage", stdout=told, stderr=told, **options)
    except CommandError as problem:
        return problem.returncode, told.getvalue() + str(problem)
    return 0, told.getvalue()


def test_all_sealed_is_zero(tickets: list[Ticket]) -> None:
    assert counts() == {"sealed": 9}
    code, told = run()
    assert code == 0
    assert "shelf.ticket.note: 9 sealed" in told
    assert "governance.subjectidentifier.value: 2 sealed" in told


def test_each_kind_of_trouble_is_counted_as_itself(
    controller: Controller, tickets: list[Ticket], person: DataSubject
) -> None:
    envelope = tickets[0].note.envelope
    put(tickets[0], b"call me at noon")
    put(tickets[1], envelope[:20])
    put(tickets[2], envelope[:1] + b"\x09" + envelope[2:])
    put(tickets[3], envelope)  # row 0's value: same person, same label, so it is at home here
    put(tickets[4], envelope[:-1] + bytes([envelope[-1] ^ 1]))
    put(tickets[5], envelope[:4] + b"\x00" * 8 + envelope[12:])
    put(tickets[6], person.identifiers.get(type="email").value.envelope)  # another column's
    other = subjects.register(controller, [("email", "b@example.org")], principal=operator(controller.pk.hex))
    put(tickets[7], other.identifiers.get().value.envelope)  # another person's
    Ticket.objects.filter(pk=tickets[8].pk).update(subject_id=uuid4())
    assert counts() == {"plaintext": 1, "corrupt": 2, "sealed": 1, "failed": 4, "unknown_key": 1}
    code, told = run(json=True)
    assert code == 1
    found = {line["name"]: line for line in map(json.loads, told.splitlines()[:-1])}
    assert found["shelf.ticket.note"]["plaintext"] == 1
    assert not any(word in told for word in (SECRET, "noon", "example.org", str(tickets[0].pk)))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite keeps text in a binary column")
def test_text_in_a_binary_column_is_plaintext(tickets: list[Ticket]) -> None:
    put(tickets[0], "call me at noon")
    assert counts()["plaintext"] == 1


def test_orphans_are_counted(controller: Controller, person: DataSubject, tickets: list[Ticket]) -> None:
    scope = tickets[0].note.scope
    with connection.cursor() as cursor:
        gone = uuid4()
        pk = DataKey._meta.get_field("scope_id").get_db_prep_value
        cursor.execute(
            "UPDATE governance_datakey SET scope_id = %s WHERE scope_id = %s",
            [pk(gone, connection), pk(person.pk, connection)],
        )
    Ticket.objects.update(subject_id=gone)
    data_keys.forget()
    assert scope is not None
    assert counts() == {"orphan": 9}


def test_an_entry_whose_row_is_gone_is_an_orphan(controller: Controller, person: DataSubject) -> None:
    row = vault.write(Ticket(controller=controller, subject=person), email="ann@example.org")
    vault.write(Ticket(controller=controller, subject=person), email="bob@example.org")
    row.delete()  # without vault.delete
    assert counts("index shelf.email") == {"orphan": 1, "sealed": 1}
    assert run()[0] == 1


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (DataKey.State.SUSPENDED, "disabled"),
        (DataKey.State.COMPROMISED, "old_key"),
    ],
)
def test_the_state_of_the_key_is_told(tickets: list[Ticket], person: DataSubject, state: str, verdict: str) -> None:
    DataKey.objects.recorded().filter(scope_id=person.pk).update(state=state)
    assert counts() == {verdict: 9}
    assert run()[0] == (0 if verdict == "disabled" else 1)


def test_what_is_left_of_an_erased_person_is_no_trouble(
    controller: Controller, tickets: list[Ticket], person: DataSubject
) -> None:
    subjects.erase(person, principal=worker(controller.pk.hex))
    assert counts() == {"erased": 9}


def test_one_key_that_does_not_open_does_not_hide_the_others(
    controller: Controller, other_controller: Controller, tickets: list[Ticket]
) -> None:
    stranger = subjects.register(
        other_controller, [("email", "x@example.org")], principal=operator(other_controller.pk.hex)
    )
    vault.write(Ticket(controller=other_controller, subject=stranger), note="another house")
    ControllerKey.objects.recorded().filter(controller=other_controller).update(commitment=bytes(32))
    data_keys.forget()
    assert counts(batch=50) == {"sealed": 9, "unusable_key": 1}


def test_it_is_recorded_once_a_column_without_a_reveal(tickets: list[Ticket]) -> None:
    before = LedgerEntry.objects.count()
    names = [each.name for each in coverage.survey()]
    entries = list(LedgerEntry.objects.order_by("recorded_at", "id")[before:])
    assert {entry.type for entry in entries} == {AuditType.COVERAGE_SURVEYED}
    assert len(entries) == len(names) == len(set(names))


def test_memory_and_queries_follow_the_batch_not_the_table(controller: Controller, person: DataSubject) -> None:
    def peak(rows: int) -> int:
        made = [(Ticket(controller=controller, subject=person), {"scan": b"x" * 20_000}) for _ in range(rows)]
        vault.write_many(made)
        del made
        tracemalloc.start()
        counts("shelf.ticket.scan", batch=10)
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(300) < 2 * peak(20)
    assert BlindIndex.objects.filter(label__startswith="shelf").count() == 0


def test_erased_is_said_only_of_the_erased(controller: Controller, tickets: list[Ticket], person: DataSubject) -> None:
    other = subjects.register(controller, [("email", "b@example.org")], principal=operator(controller.pk.hex))
    theirs = other.identifiers.get().value.envelope
    subjects.erase(other, principal=operator(controller.pk.hex))
    put(tickets[0], theirs)  # moved from an erased person to one who lives
    compromise.mark(DataKey.objects.get(scope_id=person.pk).pk)
    old = DataKey.objects.filter(scope_id=person.pk, version=1)
    old.recorded().update(state="destroyed", wrapped=None, destroyed_at=old.get().created_at)
    assert counts() == {"failed": 1, "unusable_key": 8}
    with transaction.atomic():
        data_keys.destroy(Scope(controller.pk.hex, "subject", person.pk.hex))
    assert counts() == {"failed": 1, "erased": 8}
