"""Tokens: they stand for a value while its person and its time last, and say nothing of it themselves."""

import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance import subjects
from governance.errors import BadInput, Erased
from governance.fields import Scope
from governance.keys import data_keys
from governance.models import Controller, DataSubject, LedgerEntry, VaultToken
from governance.policy.principal import Principal, operator, worker
from governance.policy.vocabulary import AuditType
from governance.subjects.registering import scope_of
from governance.vault import tokens
from governance.vault.outcomes import Outcome, Status
from governance.vault.tokens import TokenWanted, detokenise, tokenise

EMAIL = "user.contact.email"
KINDS = VaultToken.Kind


@pytest.fixture
def machine(controller: Controller) -> Principal:
    return worker(controller.pk.hex)


def wanted(person: DataSubject, value: object = "jane@example.org", **more: object) -> TokenWanted:
    return TokenWanted(**({"value": value, "label": EMAIL, "scope": scope_of(person), "purpose": "analytics"} | more))


def looked_up(person: DataSubject, *texts: str, controller: UUID | None = None) -> list[tuple[str, object]]:
    at = controller or person.controller_id
    found: list[Outcome] = detokenise(at, texts, principal=worker(at.hex), purpose="legal_claim")
    return [(outcome.status.value, outcome.value) for outcome in found]


def other_person(controller: Controller) -> DataSubject:
    who = operator(controller.pk.hex)
    return subjects.register(controller, [("customer_id", uuid4().hex)], principal=who)


def test_a_token_stands_for_its_value_and_says_nothing_of_it(person: DataSubject, machine: Principal) -> None:
    texts = tokenise([wanted(person), wanted(person, {"iban": [1, True, "x"]})], principal=machine)
    assert all(re.fullmatch(r"tok_[a-z2-7]{26}", text) for text in texts)
    assert looked_up(person, *texts) == [("revealed", "jane@example.org"), ("revealed", {"iban": [1, True, "x"]})]
    for row in VaultToken.objects.all():
        held = json.dumps({name: str(value) for name, value in vars(row).items()})
        assert "example" not in held
        assert not any(text in held for text in texts)
    entry = LedgerEntry.objects.filter(type=AuditType.VALUE_TOKENISED).latest("id")
    assert json.loads(entry.payload)["details"] == {"kinds": ["random"], "labels": [EMAIL], "tokens": 2}
    assert not any(text in entry.payload for text in texts)


def test_random_tokens_differ_and_deterministic_ones_agree_within_one_purpose_kind_and_person(
    person: DataSubject, controller: Controller, machine: Principal
) -> None:
    fixed = {"kind": KINDS.DETERMINISTIC}
    first, again = (tokenise([wanted(person, **fixed)], principal=machine)[0] for _time in range(2))
    assert first == again
    assert tokenise([wanted(person, **fixed)] * 2, principal=machine) == [first, first]
    assert VaultToken.objects.count() == 1
    others = tokenise(
        [
            wanted(person, "john@example.org", **fixed),
            wanted(person, purpose="ads", **fixed),
            wanted(person, label="user.contact.url", **fixed),
            wanted(other_person(controller), **fixed),
            wanted(person),
            wanted(person),
        ],
        principal=machine,
    )
    assert len({first, *others}) == 7
    assert looked_up(person, first, *others) == [
        ("revealed", "john@example.org" if text == others[0] else "jane@example.org") for text in (first, *others)
    ]


def test_an_expired_token_is_empty_for_good_even_when_the_clock_goes_back(
    person: DataSubject, machine: Principal
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        short, long = tokenise(
            [wanted(person, lifetime=timedelta(seconds=60)), wanted(person, lifetime=timedelta(days=1))],
            principal=machine,
        )
        clock.move_to(start + timedelta(seconds=59))
        assert looked_up(person, short) == [("revealed", "jane@example.org")]
        clock.move_to(start + timedelta(seconds=60))
        assert looked_up(person, short, long) == [("expired", None), ("revealed", "jane@example.org")]
        clock.move_to(start)
        assert looked_up(person, short) == [("expired", None)]
    assert VaultToken.objects.get(state="expired").value is None


@pytest.mark.parametrize(
    ("kind", "seconds"), [("deterministic", 60), ("random", 0), ("random", -1), ("random", 3651 * 24 * 3600)]
)
def test_an_end_that_makes_no_sense_is_refused(
    person: DataSubject, machine: Principal, kind: str, seconds: int
) -> None:
    with pytest.raises(BadInput):
        tokenise([wanted(person, kind=kind, lifetime=timedelta(seconds=seconds))], principal=machine)
    assert VaultToken.objects.count() == 0


def test_erasing_the_person_kills_every_token_and_deletes_its_row(
    person: DataSubject, controller: Controller, machine: Principal
) -> None:
    other = other_person(controller)
    text, fixed = tokenise([wanted(person), wanted(person, kind=KINDS.DETERMINISTIC)], principal=machine)
    (kept,) = tokenise([wanted(other)], principal=machine)
    rows = list(VaultToken.objects.filter(subject=person))
    with transaction.atomic():
        subjects.erase(person, principal=machine)
        transaction.set_rollback(True)
    assert looked_up(person, text)[0][0] == "revealed"  # rolled back with the rest
    subjects.erase(person, principal=machine)
    assert not VaultToken.objects.filter(subject=person).exists()
    assert looked_up(person, text, fixed, kept)[:2] == [("not_found", None)] * 2
    assert looked_up(other, kept) == [("revealed", "jane@example.org")]
    with pytest.raises(Erased):
        tokenise([wanted(person)], principal=machine)
    # Rows out of an older backup stand for nothing any more.
    with transaction.atomic():
        VaultToken.objects.recorded().bulk_create(rows)
    assert looked_up(person, text, fixed) == [("erased", None)] * 2


def test_a_disabled_person_is_not_told(person: DataSubject, machine: Principal) -> None:
    (text,) = tokenise([wanted(person)], principal=machine)
    data_keys.disable(scope_of(person))
    assert looked_up(person, text) == [("denied", None)]
    data_keys.enable(scope_of(person))
    assert looked_up(person, text) == [("revealed", "jane@example.org")]


def test_what_is_no_token_here_is_not_found(
    person: DataSubject, machine: Principal, other_controller: Controller
) -> None:
    (text,) = tokenise([wanted(person)], principal=machine)
    assert (
        looked_up(person, text[:-1], text.upper(), "", "tok_", "\ud800", "jane@example.org")
        == [("not_found", None)] * 6
    )
    assert looked_up(person, text, controller=other_controller.pk) == [("not_found", None)]


@pytest.mark.parametrize("column", ["label", "purpose"])
def test_a_row_that_was_changed_opens_nothing(person: DataSubject, machine: Principal, column: str) -> None:
    (text,) = tokenise([wanted(person)], principal=machine)
    with transaction.atomic():
        VaultToken.objects.recorded().update(**{column: "user.name"})
    assert looked_up(person, text) == [("invalid", None)]


def test_nobody_who_writes_to_the_database_gives_a_token_longer(person: DataSubject, machine: Principal) -> None:
    (text,) = tokenise([wanted(person, lifetime=timedelta(hours=1))], principal=machine)
    assert looked_up(person, text) == [("revealed", "jane@example.org")]
    with transaction.atomic():
        VaultToken.objects.recorded().update(expires_at=timezone.now() + timedelta(days=9))
    assert looked_up(person, text)[0][1] is None


def test_the_order_of_keys_makes_no_other_token(person: DataSubject, machine: Principal) -> None:
    one, other = {"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"d": 3, "c": 2}], "a": 1}
    texts = tokenise([wanted(person, value, kind=KINDS.DETERMINISTIC) for value in (one, other)], principal=machine)
    assert texts[0] == texts[1]
    assert looked_up(person, *texts) == [("revealed", one)] * 2


def test_a_row_that_was_moved_to_another_person_opens_nothing(
    person: DataSubject, controller: Controller, machine: Principal
) -> None:
    other = other_person(controller)
    theirs, mine = tokenise([wanted(other, "other"), wanted(person, "mine")], principal=machine)
    with transaction.atomic():
        VaultToken.objects.filter(subject=person).recorded().update(subject=other)
    assert looked_up(person, theirs, mine) == [("revealed", "other"), ("invalid", None)]


@given(st.recursive(st.text() | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3), max_leaves=5))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_comes_back(person: DataSubject, machine: Principal, value: object) -> None:
    texts = [tokenise([wanted(person, value, kind=kind)], principal=machine)[0] for kind in KINDS]
    assert looked_up(person, *texts) == [("revealed", value)] * 2


def test_the_number_of_statements_does_not_grow(person: DataSubject, machine: Principal) -> None:
    tokenise([wanted(person)], principal=machine)  # keys are there
    counts = []
    for size in (2, 40):
        with CaptureQueriesContext(connection) as issued:
            texts = tokenise([wanted(person, f"value {n}") for n in range(size)], principal=machine)
        with CaptureQueriesContext(connection) as opened:
            assert {status for status, _value in looked_up(person, *texts)} == {"revealed"}
        counts.append((len(issued), len(opened)))
    assert counts[0] == counts[1]


def test_a_scope_of_another_controller_is_refused(
    person: DataSubject, other_controller: Controller, machine: Principal
) -> None:
    from governance.errors import SealRefused

    scope = Scope(other_controller.pk.hex, "subject", person.pk.hex)
    for kind in KINDS:
        with pytest.raises(SealRefused):
            tokenise([wanted(person, scope=scope, kind=kind)], principal=machine)


def test_the_tick_empties_what_has_ended(person: DataSubject, machine: Principal) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        tokenise([wanted(person, lifetime=timedelta(days=1)), wanted(person)], principal=machine)
    assert (tokens.expire(), tokens.expire()) == (1, 0)
    assert Status.EXPIRED == "expired"
