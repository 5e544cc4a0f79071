"""The ledger's one writer and the outbox: what a row says, what is refused, and that both live or die together."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance import correlation, ledger, outbox
from governance.crypto.canonical import canonical
from governance.crypto.merkle import leaf_hash
from governance.errors import AuditRefused
from governance.ledger import LedgerEvent
from governance.models import Controller, LedgerEntry, LedgerPending, OutboxEvent
from governance.policy.opaque import require_details
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

#: Entry and place in the queue: PostgreSQL takes both at once.
STATEMENTS = 1 if connection.vendor == "postgresql" else 2
CONTROLLER = uuid.UUID("0192f0c1-0000-7000-8000-000000000001")


def event(**changes: object) -> LedgerEvent:
    given_values = {
        "type": AuditType.PURPOSE_CHANGED,
        "actor_ref": "staff:0f",
        "controller_id": CONTROLLER,
        "subject_ref": "p:0a",
        "object_ref": "purpose:newsletter",
        "purpose": "newsletter",
        "decision": "allow",
        "rules": ["role:privacy_officer"],
        "ruleset": "0f" * 16,
        "details": {"version": 2, "fields": ["name"], "retired": False, "until": None, "reason": "tax.10y"},
    }
    return LedgerEvent(**{**given_values, **changes})  # type: ignore[arg-type]  # the point is to pass wrong ones too


@pytest.mark.django_db
def test_an_event_is_one_entry_and_one_place_in_the_queue(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(STATEMENTS):
        entry = ledger.append(event())
    stored = LedgerEntry.objects.get(pk=entry.pk)
    assert LedgerPending.objects.filter(entry=stored).exists()
    assert json.loads(stored.payload) == {
        "v": 2,
        "id": str(stored.id),
        "time": stored.recorded_at.isoformat(),
        "class": 3004,
        "type": "purpose.changed",
        "controller": str(CONTROLLER),
        "actor": "staff:0f",
        "subject": "p:0a",
        "object": "purpose:newsletter",
        "purpose": "newsletter",
        "decision": "allow",
        "rules": ["role:privacy_officer"],
        "ruleset": "0f" * 16,
        "correlation": correlation.current(),
        "details": {"version": 2, "fields": ["name"], "retired": False, "until": None, "reason": "tax.10y"},
        "body_commit": None,
    }
    assert stored.recorded_at.isoformat().endswith("+00:00")
    assert (stored.type, stored.controller, stored.actor_ref) == ("purpose.changed", CONTROLLER, "staff:0f")
    assert (stored.subject_ref, stored.object_ref) == ("p:0a", "purpose:newsletter")


@pytest.mark.django_db
def test_many_events_cost_as_many_statements_as_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(STATEMENTS):
        ledger.append_many([event() for _ in range(40)])


@pytest.mark.django_db
def test_the_payload_is_canonical_and_the_leaf_is_its_rfc_6962_hash() -> None:
    entry = ledger.append(event(details={"b": "ü€", "a": [], "c": -(2**53) + 1}))
    stored = LedgerEntry.objects.get(pk=entry.pk)
    assert stored.payload.encode() == canonical(json.loads(stored.payload))
    assert bytes(stored.leaf) == leaf_hash(stored.payload.encode())


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_outside_a_transaction() -> None:
    with pytest.raises(AuditRefused):
        ledger.append(event())
    with transaction.atomic():
        ledger.append(event())
    assert LedgerEntry.objects.count() == 1


@transaction.atomic
def change_and_fail() -> None:
    controller = Controller.objects.create(slug="acme", name="Acme")
    ledger.append(event(controller_id=controller.id))
    outbox.append("purpose.changed", controller_id=controller.id)
    raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_event() -> None:
    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    left = [model.objects.count() for model in (Controller, LedgerEntry, LedgerPending, OutboxEvent)]
    assert left == [0, 0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_the_outbox_is_written_in_a_transaction_too() -> None:
    controller = Controller.objects.create(slug="acme", name="Acme")
    with pytest.raises(AuditRefused):
        outbox.append("request.received", controller_id=controller.id)
    person = uuid.uuid4()
    with transaction.atomic():
        outbox.append(
            "request.received", controller_id=controller.id, subject_id=person, payload={"rights": ["access"]}
        )
        with pytest.raises(AuditRefused):
            outbox.append("request.received", controller_id=controller.id, payload={"from": "jane@example.org"})
    stored = OutboxEvent.objects.get()
    assert (stored.type, stored.subject_id, stored.payload) == ("request.received", person, {"rights": ["access"]})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "telling",
    [
        "jane.doe@example.org",
        "written to jane@example.org today",
        "jane\N{FULLWIDTH COMMERCIAL AT}example.org",
        "jane%40example.org",
        "+49 170 1234567",
        "tel:+49(170)12-34-567",
        "x" * 201,
        "two\nlines",
        "\ud800",
    ],
)
def test_a_detail_that_could_be_personal_is_refused_without_being_repeated(telling: str) -> None:
    for value in (telling, ["fine", telling]):
        with pytest.raises(AuditRefused) as refused:
            ledger.append(event(details={"note": value}))
        assert telling not in str(refused.value)
    assert not LedgerEntry.objects.exists()
    ledger.append(event(details={"note": "x" * 200, "at": "2026-01-02T03:04:05+00:00"}))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "details",
    [{"a": 1.5}, {"a": {"b": 1}}, {"a": [1]}, {"a": b"x"}, {"a": 2**53}, {"A": 1}, {"": 1}, {"jane@example.org": 1}],
)
def test_details_hold_texts_numbers_truth_and_lists_of_texts_only(details: object) -> None:
    with pytest.raises(AuditRefused):
        ledger.append(event(details=details))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["actor_ref", "subject_ref", "object_ref", "purpose", "decision", "ruleset", "rules"])
@pytest.mark.parametrize("value", ["jane@example.org", "Jane Doe", "a\x00b", "ä", "x" * 121, ":x"])
def test_references_are_opaque(name: str, value: str) -> None:
    def wrapped(text: str) -> object:
        return ["role:fine", text] if name == "rules" else text

    with pytest.raises(AuditRefused):
        ledger.append(event(**{name: wrapped(value)}))
    ledger.append(event(**{name: wrapped("request:0192f0c1-aa/step.4")}))


@pytest.mark.django_db
def test_an_event_without_an_actor_is_refused() -> None:
    with pytest.raises(AuditRefused):
        ledger.append(event(actor_ref=""))


@given(st.text(max_size=60))
def test_no_text_with_an_address_in_it_passes(text: str) -> None:
    with pytest.raises(AuditRefused):
        require_details({"note": f"{text}a@b{text}"})


INSTANT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_uuid7_carries_its_time_version_and_variant() -> None:
    made = ledger.uuid7(INSTANT + timedelta(days=36_500))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int((INSTANT + timedelta(days=36_500)).timestamp() * 1000)


@given(st.lists(st.integers(min_value=-5000, max_value=5000), min_size=2, max_size=50))
def test_uuid7s_only_grow_also_when_the_clock_steps_back(steps: list[int]) -> None:
    made = [ledger.uuid7(INSTANT + timedelta(milliseconds=step)) for step in steps]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_full_counter_moves_on_to_the_next_millisecond() -> None:
    clock = ledger._Clock()  # noqa: SLF001  # 2^41 calls in one millisecond cannot be waited for
    clock.milliseconds, clock.counter = 1000, 2**42 - 2
    assert [clock.tick(1000), clock.tick(1000), clock.tick(1000)] == [(1000, 2**42 - 1), (1001, 0), (1001, 1)]


def test_uuid7s_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ledger.uuid7(INSTANT), range(4000)))
    assert len(set(made)) == 4000
