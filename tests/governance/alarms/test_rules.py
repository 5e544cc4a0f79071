"""Each rule raises its alarm, and its allowed twin, one step inside the limit, raises nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance import access, audit, subjects
from governance.access import elevation
from governance.alarms import raising, reading
from governance.alarms.rules import RULES, limit_of, settings_of
from governance.audit import Occurrence, sequencer
from governance.errors import AccessDenied
from governance.models import AlarmCursor, AlarmRule, Alert, LedgerEntry
from governance.policy.principal import SERVICE, Principal, operator, worker
from governance.policy.vocabulary import AuditType, RevealPurpose, Role
from tests.governance.alarms.conftest import NOON, Watch, rules_of
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import DjangoAssertNumQueries
    from pytest_django.fixtures import Settings

    from governance.models import Controller, DataSubject

HOUR = timedelta(hours=1)
REVEALED, LOOKED_UP = AuditType.SUBJECT_REVEALED, AuditType.SUBJECT_LOOKED_UP


@pytest.mark.parametrize(("count", "expected"), [(20, []), (21, [("reveal_volume", "floor")])])
def test_unusually_many_openings_without_a_past(watch: Watch, count: int, expected: list[tuple[str, str]]) -> None:
    watch.does(REVEALED, count)
    assert watch.alerts() == expected


@pytest.mark.parametrize(("count", "expected"), [(64, []), (65, [("reveal_volume", "own")])])
def test_what_is_usual_for_a_person_raises_nothing(watch: Watch, count: int, expected: list[tuple[str, str]]) -> None:
    watch.only("reveal_volume")
    for day in range(1, 13):
        watch.does(REVEALED, 40, at=NOON - timedelta(days=day))
    before = watch.alerts()
    watch.does(REVEALED, count)
    assert watch.alerts()[len(before) :] == expected


@pytest.mark.parametrize(("count", "expected"), [(64, []), (65, [("reveal_volume", "role")])])
def test_a_newcomer_is_measured_by_the_role(watch: Watch, count: int, expected: list[tuple[str, str]]) -> None:
    watch.only("reveal_volume")
    old = access.principal_of(staff(watch.controller, Role.SUPPORT_AGENT, email="old@staff.example"))
    other_role = access.principal_of(staff(watch.controller, Role.PRIVACY_OFFICER, email="officer@staff.example"))
    for day in range(1, 13):
        watch.does(REVEALED, 40, at=NOON - timedelta(days=day), by=old)
        watch.does(REVEALED, 100, at=NOON - timedelta(days=day), by=other_role)
    watch.alerts()
    watch.does(REVEALED, count)
    found = [(rule, basis) for rule, basis in watch.alerts() if basis == "role"]
    own = Alert.objects.filter(actor_ref=watch.principal.ref)
    assert (found, own.count()) == (expected, len(expected))


@pytest.mark.parametrize(("count", "expected"), [(24, []), (25, [("reveal_volume", "own_people")])])
def test_more_people_than_usual_are_unusual_at_the_usual_number_of_openings(
    watch: Watch, count: int, expected: list[tuple[str, str]]
) -> None:
    """Five openings of each of eight people, day by day; then as many openings, of more people."""
    watch.only("reveal_volume")
    AlarmRule.objects.create(controller=watch.controller, rule="reveal_volume", values={"floor": 5, "factor": 16})
    people = watch.people(25)
    for day in range(1, 13):
        watch.does(REVEALED, 40, at=NOON - timedelta(days=day), about=people[:8])
    before = watch.alerts()
    watch.does(REVEALED, 40, about=people[:count])
    assert watch.alerts()[len(before) :] == expected
    assert [alert.count for alert in Alert.objects.filter(basis="own_people")] == [count] * len(expected)


@pytest.mark.parametrize(("rule", "count"), [("reveal_volume", 11), ("mass_export", 101)])
@pytest.mark.parametrize("minutes", [25, 65])
def test_a_burst_across_the_stroke_of_the_clock_is_one(watch: Watch, rule: str, count: int, minutes: int) -> None:
    watch.only(rule)
    first = NOON.replace(minute=50)
    watch.does(REVEALED, count, at=first)
    watch.does(REVEALED, count, at=first + timedelta(minutes=minutes))
    assert rules_of(watch.alerts()) == ([rule] if minutes < 60 else [])


def test_what_one_alarm_told_is_not_told_again_in_the_next_hour(watch: Watch) -> None:
    watch.does(REVEALED, 21, at=NOON.replace(minute=50))
    watch.does(REVEALED, 20, at=NOON.replace(minute=50) + timedelta(minutes=25))
    assert len(watch.alerts()) == 1
    watch.does(REVEALED, 1, at=NOON.replace(minute=50) + timedelta(minutes=26))
    assert [alert.count for alert in Alert.objects.order_by("raised_at")] == [21]
    assert len(watch.alerts()) == 2


def test_what_the_service_opens_for_itself_is_not_staff(watch: Watch) -> None:
    watch.does(REVEALED, 100, by=worker(watch.controller.pk.hex))
    assert watch.alerts() == []


@pytest.mark.parametrize(("count", "expected"), [(200, []), (201, ["mass_export"])])
def test_mass_export_counts_services_too(watch: Watch, count: int, expected: list[str]) -> None:
    shop = Principal(SERVICE, "0" * 32, frozenset({Role.INTEGRATOR}), frozenset({watch.controller.pk.hex}))
    watch.does(REVEALED, count, by=shop)
    assert rules_of(watch.alerts()) == expected


@pytest.mark.parametrize(("events", "expected"), [(200, []), (201, ["mass_export"])])
def test_one_large_export_is_enough(watch: Watch, events: int, expected: list[str]) -> None:
    watch.does(AuditType.EXPORT_MADE, details={"events": events, "format": "ocsf"})
    assert rules_of(watch.alerts()) == expected


def test_many_small_exports_within_an_hour_are_one_large(watch: Watch) -> None:
    for minutes in (0, 50):
        watch.does(AuditType.EXPORT_MADE, at=NOON + timedelta(minutes=minutes), details={"events": 100})
        assert watch.alerts() == []
    watch.does(AuditType.EXPORT_MADE, at=NOON + timedelta(minutes=59), details={"events": 1})
    assert rules_of(watch.alerts()) == ["mass_export"]
    assert (Alert.objects.get().count, len(Alert.objects.get().events)) == (201, 3)


@pytest.mark.parametrize("command", ["export_audit", "export_ledger"])
@pytest.mark.parametrize("threshold", [2, 10_000])
def test_an_export_from_the_command_line_is_an_alarm_at_every_controller(
    watch: Watch, other_controller: Controller, tmp_path: Path, command: str, threshold: int
) -> None:
    for controller in (watch.controller, other_controller):
        AlarmRule.objects.create(controller=controller, rule="mass_export", values={"people": threshold})
    sequencer.sequence()
    arguments = {
        "export_audit": ["--to", "file", "--path", str(tmp_path / "out.jsonl")],
        "export_ledger": [str(tmp_path / "out")],
    }
    call_command(command, *arguments[command], stdout=StringIO())
    watch.alerts()
    found = set(Alert.objects.values_list("controller", "rule", "actor_ref"))
    places = (watch.controller, other_controller) if threshold == 2 else ()
    assert found == {(place.pk, "mass_export", "operator:command-line") for place in places}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-04T11:00", []),
        ("2026-03-04T07:00", []),
        ("2026-03-04T06:59", ["after_hours"]),
        ("2026-03-04T20:00", ["after_hours"]),
        ("2026-03-07T11:00", ["after_hours"]),  # a Saturday
        ("2026-05-01T11:00", ["after_hours"]),  # Labour Day in Germany
        ("2026-07-01T19:59", []),  # summer time
    ],
)
def test_working_hours_are_those_of_the_controller(watch: Watch, local: str, expected: list[str]) -> None:
    watch.does(REVEALED, at=datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")))
    assert rules_of(watch.alerts()) == expected


@pytest.mark.parametrize(("demo", "expected"), [(True, []), (False, ["after_hours"])])
def test_the_demonstrations_own_mailbox_is_read_at_any_hour(
    watch: Watch, settings: Settings, demo: bool, expected: list[str]
) -> None:
    settings.GOVERNANCE_DEMO = demo
    sunday = datetime(2026, 3, 8, 11, tzinfo=ZoneInfo("Europe/Berlin"))
    letter = Occurrence(type=REVEALED, subject_id=watch.person.pk, purpose=RevealPurpose.DEMONSTRATION_MAILBOX.value)
    with time_machine.travel(sunday, tick=False), transaction.atomic():
        audit.record_many([letter], actor=watch.principal, controller_id=watch.controller.pk)
    assert rules_of(watch.alerts()) == expected


@pytest.mark.parametrize("status", ["", "executing", "closed"])
@pytest.mark.parametrize("count", [10, 11])
def test_look_ups_of_people_without_an_open_request(watch: Watch, status: str, count: int) -> None:
    people = watch.people(count)
    if status:
        for name in dict.fromkeys(("received", status)):
            watch.does(
                AuditType.REQUEST_CHANGED, count, about=people, at=NOON - HOUR, details={"status": name},
                by=worker(watch.controller.pk.hex),
            )  # fmt: skip
    watch.does(LOOKED_UP, count, about=people)
    expected = ["look_up_without_request"] if count > 10 and status != "executing" else []
    assert rules_of(watch.alerts()) == expected


def test_trying_addresses_out_counts_though_nobody_is_found(watch: Watch) -> None:
    watch.only("look_up_without_request")
    for number in range(11):
        subjects.look_up(watch.controller, [("email", f"a{number}@b.example")], principal=watch.principal)
        assert rules_of(watch.alerts()) == (["look_up_without_request"] if number == 10 else [])


@pytest.mark.parametrize("own", [True, False])
def test_looking_at_ones_own_record(watch: Watch, own: bool) -> None:
    address = watch.agent.email.upper() if own else "somebody@else.example"
    mine = subjects.register(watch.controller, [("email", address)], principal=operator(watch.controller.pk.hex))
    watch.does(LOOKED_UP, about=[mine])
    assert rules_of(watch.alerts()) == (["self_look_up"] if own else [])


@pytest.mark.parametrize("is_taken", [True, False])
def test_each_broken_glass_is_an_alarm(watch: Watch, is_taken: bool) -> None:
    """Its twin asks for one and is refused."""
    watch.only("break_glass")
    officer = access.principal_of(staff(watch.controller, Role.PRIVACY_OFFICER))
    for _turn in range(2):
        try:
            row = elevation.break_glass(
                watch.person, reason="danger", principal=watch.principal, is_factor_fresh=is_taken
            )
        except AccessDenied:
            continue
        elevation.end(row.pk, principal=officer)
        elevation.review(row.pk, finding="justified", principal=officer)
    assert rules_of(watch.alerts()) == (["break_glass", "break_glass"] if is_taken else [])
    told = {each.events[0] for each in Alert.objects.all()}
    taken = LedgerEntry.objects.filter(type="access.elevated").values_list("pk", flat=True)
    assert told == {str(pk) for pk in taken}


def test_an_erased_persons_key_is_no_hindrance(watch: Watch) -> None:
    by = operator(watch.controller.pk.hex)
    mine = subjects.register(watch.controller, [("email", watch.agent.email)], principal=by)
    subjects.erase(mine, principal=by)
    watch.does(LOOKED_UP, about=[mine])
    assert watch.alerts() == []


def test_a_rule_that_is_switched_off_raises_nothing(watch: Watch) -> None:
    AlarmRule.objects.create(controller=watch.controller, rule="reveal_volume", is_on=False)
    watch.does(REVEALED, 21)
    assert watch.alerts() == []


def test_own_thresholds_count(watch: Watch) -> None:
    AlarmRule.objects.create(controller=watch.controller, rule="reveal_volume", values={"floor": 2})
    watch.does(REVEALED, 3)
    assert rules_of(watch.alerts()) == ["reveal_volume"]
    alert = Alert.objects.get()
    assert (alert.count, alert.limit, len(alert.events)) == (3, 2, 3)


def test_an_alarm_is_raised_once_and_named_in_the_ledger(watch: Watch) -> None:
    for _ in range(3):
        watch.does(REVEALED, 21)
        assert rules_of(watch.alerts()) == ["reveal_volume"]
    payload = json.loads(LedgerEntry.objects.get(type="alarm.raised").payload)
    assert payload["object"] == f"alert:{Alert.objects.get().pk.hex}"
    assert payload["details"] == {"rule": "reveal_volume", "count": 21, "limit": 20}


def test_a_crash_in_between_raises_nothing_twice_and_skips_nothing(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.does(REVEALED, 21)
    sequencer.sequence()
    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", lambda *_args, **_kwargs: 1 / 0)  # the process dies while it raises
        with pytest.raises(ZeroDivisionError):
            raising.work()
    assert not Alert.objects.exists()
    assert rules_of(watch.alerts()) == ["reveal_volume"]


def test_another_controller_is_not_counted(watch: Watch, other_controller: Controller) -> None:
    by = Principal("staff", watch.agent.pk.hex, frozenset(), frozenset())
    elsewhere = subjects.register(
        other_controller, [("customer_id", "E-1")], principal=operator(other_controller.pk.hex)
    )
    there = Watch(other_controller, watch.agent, elsewhere)
    watch.does(REVEALED, 15)
    there.does(REVEALED, 15, by=by)
    assert watch.alerts() == []


def test_alerts_hold_no_personal_data_and_cannot_be_changed(watch: Watch) -> None:
    mine = subjects.register(
        watch.controller, [("email", watch.agent.email)], principal=operator(watch.controller.pk.hex)
    )
    watch.does(REVEALED, 21, about=[mine])
    watch.alerts()
    kept = json.dumps(list(Alert.objects.values()), default=str)
    for value in (watch.agent.email, watch.agent.name or "-nobody-", mine.pk.hex, str(mine.pk)):
        assert value not in kept
    with pytest.raises(DatabaseError):
        Alert.objects.update(count=0)


def test_the_work_costs_the_same_whatever_the_number_of_events(
    watch: Watch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    watch.does(REVEALED, 5)
    sequencer.sequence()
    with CaptureQueriesContext(connection) as few:
        raising.work()
    watch.does(REVEALED, 15, at=NOON + timedelta(hours=2))
    sequencer.sequence()
    with CaptureQueriesContext(connection) as many:
        raising.work()
    assert len(many) == len(few)
    with django_assert_num_queries(2):
        raising.work()  # nothing new: two questions, no transaction


def test_a_ledger_from_before_alarms_raises_none(watch: Watch) -> None:
    AlarmCursor.objects.all().delete()
    watch.does(REVEALED, 30)
    assert watch.alerts() == []
    assert AlarmCursor.objects.get().position == reading.size()


@pytest.mark.django_db(transaction=True)
def test_a_look_up_at_the_console_at_night_raises_an_alarm(watch: Watch, person: DataSubject) -> None:
    night = datetime(2026, 3, 4, 23, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    with time_machine.travel(night):
        client = signed_in(watch.agent)
        answer = client.post("/console/people/", {"type": "email", "value": "jane.doe@example.org"})
        assert answer.status_code == 302
        assert rules_of(watch.alerts()) == ["after_hours"]
    entry = LedgerEntry.objects.get(type="subject.looked_up")
    assert "jane" not in entry.payload
    assert Alert.objects.get().events == [str(entry.pk)]


@given(st.lists(st.integers(1, 500), max_size=60), st.lists(st.integers(1, 500), max_size=60))
def test_the_limit_never_falls_below_the_floor_and_one_wild_hour_changes_little(
    own: list[int], peers: list[int]
) -> None:
    settings = settings_of("reveal_volume")
    limit = limit_of(own, peers, settings)
    assert limit.count >= settings.values["floor"]
    if len(own) >= 20:
        wild = limit_of([*own, 10**6], peers, settings)
        assert wild.count < 10**5
    assert limit.basis in {"own", "role", "floor"}


def test_every_rule_has_a_judge_and_bounds_that_hold_its_default() -> None:
    assert set(raising._JUDGES) == set(RULES)  # noqa: SLF001  # the table is what is checked
    for rule in RULES.values():
        for each in rule.thresholds.values():
            assert each.lowest <= each.default <= each.highest
