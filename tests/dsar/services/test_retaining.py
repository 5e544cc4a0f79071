"""The end of retention, with time frozen, on SQLite and PostgreSQL as connected systems: each record on its date."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import structlog
import time_machine
from django.utils import timezone

from dsar import services
from dsar.selectors import lasting
from dsar.services import retaining
from dsar.services.wording import told
from governance.catalogue import datasets
from governance.models import DataKey, LedgerEntry, SystemStep
from governance.policy.principal import operator
from governance.systems import later, registering
from tests.databases import database, dump, run, server_of
from tests.dsar.conftest import STORE, STORE_MAP, House, approve, fresh, planned, work
from tests.governance.conftest import signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dsar.models import SubjectRequest
    from governance.models import DataSubject

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
#: Ten years after each of the two invoices that the rule still keeps at the start.
FIRST, SECOND = datetime(2030, 6, 1, tzinfo=UTC), datetime(2036, 1, 5, tzinfo=UTC)
MORE = "INSERT INTO invoice VALUES (4, 1, 'Ann Canary', '2020-06-01', 'old');"
ADDRESSED_MAP = (
    STORE_MAP.replace(
        "          - {name: note,",
        """          - name: address_id
            data_categories: [system.operations]
            fides_meta: {references: [{dataset: store, field: address.id, direction: to}]}
          - {name: note,""",
    )
    .replace("fields: [invoice.bill_to]", "fields: [invoice.bill_to, invoice.address_id]")
    .replace(
        "      - name: clerk\n",
        """      - name: address
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: street, data_categories: [user.contact.address.street]}
      - name: clerk
""",
    )
)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(START, tick=False) as coordinates:
        yield coordinates


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, house: House, tmp_path: Path) -> Iterator[str]:
    """The shop on an engine, in place of the file it lies in otherwise."""
    server = server_of(request, request.param)
    with database(request.param, server, tmp_path, STORE + MORE) as url:
        who = operator(house.controller.pk.hex)
        system = registering.register(house.controller, "store", "Store", url, principal=who)
        datasets.import_text(house.controller, system, STORE_MAP, principal=who)
        yield url


def answered(house: House) -> SubjectRequest:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    work()
    return fresh(request)


def events_of(request: SubjectRequest) -> list[str]:
    """What happened to the request, oldest first."""
    rows = LedgerEntry.objects.filter(object_ref=f"request:{request.pk.hex}", type="request.changed")
    return [json.loads(row.payload)["details"].get("event") for row in rows.order_by("recorded_at", "pk")]


def names(url: str) -> dict[object, object]:
    return {row[0]: row[2] for row in dump(url)["invoice"]}


def until_closed_and_purged(clock: time_machine.Coordinates, request: SubjectRequest) -> None:
    clock.shift(timedelta(days=60))
    work()
    clock.shift(timedelta(days=60))
    work()
    assert fresh(request).purged_at is not None


def test_what_a_law_kept_is_erased_on_its_date_though_the_requests_key_is_long_gone(
    clock: time_machine.Coordinates, store: str, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    assert (names(store)[1], names(store)[4]) == ("Ann Canary", "Ann Canary")
    assert names(store)[2] != "Ann Canary"  # of 2001: nothing keeps it
    until_closed_and_purged(clock, request)
    clock.move_to(FIRST - timedelta(minutes=1))
    work()
    assert names(store)[4] == "Ann Canary"
    clock.move_to(FIRST)
    work()
    assert names(store)[4] != "Ann Canary"
    assert names(store)[1] == "Ann Canary"  # each record on its own date
    assert [line for line in told(request).kept if "until 5 January 2036" in line]
    clock.move_to(SECOND)
    work()
    assert "Ann Canary" not in names(store).values()
    assert names(store)[3] == "Bob"
    assert told(fresh(request)).kept == ()
    assert not request.outcomes.filter(outcome="retained", until__isnull=False).exists()


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM invoice WHERE id = 4; INSERT INTO invoice VALUES (4, 2, 'Bob', '2029-01-01', 'Bob note')",
        "DELETE FROM invoice WHERE id = 4; INSERT INTO invoice VALUES (4, 2, 'Bob', '2020-06-01', 'Bob note')",
        "UPDATE invoice SET customer_id = 2, bill_to = 'Bob', note = 'Bob note' WHERE id = 4",
    ],
    ids=["another row, another date", "another row, the same date", "the same row, another customer"],
)
def test_a_row_that_is_somebody_elses_by_its_date_is_not_touched(
    clock: time_machine.Coordinates, store: str, house: House, ann: DataSubject, change: str
) -> None:
    request = answered(house)
    until_closed_and_purged(clock, request)
    for statement in change.split("; "):
        run(store, statement)
    before = dump(store)["invoice"][3]
    clock.move_to(SECOND)
    work()
    work()
    assert dump(store)["invoice"][3] == before
    assert "Ann Canary" not in names(store).values()


def test_what_was_written_later_into_a_kept_row_is_not_touched(
    clock: time_machine.Coordinates, store: str, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    until_closed_and_purged(clock, request)
    run(store, "UPDATE invoice SET note = 'Paid twice' WHERE id = 4")
    run(store, "UPDATE invoice SET bill_to = 'Eve' WHERE id = 2")  # nothing kept it, so it does not wait
    clock.move_to(SECOND)
    work()
    assert dump(store)["invoice"][3][4] == "Paid twice"
    assert names(store)[2] == "Eve"
    assert names(store)[4] != "Ann Canary"


def test_nothing_is_put_aside_but_which_rows_stayed_and_what_is_left_in_them(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    rows = list(SystemStep.objects.filter(job=request.kept_job).order_by("kind"))
    told = {row.kind: json.loads(text) for row, text in later.opened(rows)}
    stayed = {"key": [1], "until": {"bill_to": SECOND.isoformat()}, "ties": {"customer_id": 1}}
    assert told["erase"] == [stayed]
    assert not any(told["locate"][part] for part in ("rows", "co_owned", "links", "co_links", "mine"))
    assert len(rows) == 2


def test_a_kept_row_that_is_gone_by_its_date_is_settled_once(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    work()
    run(f"sqlite:///{house.store}", "DELETE FROM invoice WHERE customer_id = 1")
    clock.move_to(SECOND)
    for _ in range(3):
        work()
        clock.shift(timedelta(minutes=1))
    events = events_of(request)
    assert (events.count("put_aside"), events.count("kept_over"), events.count("kept_erased")) == (1, 1, 0)
    assert fresh(request).kept_job is None
    assert not DataKey.objects.filter(scope_kind="request", state="active").exclude(scope_id=request.pk).exists()
    assert told(fresh(request)).kept == ()


def test_it_is_on_the_record_of_the_same_request_and_leaves_no_key_behind(
    clock: time_machine.Coordinates, store: str, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    job = fresh(request).kept_job
    until_closed_and_purged(clock, request)
    assert DataKey.objects.filter(scope_id=job, state="active").exists()
    clock.move_to(SECOND)
    work()
    work()
    rows = LedgerEntry.objects.filter(object_ref=f"request:{request.pk.hex}").order_by("recorded_at", "pk")
    events = [json.loads(row.payload)["details"].get("event") for row in rows]
    assert events.count("put_aside") >= 1
    assert "kept_erased" in events
    late = [row for row in rows if row.type == "step.finished" and row.recorded_at >= SECOND]
    assert late
    assert fresh(request).kept_job is None
    assert not SystemStep.objects.filter(job=job).exists()
    assert not DataKey.objects.filter(scope_id=job, state="active").exists()


def test_a_system_that_is_away_on_the_day_is_asked_until_it_answers(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    until_closed_and_purged(clock, request)
    away = house.store.rename(house.store.with_suffix(".away"))
    clock.move_to(SECOND)
    for _ in range(12):
        clock.shift(timedelta(hours=2))
        work()
    away.rename(house.store)
    clock.shift(timedelta(hours=2))
    work()
    assert "Ann Canary" not in [row[2] for row in house.rows(house.store, "invoice")]


def test_a_date_that_is_missed_is_told_once_and_so_is_what_came_of_it(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    until_closed_and_purged(clock, request)
    away = house.store.rename(house.store.with_suffix(".away"))
    clock.move_to(SECOND)
    work()
    assert "kept_missed" not in events_of(request)  # it may still answer today
    assert lasting.past_their_date(house.principal, timezone.now()) == []
    for _ in range(30):
        clock.shift(timedelta(hours=2))
        work()
    assert events_of(request).count("kept_missed") == 1
    (shown,) = lasting.past_their_date(house.principal, timezone.now())
    assert (shown["label"], shown["status"]) == (request.reference, "kept too long")
    assert "kept too long" in signed_in(house.officer).get("/console/").content.decode()
    away.rename(house.store)
    clock.shift(timedelta(hours=2))
    work()
    assert events_of(request)[-2:] == ["kept_missed", "kept_erased"]
    assert lasting.past_their_date(house.principal, timezone.now()) == []


def test_a_system_that_refuses_is_told_once_and_never_as_an_erasure(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = answered(house)
    until_closed_and_purged(clock, request)
    run(f"sqlite:///{house.store}", "ALTER TABLE invoice RENAME TO receipt")
    clock.move_to(SECOND)
    for _ in range(4):
        work()
        clock.shift(timedelta(days=1))
    events = events_of(request)
    assert events.count("kept_missed") == 1
    assert "kept_erased" not in events
    run(f"sqlite:///{house.store}", "ALTER TABLE receipt RENAME TO invoice")
    work()
    assert events_of(request)[-2:] == ["kept_missed", "kept_erased"]


def test_a_kept_pointer_at_a_row_that_others_need_is_cut_on_its_date(
    clock: time_machine.Coordinates, store: str, house: House, ann: DataSubject
) -> None:
    run(store, "CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT)")
    run(store, "INSERT INTO address VALUES (1, 'Shared Street 1')")
    run(store, "ALTER TABLE invoice ADD COLUMN address_id INTEGER REFERENCES address (id)")
    run(store, "UPDATE invoice SET address_id = 1 WHERE id IN (1, 3)")
    system = datasets.systems_of(house.controller)["store"]
    datasets.import_text(house.controller, system, ADDRESSED_MAP, principal=operator(house.controller.pk.hex))
    request = answered(house)
    until_closed_and_purged(clock, request)
    assert dump(store)["invoice"][0][5] == 1
    clock.move_to(SECOND)
    work()
    work()
    assert [row[5] for row in dump(store)["invoice"] if row[0] in (1, 3)] == [None, 1]
    assert dump(store)["address"] == [(1, "Shared Street 1")]


def test_the_key_is_not_destroyed_before_what_is_kept_is_put_aside(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    services.close(fresh(request), principal=house.principal)
    services.purge(fresh(request), principal=house.principal)
    job = fresh(request).kept_job
    assert SystemStep.objects.get(job=job, kind="erase").due_at == SECOND
    assert retaining.put_aside() == 0


def test_a_request_that_cannot_be_put_aside_keeps_no_other_from_its_end(
    clock: time_machine.Coordinates, house: House, ann: DataSubject
) -> None:
    broken = planned(house, "erasure")
    approve(house, broken)
    work()
    for row in broken.plans.all():
        row.plan = {"nodes": "out of order"}
        row.save(update_fields=["plan"])
    services.respond(fresh(broken), principal=house.principal)
    clock.shift(timedelta(minutes=1))  # so that the newest code is told apart
    other = planned(house, "access")
    approve(house, other)
    work()
    services.respond(fresh(other), principal=house.principal)
    with structlog.testing.capture_logs() as lines:
        until_closed_and_purged(clock, other)
    assert fresh(broken).purged_at is None
    assert DataKey.objects.filter(scope_id=broken.pk, state="active").exists()
    told = {(line["event"], line["request"]) for line in lines if line["event"].startswith("request.not_")}
    assert told == {("request.not_put_aside", str(broken.pk)), ("request.not_purged", str(broken.pk))}
