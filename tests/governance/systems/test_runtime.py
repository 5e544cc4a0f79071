"""The queue of steps: claims, fences, retries, lanes and kills; real databases, and workers that really die."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from governance.errors import SystemUnavailable
from governance.models import LedgerEntry, SystemStep
from governance.policy.principal import operator
from governance.systems import addresses, registering, runtime, working
from tests.dsar.conftest import ANN, House, approve, ask, fresh, planned, prove, work
from tests.dsar.conftest import ann as ann  # noqa: PLC0414  # pytest finds fixtures by their names here
from tests.dsar.conftest import house as house  # noqa: PLC0414

if TYPE_CHECKING:
    from pathlib import Path

    from dsar.models import SubjectRequest
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


@pytest.fixture
def located(house: House, ann: DataSubject) -> SubjectRequest:
    """A verified request whose locate steps are queued and not begun."""
    request = prove(ask(house, "erasure"))
    services.advance()
    return fresh(request)


def states(request: SubjectRequest, kind: str) -> list[str]:
    return [step.state for step in runtime.steps_of(request.pk, kind)]


def test_steps_are_worked_on_in_order_within_a_lane(located: SubjectRequest) -> None:
    assert states(located, "locate") == ["pending"] * 4
    assert runtime.run_due() == 4
    assert states(located, "locate") == ["done"] * 4
    assert runtime.run_due() == 0


def test_a_claim_keeps_others_away_until_the_lease_runs_out(located: SubjectRequest) -> None:
    first = runtime.claim()
    assert first is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "_work", lambda step: pytest.fail(f"step {step.pk}") if step.pk == first.pk else None)
        runtime.run_due(limit=1)
    with time_machine.travel(timezone.now() + runtime.lease() + timedelta(seconds=1)):
        again = runtime.claim()
    assert again is not None
    assert (again.pk, again.fence, again.attempts) == (first.pk, first.fence + 1, 2)


def test_a_long_search_keeps_its_claim(located: SubjectRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_RENEW_PART", float("inf"))  # always time to renew
    renewed: list[str] = []
    monkeypatch.setattr(runtime, "renew", lambda step: renewed.append(step.collection))
    runtime.run_due()
    assert set(renewed) == {"clerk", "customer", "invoice", "subscriber"}
    assert renewed.count("customer") > 1


def test_a_search_whose_claim_is_lost_stops_there(located: SubjectRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_step: SystemStep) -> None:
        raise runtime.LeaseLost

    monkeypatch.setattr(working, "_RENEW_PART", float("inf"))
    monkeypatch.setattr(runtime, "renew", lost)
    runtime.run_due(limit=1)
    assert states(located, "locate").count("claimed") == 1
    assert "done" not in states(located, "locate")


def test_a_plan_is_carried_out_where_it_was_searched_only(house: House, ann: DataSubject, tmp_path: Path) -> None:
    """Customer 1 of another database is another person."""
    request = planned(house, "erasure")
    approve(house, request)
    copy = tmp_path / "other.sqlite3"
    copy.write_bytes(house.store.read_bytes())
    registering.register(
        house.controller, "store", "Store", f"sqlite:///{copy}", principal=operator(house.controller.pk.hex)
    )
    work()
    assert house.rows(copy, "customer")[0][1] == ANN
    assert house.rows(house.store, "customer")[0][1] == ANN
    ends = {step.dataset: (step.state, step.error) for step in runtime.steps_of(request.pk, "erase")}
    assert ends == {"store": ("failed", "system.refused"), "news": ("done", "")}


def test_a_new_password_is_no_new_place() -> None:
    old = addresses.place("postgresql://app:one@db.example/shop")
    assert addresses.place("postgresql://app:two@db.example/shop") == old
    assert addresses.place("postgresql://app:one@db.example/shop2") != old
    assert addresses.place("postgresql://app:one@db2.example/shop") != old


def test_a_worker_that_lost_its_lease_records_nothing(located: SubjectRequest) -> None:
    slow = runtime.claim()
    assert slow is not None
    with time_machine.travel(timezone.now() + runtime.lease() + timedelta(seconds=1)):
        assert runtime.run_due() == 4  # its successor does the step, and the rest
        done = SystemStep.objects.get(pk=slow.pk)
        with pytest.raises(runtime.LeaseLost):
            runtime.renew(slow)
        with pytest.raises(runtime.LeaseLost):
            runtime.record(slow, result=None, error="step.broke", is_final=True)
    after = SystemStep.objects.get(pk=slow.pk)
    assert (after.state, after.fence, after.error) == ("done", done.fence, "")


@pytest.mark.parametrize("moment", ["never", "before_work", "after_work", "before_record"])
def test_a_kill_at_any_point_loses_nothing_and_does_nothing_twice(
    house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    killed = {"left": 0 if moment == "never" else 3}
    original_work, original_record = working.carry_out, runtime.record

    def dying_work(step: SystemStep, renew: object) -> object:
        if moment == "before_work":
            _die(killed)
        result = original_work(step, renew)  # type: ignore[arg-type]  # the hook's own shape
        if moment == "after_work":
            _die(killed)
        return result

    def dying_record(step: SystemStep, **parts: object) -> None:
        if moment == "before_record":
            _die(killed)
        original_record(step, **parts)  # type: ignore[arg-type]

    monkeypatch.setattr(working, "carry_out", dying_work)
    monkeypatch.setattr(runtime, "record", dying_record)
    moved = timezone.now()
    for _ in range(8):
        with time_machine.travel(moved):
            try:
                work()
            except Killed:
                moved += runtime.lease() + timedelta(seconds=1)
    assert killed["left"] == 0
    assert fresh(request).status == "reviewing"
    assert house.rows(house.store, "customer")[0][1] is None
    assert house.rows(house.news, "subscriber") == [("bob.canary@example.org", "dogs")]
    ends = {(row.collection, row.field, row.outcome, row.rows) for row in request.outcomes.all()}
    assert ends == {
        ("clerk", "email", "not_found", 0),
        ("clerk", "name", "not_found", 0),
        ("customer", "email", "erased", 1),
        ("customer", "name", "erased", 1),
        ("customer", "password", "erased", 1),
        ("invoice", "bill_to", "erased", 1),
        ("invoice", "bill_to", "retained", 1),
        ("invoice", "note", "erased", 2),
        ("subscriber", "email", "erased", 1),
        ("subscriber", "topics", "erased", 1),
    }
    finished = LedgerEntry.objects.filter(type="step.finished", payload__contains='"kind":"erase"').count()
    assert finished == len(runtime.steps_of(request.pk, "erase"))


def _die(killed: dict[str, int]) -> None:
    if killed["left"]:
        killed["left"] -= 1
        raise Killed


def test_a_system_that_is_down_is_tried_later_and_stops_nobody_else(located: SubjectRequest, house: House) -> None:
    away = house.store.rename(house.store.with_suffix(".away"))
    runtime.run_due()
    by_dataset = {(step.dataset, step.collection): step for step in runtime.steps_of(located.pk, "locate")}
    assert by_dataset["news", "subscriber"].state == "done"
    waiting = by_dataset["store", "clerk"]
    assert (waiting.state, waiting.error, waiting.attempts) == ("pending", "system.unavailable", 1)
    assert waiting.due_at > timezone.now()
    assert runtime.run_due() == 0
    away.rename(house.store)
    with time_machine.travel(waiting.due_at + timedelta(seconds=1)):
        runtime.run_due()
    assert states(located, "locate") == ["done"] * 4


def test_after_eight_attempts_a_step_has_failed_and_what_hangs_on_it_too(
    located: SubjectRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = working.carry_out

    def broken(step: SystemStep, renew: object) -> object:
        if step.collection == "customer":
            raise SystemUnavailable
        return real(step, renew)  # type: ignore[arg-type]

    monkeypatch.setattr(working, "carry_out", broken)
    moved = timezone.now()
    for _ in range(12):
        with time_machine.travel(moved):
            runtime.run_due()
        moved += timedelta(hours=2)
    steps = {step.collection: step for step in runtime.steps_of(located.pk, "locate")}
    assert (steps["customer"].state, steps["customer"].attempts) == ("failed", runtime.ATTEMPTS)
    assert (steps["invoice"].state, steps["invoice"].error) == ("failed", "step.source_failed")
    assert steps["subscriber"].state == "done"
    assert runtime.retry(located.pk) == 2


def test_a_step_that_kills_every_worker_is_given_up(located: SubjectRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def deadly(_step: SystemStep, _renew: object) -> None:
        raise Killed

    monkeypatch.setattr(working, "carry_out", deadly)
    moved = timezone.now()
    for _ in range(4 * (runtime.ATTEMPTS + 2)):
        with time_machine.travel(moved), suppress(Killed):
            runtime.run_due()
        moved += runtime.lease() + timedelta(seconds=1)
    assert {(step.state, step.error) for step in runtime.steps_of(located.pk, "locate")} == {
        ("failed", "step.abandoned")
    }


def test_a_read_only_system_refuses_at_once_and_keeps_its_rows(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    house.store.chmod(0o400)
    with closing(sqlite3.connect(house.store)) as connection:
        connection.execute("CREATE TRIGGER no BEFORE UPDATE ON customer BEGIN SELECT RAISE(ABORT, 'read-only'); END")
        connection.commit()
    work()
    steps = {step.collection: step for step in runtime.steps_of(request.pk, "erase")}
    assert (steps["customer"].state, steps["customer"].error) == ("failed", "system.refused")
    assert steps["subscriber"].state == "done"
    assert house.rows(house.store, "customer")[0][1] == ANN
    assert fresh(request).status == "reviewing"
    assert request.outcomes.filter(outcome="failed", reason="system.refused").exists()


def test_a_missing_table_fails_that_step_only(located: SubjectRequest, house: House) -> None:
    with closing(sqlite3.connect(house.store)) as connection:
        connection.execute("DROP TABLE invoice")
        connection.commit()
    runtime.run_due()
    steps = {step.collection: (step.state, step.error) for step in runtime.steps_of(located.pk, "locate")}
    assert steps["invoice"] == ("failed", "system.refused")
    assert steps["customer"] == ("done", "")


def test_opening_a_job_twice_queues_each_step_once(located: SubjectRequest) -> None:
    before = SystemStep.objects.filter(job=located.pk).count()
    step = runtime.steps_of(located.pk, "locate")[0]
    order = runtime.StepOrder(
        system=step.system, kind="locate", at=working.CollectionRef(step.dataset, step.collection), lane=0
    )
    assert runtime.open_job(located.pk, located.controller, [order]) == 0
    assert SystemStep.objects.filter(job=located.pk).count() == before


def test_masks_are_the_same_when_a_step_is_repeated(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    runtime.run_due()
    once = house.rows(house.store, "customer")
    SystemStep.objects.filter(job=request.pk, kind="erase").update(state="pending", attempts=0)
    runtime.run_due()
    assert house.rows(house.store, "customer") == once
    assert states(request, "erase") == ["done"] * len(states(request, "erase"))
