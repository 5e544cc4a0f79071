"""The doors for choices, purposes and notices: set up and used through HTTP alone; bad input, repeats, isolation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import ConsentEvent
from governance.audit.sequencer import sequence
from governance.crypto.policies import Policy
from governance.crypto.proofs import verify_receipt
from governance.models import DataSubject, IdempotencyRecord, LedgerEntry
from governance.policy import fingerprint
from governance.policy.vocabulary import Role
from tests.consent.conftest import JANE, Caller, House, caller_for, house_of

SECRET = "kanarienvogel@example.org"


def test_everything_can_be_set_up_through_http(house: House) -> None:
    caller = caller_for(house, Role.INTEGRATOR)
    purpose = {"key": "profiling", "name": "Profiling", "lawful_basis": "consent", "channels": ["web"]}
    created = caller.post("/v1/purposes", purpose)
    assert (created.status_code, created.json()["version"]) == (201, 1)
    notice = {"key": "terms", "title": "Terms", "text": "We profile.", "language": "en"}
    assert caller.post("/v1/notices", notice).json()["version"] == 1
    recorded = caller.record(purpose="profiling", notice={"key": "terms", "version": 1}, channel="web")
    assert recorded.status_code == 201
    assert caller.check(purpose="profiling", channel="web")["decision"] == "allow"
    listed = caller.get("/v1/purposes").json()["purposes"]
    assert [row["key"] for row in listed] == ["delivery", "newsletter", "offers", "profiling"]
    assert [row["key"] for row in caller.get("/v1/notices").json()["revisions"]] == ["privacy", "terms"]
    assert caller.post("/v1/purposes", purpose).status_code == 409


def test_events_name_the_decision_behind_them_and_none_where_none_was_made(house: House) -> None:
    """The house itself was set up from the command line, where nobody is asked."""
    types = ["purpose.changed", "notice.published", "consent.recorded"]
    before = set(LedgerEntry.objects.values_list("pk", flat=True))
    caller = caller_for(house, Role.INTEGRATOR)
    caller.post(
        "/v1/purposes", {"key": "profiling", "name": "Profiling", "lawful_basis": "consent", "channels": ["web"]}
    )
    caller.post("/v1/notices", {"key": "terms", "title": "Terms", "text": "We profile.", "language": "en"})
    caller.record(purpose="profiling", notice={"key": "terms", "version": 1}, channel="web")
    decisions: dict[str, set[tuple[str, ...]]] = {"http": set(), "command line": set()}
    for row in LedgerEntry.objects.filter(type__in=types):
        payload = json.loads(row.payload)
        kind = "command line" if row.pk in before else "http"
        decisions[kind].add((payload["type"], *payload["rules"], payload["ruleset"]))
    assert decisions["http"] == {(each, "role:integrator", fingerprint.roles()) for each in types}
    assert {said[1:] for said in decisions["command line"]} == {("",)}


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T00:00:00Z"])
def test_a_moment_outside_the_calendar_is_refused(caller: Caller, at: str) -> None:
    answer = caller.record("withdrawn", occurred_at=at)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/occurred_at")


def test_an_unusable_identifier_is_named_in_its_place(caller: Caller) -> None:
    bad = {"type": "phone", "value": "12"}
    answer = caller.record("withdrawn", identifiers=[bad])
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/identifiers/0/value"]
    assert [error["pointer"] for error in caller.post("/v1/consent/history", {"subject": bad}).json()["errors"]] == [
        "/subject/value"
    ]


def test_evidence_that_cannot_be_sealed_is_named(caller: Caller) -> None:
    answer = caller.record("withdrawn", evidence={"\ud800": "on"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/evidence")


def test_an_idempotency_key_that_did_not_arrive_whole_is_refused(caller: Caller) -> None:
    """Some servers hand on an empty text for what is not ASCII: the call must not run without the key."""
    for key in ("", "   ", "k" * 256, "two words", "schlüssel"):
        answer = caller.record("withdrawn", idempotency_key=key)
        assert answer.status_code == 422, key
    assert not ConsentEvent.objects.exists()


def test_an_unknown_person_is_registered_also_by_a_no(caller: Caller) -> None:
    answer = caller.record("withdrawn", "new@example.org", identifiers=[{"type": "phone", "value": "+49 30 1234567"}])
    assert answer.status_code == 201
    assert answer.json()["effective"] is True
    by_phone = caller.post(
        "/v1/consent/check",
        {"subject": {"type": "phone", "value": "+49301234567"}, "purpose": "newsletter"},
    )
    assert by_phone.json()["reasons"] == ["CONSENT_WITHDRAWN"]


def test_a_consent_without_notice_is_kept_and_does_not_count(caller: Caller) -> None:
    body = {"subject": {"type": "email", "value": JANE}, "purpose": "newsletter", "state": "given"}
    assert caller.post("/v1/consent/events", body).status_code == 201
    assert caller.check()["reasons"] == ["EVIDENCE_MISSING"]


def test_the_history_is_complete_and_looks_the_same_for_strangers(caller: Caller) -> None:
    caller.record(collection_point="shop/sign-up", evidence={"field": SECRET})
    caller.record("withdrawn")
    caller.record("given", purpose="offers")
    ask = {"subject": {"type": "email", "value": JANE}}
    response = caller.post("/v1/consent/history", ask)
    assert "kanarienvogel" not in response.content.decode()
    events = response.json()["events"]
    assert [(each["purpose"], each["state"]) for each in events] == [
        ("offers", "given"),
        ("newsletter", "withdrawn"),
        ("newsletter", "given"),
    ]
    assert events[-1]["notice"] == {"key": "privacy", "version": 1, "language": "en"}
    assert all(each["recorded_at"].endswith("+00:00") for each in events)
    assert len(caller.post("/v1/consent/history", ask | {"purpose": "offers"}).json()["events"]) == 1
    stranger = caller.post("/v1/consent/history", {"subject": {"type": "email", "value": "nobody@example.org"}})
    assert (stranger.status_code, stranger.json()) == (200, {"events": [], "truncated": False})


def test_a_service_sees_and_writes_its_purposes_only(house: House, caller: Caller) -> None:
    caller.record()
    caller.record("given", purpose="offers")
    narrow = caller_for(house, Role.INTEGRATOR, purposes=("offers",), name="narrow")
    events = narrow.post("/v1/consent/history", {"subject": {"type": "email", "value": JANE}}).json()["events"]
    assert [each["purpose"] for each in events] == ["offers"]
    refused = narrow.record("withdrawn")
    assert refused.status_code == 403
    assert caller.check()["decision"] == "allow"
    assert LedgerEntry.objects.filter(type="access.denied").count() == 1


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.CHECKER, "/v1/consent/events", 403),
        (Role.CHECKER, "/v1/consent/history", 403),
        (Role.CHECKER, "/v1/purposes", 403),
        (Role.COLLECTOR, "/v1/consent/events", 422),
        (Role.COLLECTOR, "/v1/consent/history", 403),
        (Role.COLLECTOR, "/v1/notices", 403),
        (Role.INTEGRATOR, "/v1/consent/history", 422),
        (Role.INTEGRATOR, "/v1/notices", 422),
    ],
)
def test_each_door_asks_for_its_action(house: House, role: Role, path: str, status: int) -> None:
    assert caller_for(house, role).post(path, {}).status_code == status


@pytest.mark.parametrize("path", ["/v1/consent/events", "/v1/consent/history", "/v1/purposes", "/v1/notices"])
def test_no_door_opens_without_a_key(house: House, path: str) -> None:
    assert Caller("").post(path, {}).status_code == 401


def test_controllers_are_apart(caller: Caller) -> None:
    caller.record()
    other = caller_for(house_of("umbrella"), Role.INTEGRATOR)
    ask = {"subject": {"type": "email", "value": JANE}}
    assert other.post("/v1/consent/history", ask).json()["events"] == []
    assert other.record("refused").status_code == 201
    assert DataSubject.objects.count() == 2
    assert caller.check()["decision"] == "allow"


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"subject": None}, ["/subject"]),
        ({"subject": {"type": "email", "value": "nobody"}}, None),
        ({"subject": {"type": "fax", "value": SECRET}}, ["/subject/type"]),
        ({"subject": {"type": "email"}}, ["/subject/value"]),
        ({"purpose": "telepathy"}, ["/purpose"]),
        ({"purpose": SECRET}, ["/purpose"]),
        ({"state": "granted"}, ["/state"]),
        ({"state": SECRET, "method": SECRET}, ["/method", "/state"]),
        ({"channel": "pigeon"}, ["/channel"]),
        ({"channel": SECRET}, ["/channel"]),
        ({"notice": {"key": "privacy", "version": 9}}, ["/notice"]),
        ({"notice": {"key": "privacy"}}, ["/notice/version"]),
        ({"notice": "privacy"}, ["/notice"]),
        ({"occurred_at": "2026-01-01T00:00:00"}, ["/occurred_at"]),
        ({"occurred_at": "soon"}, ["/occurred_at"]),
        ({"occurred_at": "2999-01-01T00:00:00+00:00"}, ["/occurred_at"]),
        ({"collection_point": SECRET}, ["/collection_point"]),
        ({"evidence": SECRET}, ["/evidence"]),
        ({"evidence": {str(number): "" for number in range(41)}}, ["/evidence"]),
        ({"consent": True}, ["/consent"]),
    ],
)
def test_bad_events_name_their_fields_and_nothing_is_kept_or_repeated(
    caller: Caller, change: dict[str, Any], pointers: list[str] | None
) -> None:
    response = (
        caller.record(**{"value": JANE} | {k: v for k, v in change.items() if k != "subject"})
        if ("subject" not in change)
        else caller.post("/v1/consent/events", {"purpose": "newsletter", "state": "given"} | change)
    )
    assert response.status_code == 422, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    if pointers is not None:
        assert sorted(error["pointer"] for error in response.json()["errors"]) == pointers
    assert "kanarienvogel" not in response.content.decode()
    assert not ConsentEvent.objects.exists()
    assert not DataSubject.objects.exists()


# --- Idempotency-Key --------------------------------------------------------------------------------------------------


def _with_key(caller: Caller, key: str, state: str = "given") -> Any:
    body = {"subject": {"type": "email", "value": JANE}, "purpose": "newsletter", "state": state}
    return caller.post("/v1/consent/events", body, **{"Idempotency-Key": key})


def test_a_repeated_call_answers_the_same_and_does_nothing(caller: Caller) -> None:
    first, second = _with_key(caller, "k-1"), _with_key(caller, "k-1")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 201
    assert ConsentEvent.objects.count() == 1
    assert _with_key(caller, "k-2").json()["id"] != first.json()["id"]


def test_another_body_under_the_same_key_is_refused(caller: Caller) -> None:
    _with_key(caller, "k-1")
    response = _with_key(caller, "k-1", "withdrawn")
    assert (response.status_code, response.json()["code"]) == (422, "idempotency.mismatch")
    assert caller.check()["reasons"] == ["EVIDENCE_MISSING"]


def test_keys_belong_to_their_service(caller: Caller, house: House) -> None:
    _with_key(caller, "k-1")
    assert _with_key(caller_for(house, Role.COLLECTOR, name="other"), "k-1", "withdrawn").status_code == 201


def test_a_call_whose_process_died_is_finished_by_the_next(caller: Caller) -> None:
    first = _with_key(caller, "k-1")
    IdempotencyRecord.objects.update(status=None, answer=None)
    assert _with_key(caller, "k-1").status_code == 409
    IdempotencyRecord.objects.update(created_at=timezone.now() - timezone.timedelta(minutes=2))
    again = _with_key(caller, "k-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert ConsentEvent.objects.count() == 1


def test_a_failed_call_frees_its_key(caller: Caller) -> None:
    _with_key(caller, "k-1", "withdrawn")
    assert _with_key(caller, "k-2", "revoked").status_code == 409
    assert not IdempotencyRecord.objects.filter(key="k-2").exists()


@pytest.mark.parametrize("key", ["a b", "x" * 256, "ä"])
def test_odd_keys_are_refused(caller: Caller, key: str) -> None:
    assert _with_key(caller, key).status_code == 422


def test_what_is_kept_for_repeats_holds_no_address(caller: Caller) -> None:
    _with_key(caller, "k-1")
    record = IdempotencyRecord.objects.get()
    assert JANE not in f"{record.answer}{record.body_digest}"
    assert set(record.answer) == {
        "id", "subject", "purpose", "channel", "state", "occurred_at", "recorded_at", "expires_at", "effective",
        "receipt",
    }  # fmt: skip


def test_the_receipt_of_a_choice_is_verified_offline(caller: Caller) -> None:
    given = caller.record().json()
    assert caller.get(given["receipt"]).json() == {"id": given["id"], "status": "pending", "receipt": None}
    assert sequence()
    answer = caller.get(given["receipt"]).json()
    keys = Policy.parse(Client().get("/ledger-keys").content.decode())
    proof, head = verify_receipt(answer["receipt"], keys.open)
    said = json.loads(proof.extra or b"")
    assert (said["type"], said["decision"], said["purpose"]) == ("consent.recorded", "given", "newsletter")
    assert 0 <= proof.index < head.size
    for telling in (JANE, given["subject"], given["subject"].replace("-", "")):
        assert telling not in (proof.extra or b"").decode()
    assert caller.get(f"/v1/consent/receipts/{given['subject']}").status_code == 404
