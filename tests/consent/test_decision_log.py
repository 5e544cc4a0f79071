"""Plain checks are counted and sampled away from the door, in a bounded ring; a sample replays to the same answer."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from governance import subjects
from governance.access import decision_log, rulesets
from governance.access.replaying import replay
from governance.catalogue import purposes
from governance.errors import KeyUnavailable
from governance.models import DecisionCount, DecisionSample, LedgerEntry, Purpose, RulesetRecord
from governance.policy.principal import operator
from tests.consent.conftest import JANE, Caller, House
from tests.flows.installation import Installation
from tests.flows.service import Service
from tests.superuser import lifted

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries
    from pytest_django.fixtures import SettingsWrapper

    from governance.models import DataSubject


@pytest.fixture(autouse=True)
def _every_decision(settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_DECISION_SAMPLE = 1


def samples() -> list[DecisionSample]:
    decision_log.flush()
    return list(DecisionSample.objects.select_related("ruleset").order_by("pk"))


def everything() -> str:
    rows: list[Any] = [*DecisionSample.objects.values(), *DecisionCount.objects.values()]
    return str(rows)


def test_counting_costs_a_check_no_statement_and_no_ledger_row(
    caller: Caller, jane: DataSubject, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller.record("given")
    caller.check()
    before = LedgerEntry.objects.count()
    with django_assert_num_queries(1):
        caller.check()
    with django_assert_num_queries(1):
        caller.post("/v1/consent/check/batch", {"checks": [question() for _ in range(40)]})
    assert LedgerEntry.objects.count() == before
    assert not DecisionCount.objects.exists()
    assert decision_log.flush() == 42
    (row,) = DecisionCount.objects.all()
    assert (row.purpose, row.outcome, row.count, row.day) == ("newsletter", "allow", 42, timezone.now().date())


def question(**more: Any) -> dict[str, Any]:
    return {"subject": {"type": "email", "value": JANE}, "purpose": "newsletter"} | more


def test_counts_of_several_writings_add_up(caller: Caller, house: House, jane: DataSubject) -> None:
    for _ in range(3):
        caller.check()
        caller.check(purpose="delivery")
        decision_log.flush()
    caller.check(purpose="none_of_ours")
    decision_log.flush()
    found = {(row.purpose, row.outcome): row.count for row in DecisionCount.objects.all()}
    assert found == {("newsletter", "deny"): 3, ("delivery", "allow"): 3, ("", "deny"): 1}
    assert decision_log.flush() == 0


def test_one_in_so_many_is_kept(caller: Caller, jane: DataSubject, settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_DECISION_SAMPLE = 10
    caller.post("/v1/consent/check/batch", {"checks": [question() for _ in range(100)]})
    assert len(samples()) == 10
    assert DecisionCount.objects.get().count == 100


def test_a_sample_replays_after_everything_has_changed(caller: Caller, house: House, jane: DataSubject) -> None:
    caller.record("given")
    asked = [{}, {"channel": "email"}, {"purpose": "delivery", "fields": ["user.contact"]}, {"purpose": "offers"}]
    for more in asked:
        caller.check(**more)
    caller.check(value="stranger@example.org")
    kept = samples()
    assert [row.outcome for row in kept] == ["allow", "allow", "allow", "allow", "deny"]
    # The person withdraws and is restricted, the purpose changes its basis and another is retired.
    caller.record("withdrawn")
    subjects.restrict(jane, principal=operator(house.controller.pk.hex))
    newsletter, delivery = (Purpose.objects.get(key=key) for key in ("newsletter", "delivery"))
    purposes.change(newsletter, principal=operator(house.controller.pk.hex), lawful_basis="contract", channels=["post"])
    purposes.retire(delivery, principal=operator(house.controller.pk.hex))
    assert caller.check()["decision"] == "deny"
    again = [replay(row) for row in kept]
    assert [each.is_same for each in again] == [True] * 5
    assert [each.decision.outcome.value for each in again] == [row.outcome for row in kept]
    told = StringIO()
    call_command("replay_decisions", stdout=told)
    assert "5 decisions replayed, 0 different" in told.getvalue()


def test_a_history_that_was_changed_replays_differently(caller: Caller, jane: DataSubject) -> None:
    caller.record("given")
    caller.check()
    (kept,) = samples()
    assert replay(kept).is_same
    with connection.cursor() as cursor, lifted(connection):
        cursor.execute("UPDATE consent_consentevent SET state = 'refused'")
    different = replay(kept)
    assert (different.is_same, different.decision.reasons) == (False, ("CONSENT_REFUSED",))
    with pytest.raises(SystemExit) as ended:
        call_command("replay_decisions", stdout=StringIO())
    assert ended.value.code == 1


def test_a_tampered_sample_replays_differently(caller: Caller, jane: DataSubject) -> None:
    caller.record("given")
    caller.check()
    (kept,) = samples()
    kept.question["purpose"] = "offers"
    assert not replay(kept).is_same


@pytest.mark.parametrize(
    "more",
    [
        {"purpose": "jane_doe"},
        {"channel": "jane_doe"},
        {"fields": ["jane_doe"]},
        {"signals": ["jane_doe"]},
        {"as_of": "2026-01-01T00:00:00+00:00"},
    ],
)
def test_what_a_caller_typed_freely_is_counted_and_not_kept(
    caller: Caller, jane: DataSubject, more: dict[str, Any]
) -> None:
    caller.check(**more)
    caller.check()
    assert len(samples()) == 1
    assert sum(DecisionCount.objects.values_list("count", flat=True)) == 2
    for mark in ("jane_doe", "jane.doe", JANE):
        assert mark not in everything()


def test_the_digest_names_the_question(caller: Caller, jane: DataSubject) -> None:
    for more in ({}, {"value": "JANE.doe@Example.org"}, {"value": "other@example.org"}, {"channel": "sms"}):
        caller.check(**more)
    same, spelled, other, channel = (row.question_digest for row in samples())
    assert same == spelled
    assert len({same, other, channel}) == 3


def test_the_ring_ends_by_rows_and_by_days(caller: Caller, jane: DataSubject, settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_DECISION_LOG_ROWS, settings.GOVERNANCE_DECISION_LOG_DAYS = 5, 10
    caller.post("/v1/consent/check/batch", {"checks": [question() for _ in range(12)]})
    kept = samples()
    assert decision_log.trim() == 7
    assert [row.pk for row in samples()] == [row.pk for row in kept[-5:]]
    assert decision_log.trim() == 0
    then = timezone.now() - timedelta(days=11)
    DecisionSample.objects.filter(pk__in=[row.pk for row in kept[-2:]]).update(decided_at=then)
    RulesetRecord.objects.update(created_at=then)
    assert decision_log.trim() == 2
    assert RulesetRecord.objects.count() == 1
    DecisionSample.objects.update(decided_at=then)
    decision_log.trim()
    assert not RulesetRecord.objects.exists()


def test_erasing_a_person_takes_their_samples_and_no_others(caller: Caller, house: House, jane: DataSubject) -> None:
    caller.check()
    caller.check(value="stranger@example.org")
    assert len(samples()) == 2
    subjects.erase(jane, principal=operator(house.controller.pk.hex))
    (left,) = DecisionSample.objects.all()
    assert left.subject_id is None


def test_what_cannot_be_written_is_written_the_next_time(caller: Caller, jane: DataSubject) -> None:
    caller.check()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE governance_decisionsample RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        decision_log.flush()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO governance_decisionsample")
    assert decision_log.flush() == 1
    assert DecisionCount.objects.get().count == 1


def test_rules_are_kept_once_for_each_content(caller: Caller, house: House, jane: DataSubject) -> None:
    caller.check()
    caller.check()
    samples()
    purposes.change(house.newsletter, principal=operator(house.controller.pk.hex), validity_days=7)
    caller.check()
    first, second, third = samples()
    assert first.ruleset_id == second.ruleset_id != third.ruleset_id
    assert third.ruleset.fingerprint == rulesets.cached(house.controller.pk).fingerprint


@pytest.mark.flow
@pytest.mark.parametrize("end", ["terminated", "killed"])
def test_a_server_writes_what_it_counted_when_it_ends(tmp_path: Path, end: str) -> None:
    installation = Installation(tmp_path, f"sqlite:///{tmp_path}/governance.sqlite3")
    installation.environment |= {"GOVERNANCE_DECISION_FLUSH_SECONDS": "3600", "GOVERNANCE_DECISION_SAMPLE": "1"}
    try:
        installation.manage("create_controller", "acme", "--name", "Acme")
        key = installation.manage("create_service", "shop", "--controller", "acme", "--role", "checker").split()[-1]
        service = Service(installation.web(), key)
        for _ in range(7):
            service.post("/v1/consent/check", question())
        if end == "killed":
            installation.environment["GOVERNANCE_DECISION_FLUSH_SECONDS"] = "0.2"
            service = Service(installation.web(), key)
            service.post("/v1/consent/check", question())
            deadline = time.monotonic() + 20
            while counted(tmp_path) != 1:
                assert time.monotonic() < deadline, "the thread writes by itself"
                time.sleep(0.1)
            # The first server dies with what it had not written; what was written stays.
            _kill_tree(installation.processes[0].pid)
        installation.stop()
        assert counted(tmp_path) == (7 if end == "terminated" else 1)
    finally:
        installation.close()


def counted(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "governance.sqlite3")) as database:
        return int(database.execute("SELECT coalesce(sum(count), 0) FROM governance_decisioncount").fetchone()[0])


def _kill_tree(pid: int) -> None:
    """End a server's main process and its workers the hard way; they are this test's own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)


def test_somebody_erased_between_question_and_writing_is_in_no_sample(
    caller: Caller, house: House, jane: DataSubject
) -> None:
    caller.check()
    subjects.erase(jane, principal=operator(house.controller.pk.hex))
    assert decision_log.flush() == 0
    assert DecisionCount.objects.get().count == 1


def test_whatever_stops_a_writing_loses_no_count(
    caller: Caller, jane: DataSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_given: object) -> bytes:
        raise KeyUnavailable

    caller.check()
    with monkeypatch.context() as patch:
        patch.setattr(decision_log.index_keys, "digest", unavailable)
        patch.setattr(decision_log.connections, "close_all", lambda: None)  # this thread's is the test's own
        decision_log._last()  # noqa: SLF001  # what the thread runs: it must go on
        assert not DecisionCount.objects.exists()
    assert decision_log.flush() == 1
    assert DecisionCount.objects.get().count == 1
