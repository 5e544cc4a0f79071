"""One id a request, made here: what callers send never gets into the ledger, its diary or the logs."""

from __future__ import annotations

import json
import os
import threading

import pytest
from django.test import Client

from governance import correlation
from governance.models import ChangeLogEntry, Controller, LedgerEntry, StaffUser
from governance.policy.vocabulary import Role
from tests.governance.conftest import service, signed_in

SPOOFED = {
    "X-Request-ID": "zebra-0000-1111",
    "X-Correlation-ID": "zebra-2222-3333",
    "X-Forwarded-For": "203.0.113.77",
    "X-Real-IP": "203.0.113.77",
    "Forwarded": "for=203.0.113.77",
    "User-Agent": "zebra-agent/1.0",
}


def correlations() -> list[str]:
    return [json.loads(row.payload)["correlation"] for row in LedgerEntry.objects.order_by("recorded_at", "id")]


@pytest.mark.django_db(transaction=True)
def test_headers_of_a_caller_enter_neither_ledger_nor_diary_nor_logs(
    controller: Controller, caplog: pytest.LogCaptureFixture
) -> None:
    key = service(controller, Role.CHECKER)
    for path in ("/v1/subjects/lookup", "/v1/consent/check"):
        body = {"type": "email", "value": "a@b.example"}
        if path.endswith("check"):
            body = {"subject": body, "purpose": "none"}
        answer = Client().post(
            path, body, content_type="application/json", headers=SPOOFED | {"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code in {200, 403}
    assert LedgerEntry.objects.filter(type="access.denied").count() == 1
    kept = "\n".join(
        [*LedgerEntry.objects.values_list("payload", flat=True), *map(str, ChangeLogEntry.objects.values())]
    )
    for mark in ("zebra", "203.0.113"):
        assert mark not in kept + caplog.text + str([record.__dict__ for record in caplog.records])


@pytest.mark.django_db(transaction=True)
def test_events_of_one_request_share_an_id_and_two_requests_do_not(controller: Controller, officer: StaffUser) -> None:
    client = signed_in(officer)
    before = LedgerEntry.objects.count()
    for _ in range(2):
        client.get("/console/ledger/", headers=SPOOFED)
        client.post("/accounts/login/", {"login": "nobody@x.example", "password": "wrong"}, headers=SPOOFED)
        Client().post("/accounts/login/", {"login": "nobody@x.example", "password": "wrong"}, headers=SPOOFED)
    found = correlations()[before:]
    assert len(found) == len(set(found)) >= 2
    assert all(each.startswith("http:") and len(each) == 37 for each in found)


def test_a_piece_of_work_has_one_id_and_gives_it_back() -> None:
    outside = correlation.current()
    assert outside.startswith("command:")
    with correlation.begin(correlation.HTTP) as one:
        assert correlation.current() == one
        with correlation.begin(correlation.TASK) as inner:
            assert correlation.current() == inner != one
        assert correlation.current() == one
    assert correlation.current() == outside


def test_threads_do_not_share_an_id() -> None:
    seen: list[str] = []

    def work() -> None:
        with correlation.begin(correlation.HTTP):
            seen.append(correlation.current())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 8


def test_a_forked_process_has_an_id_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, correlation.current().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() not in {correlation.current(), ""}
