"""The leak budget: which declared indexes the system check refuses, and which it lets pass, with bits and remedy."""

from typing import Any

import pytest
from django.core.checks import run_checks

from governance import checks
from governance.crypto import leak_budget
from governance.fields import (
    Index,
    SealedField,
    bucket,
    compound,
    email_domain,
    exact,
    last,
    name_tokens,
    prefix,
)
from tests.shelf.models import Ticket

MILLION = 1_000_000


def field(*indexes: Index, kind: str = "text", **options: Any) -> SealedField:
    made = SealedField(label="shelf.tried", kind=kind, indexes=indexes, **options)
    made.set_attributes_from_name("note")
    made.model = Ticket
    return made


REFUSED = {
    "a lone boolean": (field(exact(cardinality=2), kind="boolean"), "Two values split"),
    "a boolean without a word": (field(exact(), kind="boolean"), "Two values split"),
    "a boolean as a bucket": (field(bucket(bits=4), kind="boolean"), "Two values split"),
    "a country": (field(exact(cardinality=249)), "8.0 bits, about 4.02e+03 of 1,000,000 rows"),
    "a gender": (field(exact(cardinality=3)), "frequency"),
    "the first letter": (field(prefix(1)), "frequency"),
    "the last digit": (field(last(1)), "frequency"),
    "unknown variety": (field(exact("name")), "Say how many"),
    "a bucket of unknown variety": (field(bucket("name", bits=10)), "Say how many different values there are: bucket"),
    "domains of one provider": (field(email_domain(cardinality=5)), "frequency"),
    "a bucket as fine as an index": (field(bucket(bits=32, cardinality=10**9)), "bits=18"),
    "a bucket too coarse to use": (field(bucket(bits=4, cardinality=10**9)), "more bits"),
    "a compound of two booleans": (field(compound("note", "smoker", cardinality=4)), "frequency"),
    "two buckets that make one index": (
        field(bucket("name", bits=10, cardinality=10**6), bucket("opaque", bits=10, cardinality=10**6)),
        "for all of them together",
    ),
}
PASSES = {
    "unique addresses": field(exact("email", unique=True), email_domain()),
    "phone numbers": field(exact("phone", cardinality=10**9), last(4)),
    "names": field(name_tokens(), prefix(3)),
    "a birth date": field(exact(cardinality=36_525), kind="date"),
    "a bucket": field(bucket("name", bits=10, cardinality=10**6)),
    "a boolean among others": field(compound("note", "smoker", "born", cardinality=2 * 2 * 36_525)),
    "a country of few people": field(exact(cardinality=249, population=2_000)),
}


@pytest.mark.parametrize(("declared", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_with_bits_and_remedy(declared: SealedField, remedy: str) -> None:
    found = checks.priced(declared, MILLION)
    assert {message.id for message in found} >= {"governance.E023"}
    assert any(remedy in str(message.hint) for message in found)


@pytest.mark.parametrize("declared", PASSES.values(), ids=PASSES.keys())
def test_it_passes(declared: SealedField) -> None:
    assert checks.priced(declared, MILLION) == []


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (field(exact(unique=True), scope_kind="request", scope_field="id"), "scope of a person"),
        (field(exact(unique=True), kind=""), "kind="),
        (field(exact(unique=True), kind="json"), "no one form"),
        (field(exact(unique=True), exact("email", unique=True)), "one name"),
        (field(compound("note", "shoe_size", cardinality=10**6)), "shoe_size"),
        (field(compound("note", "born", name="x" * 60, cardinality=10**6)), "64 characters"),
    ],
)
def test_what_cannot_be_kept_is_said(declared: SealedField, reason: str) -> None:
    found = [message for message in checks.priced(declared, MILLION) if message.id == "governance.E024"]
    assert any(reason in str(message.hint) for message in found)


def test_everything_declared_here_passes_and_a_wrong_setting_does_not(settings: Any) -> None:
    assert [message for message in run_checks() if message.id in {"governance.E023", "governance.E024"}] == []
    settings.GOVERNANCE_SEARCH_INDEXES = ["email.domain", "phone.colour"]
    assert [message.id for message in checks.leak_budget()] == ["governance.E025"]
    settings.GOVERNANCE_SEARCH_INDEXES = ["phone.last_4"]
    assert checks.leak_budget() == []
    settings.GOVERNANCE_EXPECTED_PEOPLE = 10**9  # then ten thousand endings tell too much
    assert "governance.E023" in {message.id for message in checks.leak_budget()}


def test_the_sum_is_that_of_the_planner() -> None:
    assert leak_budget.price(bucket(bits=10, cardinality=10**6), MILLION).candidates == pytest.approx(976.56, abs=0.01)
    assert leak_budget.price(exact(cardinality=256), MILLION).candidates == pytest.approx(MILLION / 256)
    assert leak_budget.price(last(4), MILLION).candidates == pytest.approx(100)
