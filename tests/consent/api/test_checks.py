"""The check doors: events → check → withdraw → check over HTTP, the shape of answers, one statement, no echo."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import services
from governance import subjects
from governance.access import service_keys
from governance.catalogue import purposes
from governance.models import DataSubject, LedgerEntry, ServiceKey
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.consent.conftest import JANE, Caller, House, caller_for, house_of

if TYPE_CHECKING:
    from django.http import HttpResponse

KEYS = {"decision", "reasons", "basis", "evidence", "obligations", "valid_until", "ruleset", "token"}
CHECK = {"subject": {"type": "email", "value": JANE}, "purpose": "newsletter", "channel": "email"}


def test_given_withdrawn_and_given_again(caller: Caller) -> None:
    assert caller.check()["reasons"] == ["NO_RECORD"]
    given = caller.record().json()
    answer = caller.check()
    assert (answer["decision"], answer["reasons"], answer["basis"]) == ("allow", ["CONSENT_GIVEN"], "consent")
    assert answer["evidence"] == [given["id"]]
    assert answer["valid_until"] == given["expires_at"]
    assert answer["valid_until"].endswith("+00:00")
    caller.record("withdrawn")
    assert caller.check()["reasons"] == ["CONSENT_WITHDRAWN"]
    assert caller.check(channel="email")["decision"] == "deny"
    caller.record(channel="email")
    assert caller.check(channel="email")["decision"] == "allow"
    assert caller.check(channel="sms")["decision"] == caller.check()["decision"] == "deny"


def test_the_shape_is_the_same_for_known_and_unknown_people(caller: Caller) -> None:
    caller.record()
    caller.record("refused", "refuser@example.org")
    allowed, refused, unknown = caller.check(), caller.check("refuser@example.org"), caller.check("nobody@example.org")
    assert set(allowed) == KEYS
    assert set(refused) == set(unknown) == KEYS | {"nearest_miss"}
    assert {name: type(value) for name, value in refused.items()} == {
        name: type(value) for name, value in unknown.items()
    }
    assert unknown["token"] == caller.check("nobody-else@example.org")["token"] != allowed["token"]


def test_answers_are_never_stored_and_carry_no_session(caller: Caller) -> None:
    response = caller.post("/v1/consent/check", CHECK)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    assert not response.cookies


def test_expiry_is_computed_when_asked(caller: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        caller.record()
        clock.shift(timedelta(days=365) - timedelta(seconds=1))
        assert caller.check()["decision"] == "allow"
        # The key has a life of its own.
        ServiceKey.objects.all().recorded().update(expires_at=timezone.now() + timedelta(days=1))
        clock.shift(timedelta(seconds=1))
        assert (caller.check()["reasons"], caller.check()["obligations"]) == (["CONSENT_EXPIRED"], ["MAY_REASK"])


def test_a_material_revision_ends_older_consents(caller: Caller, house: House) -> None:
    caller.record()
    more = {"key": "privacy", "title": "Privacy", "language": "en", "principal": operator(house.controller.pk.hex)}
    services.publish(house.controller, text="What we do, said better.", **more)
    assert caller.check()["decision"] == "allow"
    services.publish(house.controller, text="We do something else.", material=True, **more)
    assert caller.check()["reasons"] == ["POLICY_VERSION_STALE"]
    caller.record(notice={"key": "privacy", "version": 3})
    assert caller.check()["decision"] == "allow"


def test_fields_narrow_the_answer(caller: Caller) -> None:
    caller.record(purpose="delivery", state="requested")
    answer = caller.check(purpose="delivery", fields=["user.contact.email", "user.health"])
    assert (answer["decision"], answer["fields"]) == ("restricted", ["user.contact.email"])
    assert "SCOPE" in answer["reasons"]


def test_unknown_and_retired_purposes(caller: Caller, house: House) -> None:
    caller.record()
    assert caller.check(purpose="telepathy")["reasons"] == ["PURPOSE_UNKNOWN"]
    assert caller.check()["decision"] == "allow"
    purposes.retire(house.newsletter, principal=operator(house.controller.pk.hex))
    assert caller.check()["reasons"] == ["PURPOSE_UNKNOWN"]


def test_a_change_of_rules_counts_at_the_next_check(caller: Caller, house: House) -> None:
    caller.record()
    before = caller.check()["ruleset"]
    purposes.change(house.newsletter, principal=operator(house.controller.pk.hex), special_category=True)
    after = caller.check()
    assert after["reasons"] == ["EXPLICIT_CONSENT_REQUIRED"]
    assert after["ruleset"] > before


def test_restriction_and_erasure_stop_everything(caller: Caller, house: House) -> None:
    subject = DataSubject.objects.get(pk=caller.record().json()["subject"])
    principal = operator(house.controller.pk.hex)
    subjects.restrict(subject, principal=principal)
    assert caller.check()["reasons"] == ["RESTRICTED"]
    assert caller.check(action="store")["decision"] == "allow"
    caller.record()
    assert caller.check()["decision"] == "allow"
    subjects.erase(subject, principal=principal)
    assert caller.check() == caller.check("nobody@example.org")


def test_another_controllers_people_are_nobody(caller: Caller) -> None:
    caller.record()
    stranger = caller_for(house_of("umbrella"), Role.CHECKER)
    assert stranger.check()["reasons"] == ["NO_RECORD"]


# --- Who may ask ------------------------------------------------------------------------------------------------------


def test_a_service_asks_about_its_purposes_only_and_the_refusal_is_recorded(house: House) -> None:
    narrow = caller_for(house, Role.CHECKER, purposes=("offers",))
    response = narrow.post("/v1/consent/check", CHECK)
    assert response.status_code == 403
    assert response.json()["code"] == "access.denied"
    denied = LedgerEntry.objects.get(type="access.denied")
    assert '"purpose":"newsletter"' in denied.payload
    assert narrow.check(purpose="offers")["decision"] == "deny"


def test_in_a_batch_such_a_question_is_denied_alone(house: House, caller: Caller) -> None:
    caller.record()
    narrow = caller_for(house, Role.CHECKER, purposes=("newsletter",), name="narrow")
    checks = [CHECK | {"purpose": purpose} for purpose in ("newsletter", "offers", "delivery")]
    results = narrow.post("/v1/consent/check/batch", {"checks": checks}).json()["results"]
    assert [result["reasons"][0] for result in results] == ["CONSENT_GIVEN", *["CLIENT_NOT_AUTHORISED"] * 2]
    assert LedgerEntry.objects.filter(type="access.denied").count() == 1


@pytest.mark.parametrize("key", ["", "nonsense", "cxg_0000000000000000_" + "x" * 43])
def test_without_a_valid_key_nothing_is_answered(house: House, key: str) -> None:
    for path, body in (("check", CHECK), ("check/batch", {"checks": [CHECK]})):
        response = Caller(key).post(f"/v1/consent/{path}", body)
        assert (response.status_code, response.json()["code"]) == (401, "auth.required")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_at_the_next_check(caller: Caller, house: House) -> None:
    assert caller.check()
    service_keys.revoke(ServiceKey.objects.get(), principal=operator(house.controller.pk.hex))
    assert caller.post("/v1/consent/check", CHECK).status_code == 401


# --- One statement ----------------------------------------------------------------------------------------------------


def test_a_warm_check_costs_one_statement(caller: Caller) -> None:
    caller.record()
    caller.check()
    for value in (JANE, "nobody@example.org"):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            caller.check(value, channel="email")
        assert len(statements) == 1
    body = {"checks": [CHECK]}
    caller.post("/v1/consent/check/batch", body)
    with CaptureQueriesContext(connection) as statements:
        caller.post("/v1/consent/check/batch", body)
    assert len(statements) == 1


def test_a_batch_of_a_thousand_costs_the_same_and_equals_its_singles(caller: Caller) -> None:
    for number in range(0, 30, 3):
        caller.record(value=f"p{number}@example.org")
        caller.record("withdrawn", value=f"p{number + 1}@example.org", purpose="offers")
    questions = [
        {
            "subject": {"type": "email", "value": f"p{number % 40}@example.org"},
            "purpose": ("newsletter", "offers", "delivery", "unknown")[number % 4],
        }
        | ({"channel": "email"} if number % 3 else {})
        for number in range(1000)
    ]
    caller.check()
    with CaptureQueriesContext(connection) as statements:
        response = caller.post("/v1/consent/check/batch", {"checks": questions})
    assert response.status_code == 200
    assert len(statements) == 1
    results = response.json()["results"]
    assert len(results) == 1000
    for number in (*range(120), 999):
        question = questions[number]
        assert results[number] == caller.post("/v1/consent/check", question).json()


# --- As of an earlier moment ------------------------------------------------------------------------------------------


def test_a_check_as_of_an_earlier_moment_is_what_was_answered_then(caller: Caller) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=10), tick=False) as clock:
        moments, answers = [], []

        def note() -> None:
            clock.shift(timedelta(minutes=10))
            moments.append(timezone.now().isoformat())
            answers.append(caller.check(channel="email"))
            clock.shift(timedelta(minutes=10))

        note()
        for state in ("given", "withdrawn", "refused", "given", "objected", "requested"):
            caller.record(state)
            note()
            if state == "withdrawn":
                caller.record("given", channel="email")
                note()
        late = timezone.now() - timedelta(hours=3)
        caller.record("refused", occurred_at=late.isoformat(), channel="sms")
        note()
    ServiceKey.objects.all().recorded().update(expires_at=timezone.now() + timedelta(days=1))
    assert len({answer["token"] for answer in answers}) >= 5
    for moment, answer in zip(moments, answers, strict=True):
        assert caller.check(channel="email", as_of=moment) == answer


def test_what_was_recorded_later_is_not_known_earlier(caller: Caller) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=1), tick=False) as clock:
        caller.record()
        clock.shift(timedelta(hours=2))
        moment = timezone.now()
        clock.shift(timedelta(hours=1))
        caller.record("withdrawn", occurred_at=(moment - timedelta(minutes=30)).isoformat())
        assert caller.check()["decision"] == "deny"
        assert caller.check(as_of=moment.isoformat())["decision"] == "allow"


# --- Bad input --------------------------------------------------------------------------------------------------------

SECRET = "kanarienvogel@example.org"


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"subject": None}, ["/subject"]),
        ({"subject": SECRET}, ["/subject"]),
        ({"subject": {"type": "email"}}, ["/subject"]),
        ({"subject": {"type": "email", "value": SECRET, "x": 1}}, ["/subject"]),
        ({"subject": {"type": SECRET, "value": SECRET}}, ["/subject/type"]),
        ({"subject": {"type": ["email"], "value": SECRET}}, ["/subject/type"]),
        ({"subject": {"type": "email", "value": ""}}, ["/subject/value"]),
        ({"subject": {"type": "email", "value": 7}}, ["/subject/value"]),
        ({"subject": {"type": "email", "value": "\x00" + SECRET}}, ["/subject/value"]),
        ({"subject": {"type": "email", "value": SECRET * 20}}, ["/subject/value"]),
        ({"subject": {"type": "phone", "value": SECRET}}, ["/subject/value"]),
        ({"purpose": None}, ["/purpose"]),
        ({"purpose": ""}, ["/purpose"]),
        ({"purpose": SECRET}, ["/purpose"]),
        ({"purpose": ["newsletter"]}, ["/purpose"]),
        ({"channel": None}, ["/channel"]),
        ({"channel": "E-Mail"}, ["/channel"]),
        ({"action": "dance"}, ["/action"]),
        ({"action": {}}, ["/action"]),
        ({"message_class": 1}, ["/message_class"]),
        ({"fields": "user"}, ["/fields"]),
        ({"fields": ["user", SECRET]}, ["/fields/1"]),
        ({"fields": ["user"] * 65}, ["/fields"]),
        ({"signals": {"gpc": True}}, ["/signals"]),
        ({"as_of": "yesterday"}, ["/as_of"]),
        ({"as_of": "2026-01-01T00:00:00"}, ["/as_of"]),
        ({"as_of": "2999-01-01T00:00:00+00:00"}, ["/as_of"]),
        ({"as_of": "0001-01-01T00:00:00+23:59"}, ["/as_of"]),
        ({"as_of": 1}, ["/as_of"]),
        ({"subjekt": 1}, ["/subjekt"]),
        ({"a/b~c": SECRET}, ["/a~1b~0c"]),
        ({"subject": 1, "purpose": 1, "chanel": 1}, ["/chanel", "/purpose", "/subject"]),
    ],
)
def test_every_complaint_names_its_field_and_nothing_is_repeated(
    caller: Caller, change: dict[str, Any], pointers: list[str]
) -> None:
    single = caller.post("/v1/consent/check", CHECK | change)
    batch = caller.post("/v1/consent/check/batch", {"checks": [CHECK, CHECK | change, CHECK]})
    for response, prefix in ((single, ""), (batch, "/checks/1")):
        assert _pointers(response) == sorted(prefix + pointer for pointer in pointers)
        assert "kanarienvogel" not in response.content.decode()
        assert all(error["detail"] for error in response.json()["errors"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b" ", 400),
        (b"1" * 5000, 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"purpose": "a", "purpose": "b"}', 400),
        (b'{"purpose": NaN}', 400),
        (b"[" * 10_000, 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b" " * 1_100_000, 413),
        (b"1" * 10_000_000, 413),
    ],
)
@pytest.mark.parametrize("path", ["/v1/consent/check", "/v1/consent/check/batch"])
def test_bodies_that_are_no_question(caller: Caller, path: str, body: bytes, status: int) -> None:
    response = caller.post(path, body)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["title"]


@pytest.mark.parametrize(
    "document",
    [{}, {"checks": []}, {"checks": {}}, {"checks": [CHECK] * 1001}, {"checks": [CHECK], "more": 1}, {"checks": [1]}],
)
def test_batches_that_cannot_be_read(caller: Caller, document: dict[str, Any]) -> None:
    response = caller.post("/v1/consent/check/batch", document)
    assert response.status_code == 422
    assert response.json()["errors"]


def test_methods_and_media_types(caller: Caller) -> None:
    header = {"Authorization": f"Bearer {caller.key}"}
    response = Client().get("/v1/consent/check", headers=header)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    response = Client().post("/v1/consent/check", json.dumps(CHECK), content_type="text/plain", headers=header)
    assert response.status_code == 415


def _pointers(response: HttpResponse) -> list[str]:
    assert response.status_code == 422, response.content
    return sorted(error["pointer"] for error in response.json()["errors"])


def test_a_batch_replays_only_a_few_earlier_moments(caller: Caller) -> None:
    replayed = CHECK | {"as_of": "2026-01-01T00:00:00+00:00"}
    few = caller.post("/v1/consent/check/batch", {"checks": [replayed] * 10 + [CHECK] * 20})
    many = caller.post("/v1/consent/check/batch", {"checks": [CHECK] + [replayed] * 11})
    assert few.status_code == 200
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/checks/11/as_of")


def test_a_withdrawal_from_a_clock_that_runs_behind_stops_every_channel(caller: Caller) -> None:
    now = timezone.now()
    caller.record(channel="email", occurred_at=(now - timedelta(minutes=1)).isoformat())
    assert caller.check(channel="email")["decision"] == "allow"
    answer = caller.record("withdrawn", occurred_at=(now - timedelta(minutes=2)).isoformat())
    assert answer.json()["effective"] is True
    assert caller.check(channel="email")["reasons"] == ["CONSENT_WITHDRAWN"]
