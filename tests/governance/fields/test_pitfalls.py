"""What other encrypted fields do wrong, tried against this one: swaps, tampering, leaks on the way, shared state."""

import copy
import io
import json
import logging
import pickle
import sys
import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.serializers.base import DeserializationError
from django.db import connection, connections
from django.forms import modelform_factory
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu.exceptions import EncodeError
from kombu.serialization import dumps as kombu_dumps

from governance import subjects, vault
from governance.errors import BadInput, Erased, GovernanceError, KeyForeign, SealRefused
from governance.fields import Scope, Sealed
from governance.keys import data_keys
from governance.models import BlindIndex, Controller, DataKey, DataSubject
from governance.policy.principal import Principal, operator, worker
from tests.shelf.models import Ticket

PURPOSE = "subject_request"
SECRET = "call me at noon, Jane"


@pytest.fixture
def saved(ticket: Ticket) -> Ticket:
    ticket.note = vault.seal_for(ticket, "note", SECRET)
    ticket.loose = vault.seal_for(ticket, "loose", "something else")
    ticket.save()
    return ticket


def put(ticket: Ticket, column: str, value: object) -> Ticket:
    with connection.cursor() as cursor:
        pk = Ticket._meta.pk.get_db_prep_value(ticket.pk, connection)
        cursor.execute(f"UPDATE shelf_ticket SET {column} = %s WHERE id = %s", [value, pk])
    return Ticket.objects.get(pk=ticket.pk)


def opened(sealed: Sealed | None, principal: Principal) -> Any:
    assert sealed is not None
    return vault.reveal(sealed, principal=principal, purpose=PURPOSE)


def test_a_column_swap_does_not_open(saved: Ticket, principal: Principal) -> None:
    moved = put(saved, "loose", saved.note.envelope)
    with pytest.raises(SealRefused, match="moved or changed"):
        opened(moved.loose, principal)
    assert opened(moved.note, principal) == SECRET


@pytest.mark.parametrize("to", ["person", "controller"])
def test_a_row_swap_does_not_open(
    saved: Ticket, principal: Principal, controller: Controller, other_controller: Controller, to: str
) -> None:
    owner = controller if to == "person" else other_controller
    other = subjects.register(owner, [("email", "bob@example.org")], principal=operator(owner.pk.hex))
    row = vault.write(Ticket(controller=owner, subject=other), note="Bob's own")
    moved = put(row, "note", saved.note.envelope)
    with pytest.raises(KeyForeign):
        opened(moved.note, worker(owner.pk.hex))


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_is_refused(saved: Ticket, principal: Principal, position: int, change: int) -> None:
    envelope = bytearray(saved.note.envelope)
    envelope[position % len(envelope)] ^= change
    forged = Sealed(bytes(envelope), saved.note.label, saved.note.scope)
    with pytest.raises(GovernanceError):
        opened(forged, principal)


@given(st.integers(0, 10_000))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_truncation_or_trailing_byte_is_refused(saved: Ticket, principal: Principal, length: int) -> None:
    envelope = saved.note.envelope
    for cut in (envelope[: length % len(envelope)], envelope + b"\x00", envelope + envelope):
        with pytest.raises(GovernanceError) as refused:
            opened(Sealed(cut, saved.note.label, saved.note.scope), principal)
        assert envelope.hex()[:16] not in str(refused.value)


def test_plaintext_in_the_column_is_not_returned(saved: Ticket, principal: Principal) -> None:
    tampered = put(saved, "note", b"open text, as an old release wrote it")
    with pytest.raises(SealRefused) as refused:
        opened(tampered.note, principal)
    assert "open text" not in f"{refused.value!r} {refused.value.detail} {tampered.note!r}"


@pytest.mark.parametrize("value", [SECRET, "cxp1.AAAA", b"\xfe\x01\x01\x02", {"envelope": "x"}])
def test_what_a_client_sends_is_never_taken_for_a_sealed_value(saved: Ticket, value: object) -> None:
    with pytest.raises(SealRefused):
        saved.note = value
    with pytest.raises(SealRefused):
        Ticket(controller_id=saved.controller_id, subject_id=saved.subject_id, note=value)


def test_another_persons_envelope_sealed_as_text_stays_text(saved: Ticket, principal: Principal) -> None:
    text = Ticket._meta.get_field("note").value_to_string(saved)
    assert text.startswith("cxp1.")
    again = vault.seal_for(saved, "loose", text)
    assert opened(again, principal) == text  # sealed once more, and opened once


def test_no_form_has_the_field_and_cleaning_opens_nothing(saved: Ticket, principal: Principal) -> None:
    form = modelform_factory(Ticket, fields="__all__", exclude=None)
    assert "note" not in form.base_fields
    saved.state = "x" * 500
    with pytest.raises(ValidationError):
        saved.full_clean()
    assert opened(saved.note, principal) == SECRET
    assert opened(Ticket.objects.get().note, principal) == SECRET  # no flag stays behind on the shared field


def test_reading_goes_on_while_other_threads_validate(saved: Ticket) -> None:
    """django-fernet-encrypted-fields keeps "being cleaned" on the field all threads share."""
    is_over = threading.Event()
    row = Ticket.objects.get()
    wrong: list[object] = []

    def validate() -> None:
        other = copy.copy(row)
        other.state = "x" * 500
        while not is_over.is_set():
            try:
                other.clean_fields()
            except ValidationError:
                continue
        connections.close_all()

    thread = threading.Thread(target=validate)
    thread.start()
    field = Ticket._meta.get_field("note")
    for _round in range(2_000):
        read = field.from_db_value(saved.note.envelope, None, connection)
        if not isinstance(read, Sealed) or field.to_python(read) is not read:
            wrong.append(read)
    is_over.set()
    thread.join()
    assert wrong == []


def test_nothing_shows_on_the_ways_out(saved: Ticket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with CaptureQueriesContext(connection) as queries:
        row = Ticket.objects.get()
        row.note = vault.seal_for(row, "note", SECRET)
        row.save()
        vault.write(row, name="Jane Noon", email="jane.noon@example.org")
    output = io.StringIO()
    call_command("dumpdata", "shelf.Ticket", "governance.BlindIndex", stdout=output)
    row = Ticket.objects.get()
    logging.getLogger("test").error("row %s %r %s", row, row.note, row.__dict__)
    with pytest.raises(TypeError):
        json.dumps(row.note)
    shown = "\n".join([repr(row), str(row.note), f"{row.note:>50}", repr(vars(row)), output.getvalue(), caplog.text])
    shown += "\n".join(query["sql"] for query in queries) + repr(pickle.dumps(row)) + repr(copy.deepcopy(row.note))
    entries = b"".join(bytes(value) for value in BlindIndex.objects.values_list("value", flat=True))
    for word in ("noon", "Noon", "jane.noon"):
        assert word not in shown
        assert word.encode() not in entries


def test_an_error_page_and_a_task_message_show_nothing(saved: Ticket, rf: RequestFactory) -> None:
    row, note = Ticket.objects.get(), Ticket.objects.get().note
    try:
        row.note = b"boom"
    except SealRefused:
        reporter = ExceptionReporter(rf.get("/"), *sys.exc_info())
        page = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "sealed shelf.note" in page  # the frame with the value is on it
    assert SECRET not in page
    with pytest.raises(EncodeError):
        kombu_dumps({"note": note}, serializer="json")  # a sealed value is no task argument


@pytest.mark.parametrize("name", ["envelope", "label", "scope", "row", "other"])
def test_nothing_about_a_loaded_value_can_be_assigned(saved: Ticket, name: str) -> None:
    before = (saved.note.envelope, saved.note.label, saved.note.scope, saved.note.row)
    with pytest.raises(AttributeError):
        setattr(saved.note, name, "another")
    assert (saved.note.envelope, saved.note.label, saved.note.scope, saved.note.row) == before


def test_a_value_equals_itself_read_again_and_nothing_moved(saved: Ticket) -> None:
    read = Ticket.objects.get().note
    assert read == saved.note
    assert hash(read) == hash(saved.note)
    assert str(saved.pk) in read.row
    assert copy.deepcopy(read).row == read.row
    assert read != Sealed(read.envelope, "shelf.other", read.scope)
    assert read != read.envelope


def test_a_pickle_keeps_its_place(saved: Ticket, principal: Principal) -> None:
    row = pickle.loads(pickle.dumps(Ticket.objects.get()))  # noqa: S301  # our own bytes
    assert opened(row.note, principal) == SECRET
    bare = pickle.loads(pickle.dumps(row.note))  # noqa: S301  # our own bytes
    assert opened(bare, principal) == SECRET


def test_a_dump_is_not_loaded_as_values(saved: Ticket, tmp_path: Any) -> None:
    file = tmp_path / "dump.json"
    call_command("dumpdata", "shelf.Ticket", output=str(file))
    with pytest.raises((DeserializationError, SealRefused)):
        call_command("loaddata", str(file))


def test_an_error_names_the_row_and_never_the_bytes(saved: Ticket, principal: Principal) -> None:
    broken = put(saved, "note", saved.note.envelope[:-1] + b"\x00\x01")
    with pytest.raises(SealRefused) as refused:
        opened(broken.note, principal)
    assert f"Ticket.note of {saved.pk}" in refused.value.detail
    assert saved.note.envelope.hex()[30:60] not in refused.value.detail


def test_an_unknown_and_a_destroyed_key_are_told_apart(saved: Ticket, principal: Principal) -> None:
    unknown = Sealed(saved.note.envelope[:4] + b"\x01" * 8 + saved.note.envelope[12:], "shelf.note", saved.note.scope)
    with pytest.raises(GovernanceError) as first:
        opened(unknown, principal)
    assert not isinstance(first.value, Erased)
    subjects.erase(saved.subject, principal=principal)
    with pytest.raises(Erased):
        opened(Ticket.objects.get().note, principal)


def test_a_value_for_an_unsaved_owner_or_none_is_refused(controller: Controller) -> None:
    with pytest.raises(SealRefused, match="needs controller and subject_id"):
        vault.seal_for(Ticket(controller=controller), "note", SECRET)
    with pytest.raises(SealRefused, match="needs controller"):
        vault.seal_for(Ticket(), "note", SECRET)


def test_equal_values_differ_when_sealed(saved: Ticket) -> None:
    sealed = {vault.seal_for(saved, "note", SECRET).envelope for _ in range(20)}
    assert len(sealed) == 20


def test_normal_forms_meet_in_the_index_and_stay_apart_in_the_value(
    controller: Controller, person: DataSubject, principal: Principal
) -> None:
    for state, name in (("nfc", "Zo\u00eb"), ("nfd", "Zoe\u0308")):
        vault.write(Ticket(controller=controller, subject=person, state=state), name=name)
    found = vault.find(controller.pk, Ticket.objects.order_by("state"), name__tokens="ZOE")
    assert [opened(row.name, principal) for row in found] == ["Zo\u00eb", "Zoe\u0308"]


def test_lone_surrogates_are_refused_before_anything_is_written(controller: Controller, person: DataSubject) -> None:
    keys = DataKey.objects.count()
    with pytest.raises(BadInput):
        vault.write(Ticket(controller=controller, subject=person), name="\ud800")
    assert (Ticket.objects.count(), DataKey.objects.count()) == (0, keys)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_key(controller: Controller) -> None:
    person = DataSubject.objects.create(controller=controller)
    scope = Scope(controller.pk.hex, "subject", person.pk.hex)
    made: list[Sealed] = []
    start = threading.Barrier(2)

    def seal() -> None:
        start.wait()
        made.append(vault.seal("x", label="shelf.note", scope=scope))
        connections.close_all()

    threads = [threading.Thread(target=seal) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data_keys.forget()
    assert DataKey.objects.filter(scope_id=person.pk).count() == 1
    assert vault.reveal_many(made, principal=worker(controller.pk.hex), purpose=PURPOSE) == ["x", "x"]
