"""The doors of the vault: outcomes in order, the policy's form, nothing of other controllers, nothing kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import subjects
from governance.keys import data_keys
from governance.models import DataSubject, IdempotencyRecord, LedgerEntry, VaultToken
from governance.policy.forms import FORMS, Form
from governance.policy.principal import operator, worker
from governance.policy.vocabulary import AuditType, Role
from governance.subjects.registering import scope_of
from tests.governance.conftest import service

if TYPE_CHECKING:
    from collections.abc import Callable

    from governance.models import Controller

JANE = {"type": "email", "value": "jane.doe@example.org"}
EMAIL = "user.contact.email"
Call = "Callable[..., Any]"


@pytest.fixture
def call(controller: Controller) -> Callable[..., Any]:
    """A service that may seal and tokenise, and another that may open."""
    keys = {
        "in": service(controller, Role.INTEGRATOR, name="crm"),
        "out": service(controller, Role.VAULT_READER, name="desk"),
    }

    def send(verb: str, body: dict[str, Any], **headers: str) -> Any:
        key = keys["in" if verb in {"seal", "tokenise"} else "out"]
        return Client().post(
            f"/v1/vault/{verb}",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"} | headers,
        )

    return send


def item(value: Any = "jane@work.example", subject: dict[str, str] = JANE, label: str = EMAIL) -> dict[str, Any]:
    return {"subject": subject, "label": label, "value": value}


def sealed(call: Callable[..., Any], *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = call("seal", {"items": list(items)})
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def revealed(call: Callable[..., Any], *items: dict[str, Any], purpose: str = "customer_support") -> Any:
    return call("reveal", {"purpose": purpose, "items": list(items)}).json()["results"]


def test_an_unusable_identifier_spoils_its_own_item_alone(call: Callable[..., Any], controller: Controller) -> None:
    subjects.register(controller, [("email", JANE["value"])], principal=operator(controller.pk.hex))
    for bad in ({"type": "phone", "value": "12"}, {"type": "email", "value": "nobody"}):
        assert [each["status"] for each in sealed(call, item(), item(subject=bad))] == ["sealed", "invalid"]
        opened = revealed(call, text_of(sealed(call, item())[0]), text_of({"sealed": "cxp1.aaaa"}, subject=bad))
        assert [each["status"] for each in opened] == ["revealed", "invalid"]


def test_what_is_sealed_can_be_sent_back(call: Callable[..., Any], controller: Controller) -> None:
    subjects.register(controller, [("email", JANE["value"])], principal=operator(controller.pk.hex))
    largest = "x" * 749_700
    (result,) = sealed(call, item(largest))
    assert revealed(call, text_of(result))[0]["value"] == largest
    assert sealed(call, item(largest + "x" * 200)) == [{"status": "invalid"}]


def text_of(result: dict[str, Any], subject: dict[str, str] = JANE, label: str = EMAIL) -> dict[str, Any]:
    return {"subject": subject, "label": label, "sealed": result["sealed"]}


@pytest.mark.parametrize("value", ["", "jäne", 0, -7, 1.5, True, False, [], {"a": [None, 1]}, 10**30])
def test_what_goes_in_comes_out(person: DataSubject, call: Callable[..., Any], value: Any) -> None:
    (result,) = sealed(call, item(value))
    assert result["status"] == "sealed"
    assert result["sealed"].startswith("cxp1.")
    (opened,) = revealed(call, text_of(result))
    assert opened == {"status": "revealed", "value": value}
    assert type(opened["value"]) is type(value)


def test_each_item_has_its_own_outcome_in_order(person: DataSubject, call: Callable[..., Any]) -> None:
    nobody, device = {"type": "email", "value": "nobody@example.org"}, {"type": "customer_id", "value": "C-1"}
    results = sealed(
        call,
        item("one"),
        item("two", subject=nobody),
        item("three", label="subject.identifier"),
        item("four", label="user"),
        item("five", subject={"type": "email", "value": "no address"}),
        item(None) | {"value": "six"},
    )
    assert [result["status"] for result in results] == ["sealed", "not_found", *["invalid"] * 3, "sealed"]
    assert all(set(result) == {"status"} for result in results if result["status"] != "sealed")
    mine = text_of(results[0])
    damaged = mine["sealed"][:-2] + ("AA" if mine["sealed"][-2:] != "AA" else "BB")
    outcomes = revealed(
        call,
        mine,
        mine | {"subject": nobody},
        mine | {"subject": device},
        mine | {"label": "user.name"},
        mine | {"sealed": damaged},
        mine | {"sealed": "cxp1."},
        mine | {"sealed": "jane@work.example"},
        text_of(results[5]),
    )
    # The third names the same person by another identifier, if one is known.
    statuses = [outcome["status"] for outcome in outcomes]
    assert statuses[:2] == ["revealed", "not_found"]
    assert statuses[3:] == ["invalid", "invalid", "invalid", "invalid", "revealed"]
    assert outcomes[0] == {"status": "revealed", "value": "one"}


def test_a_restricted_person_is_an_outcome_of_its_own(person: DataSubject, call: Callable[..., Any]) -> None:
    (mine,) = sealed(call, item("one"))
    subjects.restrict(person, principal=operator(person.controller_id.hex), ground="claims")
    assert revealed(call, text_of(mine)) == [{"status": "restricted"}]
    assert revealed(call, text_of(mine), purpose="legal_claim") == [{"status": "revealed", "value": "one"}]


def test_of_a_thousand_no_more_and_no_fewer_statements(person: DataSubject, call: Callable[..., Any]) -> None:
    sealed(call, item())  # keys are there
    counts = []
    for size in (2, 60):
        with CaptureQueriesContext(connection) as sealing:
            results = sealed(call, *[item(f"value {n}") for n in range(size)])
        with CaptureQueriesContext(connection) as opening:
            opened = revealed(call, *[text_of(result) for result in results])
        assert [each["value"] for each in opened] == [f"value {n}" for n in range(size)]
        counts.append((len(sealing), len(opening)))
    assert counts[0] == counts[1]
    for verb, body in (
        ("seal", {"items": [item()] * 1001}),
        ("seal", {"items": []}),
        ("reveal", {"purpose": "customer_support", "items": []}),
        ("detokenise", {"purpose": "customer_support", "tokens": ["x"] * 1001}),
    ):
        answer = call(verb, body)
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert call("seal", {"items": [item("x")] * 1000}).status_code == 200


def test_people_of_another_controller_are_as_unknown_as_nobody(
    person: DataSubject, call: Callable[..., Any], other_controller: Controller
) -> None:
    stranger = {"type": "email", "value": "stranger@example.org"}
    subjects.register(other_controller, [("email", stranger["value"])], principal=operator(other_controller.pk.hex))
    (mine,) = sealed(call, item())
    for verb, body in (
        ("seal", lambda who: {"items": [item(subject=who)]}),
        ("reveal", lambda who: {"purpose": "legal_claim", "items": [text_of(mine, subject=who)]}),
        ("tokenise", lambda who: {"purpose": "ads", "items": [item(subject=who)]}),
    ):
        answers = [call(verb, body(who)) for who in (stranger, {"type": "email", "value": "nobody@example.org"})]
        assert answers[0].content == answers[1].content
        assert answers[0].json() == {"results": [{"status": "not_found"}]}


def test_the_record_stands_before_the_value_and_names_the_form(person: DataSubject, call: Callable[..., Any]) -> None:
    (mine,) = sealed(call, item())
    revealed(call, text_of(mine))
    entry = json.loads(LedgerEntry.objects.filter(type=AuditType.SUBJECT_REVEALED).latest("id").payload)
    assert entry["details"] == {"forms": ["clear"], "labels": [EMAIL], "values": 1}
    assert (entry["purpose"], entry["rules"]) == ("customer_support", ["role:vault_reader"])
    assert entry["subject"].startswith("p:")


def test_without_the_record_nothing_is_answered(
    person: DataSubject, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine,) = sealed(call, item())

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("governance.ledger.append_many", fail)
    answer = call("reveal", {"purpose": "legal_claim", "items": [text_of(mine)]})
    assert answer.status_code == 500
    assert "jane" not in answer.content.decode()


def test_the_policy_chooses_the_mask_and_denies_what_it_does_not_name(
    person: DataSubject, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = {EMAIL: Form.EMAIL, "user.financial": Form.LAST_FOUR}
    monkeypatch.setattr("governance.policy.forms.FORMS", dict(FORMS) | {Role.VAULT_READER: forms})
    labels = [EMAIL, "user.financial.credit_card", "user.health"]
    results = sealed(call, *[item("4111 1111 1111 4711", label=label) for label in labels], item("j@x.example"))
    asked = [text_of(result, label=label) for result, label in zip(results, [*labels, EMAIL], strict=True)]
    assert revealed(call, *asked) == [
        {"status": "masked", "value": "••••", "form": "email"},
        {"status": "masked", "value": "••••4711", "form": "last_four"},
        {"status": "denied"},
        {"status": "masked", "value": "••••@••••.example", "form": "email"},
    ]
    shown = json.loads(LedgerEntry.objects.filter(type=AuditType.SUBJECT_REVEALED).latest("id").payload)
    assert shown["details"]["forms"] == ["email", "last_four"]
    assert LedgerEntry.objects.filter(type=AuditType.ACCESS_DENIED).count() == 1
    tokens = call("tokenise", {"purpose": "ads", "items": [item("j@x.example"), item("ill", label="user.health")]})
    texts = [result["token"] for result in tokens.json()["results"]]
    answer = call("detokenise", {"purpose": "legal_claim", "tokens": texts}).json()["results"]
    assert answer == [{"status": "masked", "value": "••••@••••.example", "form": "email"}, {"status": "denied"}]
    assert revealed(call, asked[2]) == [{"status": "denied"}]


def test_tokens_by_the_door(person: DataSubject, call: Callable[..., Any], other_controller: Controller) -> None:
    def tokens(**more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = call("tokenise", {"purpose": "ads", "items": [item()]} | more).json()["results"]
        return found

    first, again = tokens(deterministic=True), tokens(deterministic=True)
    random, ending = tokens(), tokens(expires_in=3600)
    assert first == again != random
    assert {each["status"] for each in (*first, *random, *ending)} == {"tokenised"}
    texts = [each["token"] for each in (*first, *random, *ending)]
    answer = call("detokenise", {"purpose": "customer_support", "tokens": [*texts, "tok_unknown"]})
    assert answer.json()["results"] == [{"status": "revealed", "value": "jane@work.example"}] * 3 + [
        {"status": "not_found"}
    ]
    foreign = service(other_controller, Role.VAULT_READER, name="foreign")
    answer = Client().post(
        "/v1/vault/detokenise",
        json.dumps({"purpose": "customer_support", "tokens": texts}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {foreign}"},
    )
    assert answer.json()["results"] == [{"status": "not_found"}] * 3
    subjects.erase(person, principal=worker(person.controller_id.hex))
    answer = call("detokenise", {"purpose": "customer_support", "tokens": texts})
    assert answer.json()["results"] == [{"status": "not_found"}] * 3
    assert VaultToken.objects.count() == 0


def test_a_repeated_call_gets_the_same_tokens_and_keeps_none(person: DataSubject, call: Callable[..., Any]) -> None:
    body = {"purpose": "ads", "items": [item("one"), item("one"), item("two")]}
    first, again, other = (
        call("tokenise", body, **{"Idempotency-Key": key}).json()["results"] for key in ("one", "one", "two")
    )
    assert first == again
    texts = [each["token"] for each in (*first, *other)]
    assert len(set(texts)) == 6 == VaultToken.objects.count()  # equal values are not told by equal tokens
    assert LedgerEntry.objects.filter(type=AuditType.VALUE_TOKENISED).count() == 2
    opened = call("detokenise", {"purpose": "legal_claim", "tokens": texts}).json()["results"]
    assert [each["value"] for each in opened] == ["one", "one", "two"] * 2
    for status, answer in IdempotencyRecord.objects.values_list("status", "answer"):
        assert status == 200
        assert set(answer) == {"call"}  # a random id, and nothing of what was answered
    changed = call("tokenise", body | {"purpose": "mail"}, **{"Idempotency-Key": "one"})
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency.mismatch")
    IdempotencyRecord.objects.all().delete()  # as after a day
    later = call("tokenise", {"purpose": "ads", "items": [item("three")]}, **{"Idempotency-Key": "one"}).json()
    (found,) = call("detokenise", {"purpose": "legal_claim", "tokens": [later["results"][0]["token"]]}).json()[
        "results"
    ]
    assert found["value"] == "three"
    IdempotencyRecord.objects.all().delete()
    fresh = call("tokenise", body, **{"Idempotency-Key": "one"}).json()["results"]
    assert {each["token"] for each in fresh}.isdisjoint(texts)  # after a day it is a call of its own, with its own end


def test_a_person_in_grace_or_erased_is_neither_sealed_nor_opened(
    person: DataSubject, call: Callable[..., Any]
) -> None:
    (mine,) = sealed(call, item())
    data_keys.disable(scope_of(person))
    assert sealed(call, item()) == revealed(call, text_of(mine)) == [{"status": "denied"}]
    data_keys.enable(scope_of(person))
    subjects.erase(person, principal=worker(person.controller_id.hex))
    assert sealed(call, item()) == revealed(call, text_of(mine)) == [{"status": "not_found"}]
    again = subjects.register(
        person.controller, [("email", JANE["value"])], principal=operator(person.controller_id.hex)
    )
    assert again.pk != person.pk
    assert revealed(call, text_of(mine)) == [{"status": "invalid"}]  # another key, and no way back to the old one


@pytest.mark.parametrize("purpose", ["letter_delivery", "for Jane Doe", "", None])
def test_why_is_one_of_the_purposes_for_people(person: DataSubject, call: Callable[..., Any], purpose: Any) -> None:
    (mine,) = sealed(call, item())
    before = LedgerEntry.objects.count()
    for verb, body in (("reveal", {"items": [text_of(mine)]}), ("detokenise", {"tokens": ["tok_x"]})):
        answer = call(verb, body | {"purpose": purpose})
        assert answer.status_code == 422
        assert "Jane Doe" not in answer.content.decode()
    assert LedgerEntry.objects.count() == before


def test_nothing_that_is_answered_is_kept(person: DataSubject, call: Callable[..., Any]) -> None:
    (mine,) = sealed(call, item())
    first = call("reveal", {"purpose": "legal_claim", "items": [text_of(mine)]}, **{"Idempotency-Key": "one"})
    assert first.json()["results"][0]["value"] == "jane@work.example"
    assert IdempotencyRecord.objects.count() == 0


def test_the_right_to_put_in_is_not_the_right_to_take_out(
    person: DataSubject, controller: Controller, call: Callable[..., Any]
) -> None:
    (mine,) = sealed(call, item())
    bodies = {
        "seal": {"items": [item()]},
        "tokenise": {"purpose": "ads", "items": [item()]},
        "reveal": {"purpose": "legal_claim", "items": [text_of(mine)]},
        "detokenise": {"purpose": "legal_claim", "tokens": ["tok_x"]},
    }
    allowed = {Role.INTEGRATOR: {"seal", "tokenise"}, Role.VAULT_READER: {"reveal", "detokenise"}}
    for role in (Role.CHECKER, Role.COLLECTOR, Role.INTEGRATOR, Role.VAULT_READER):
        key = service(controller, role, name=f"only-{role}")
        for verb, body in bodies.items():
            answer = Client().post(
                f"/v1/vault/{verb}",
                json.dumps(body),
                content_type="application/json",
                headers={"Authorization": f"Bearer {key}"},
            )
            assert answer.status_code == (200 if verb in allowed.get(role, set()) else 403), (role, verb)
