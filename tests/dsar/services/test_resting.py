"""Clocks that stand still, erasures that are held, requests answered under an earlier one, receipts confirmed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from dsar.errors import DeadlineRefused, IllegalTransition
from dsar.selectors import lasting, queue
from dsar.selectors.due import due
from dsar.selectors.story import story
from governance.errors import BadInput, Conflict
from governance.models import Controller, LedgerEntry
from governance.policy.principal import Principal, data_subject
from governance.policy.vocabulary import Role
from governance.subjects import holding as legal_holds
from tests.dsar.conftest import ANN, BOB, House, approve, ask, fresh, letters, planned, prove, work
from tests.governance.conftest import signed_in

if TYPE_CHECKING:
    from dsar.models import SubjectRequest
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)


def under(house: House, regime: str, *rights: str, email: str = ANN) -> SubjectRequest:
    intake = services.Intake(rights=rights, email=email, manner="api", regime=regime)
    who = data_subject(intake.id.hex, house.controller.pk.hex)
    request = prove(services.receive(house.controller, intake, principal=who))
    work()
    return fresh(request)


@pytest.mark.parametrize(
    ("regime", "reason", "days", "expected"),
    [
        ("GDPR", "identity", (4, 14), date(2026, 7, 13)),  # ten days after Wednesday 1 July: a Saturday, so Monday
        ("GDPR", "identity", (4, 4), date(2026, 7, 1)),  # answered on the same day
        ("UK_GDPR", "identity", (4, 14), date(2026, 7, 15)),  # begins when the information is here
        ("UK_GDPR", "clarification", (4, 14), date(2026, 7, 13)),
        ("VOLUNTARY", "identity", (4, 14), date(2026, 7, 13)),
    ],
)
def test_a_clock_stands_still_as_its_law_says(
    house: House, ann: DataSubject, regime: str, reason: str, days: tuple[int, int], expected: date
) -> None:
    asked, answered = days
    with time_machine.travel(MONDAY, tick=False) as traveller:
        request = under(house, regime, "access", "erasure")
        before = request.due_at
        traveller.move_to(MONDAY + timedelta(days=asked))
        request = services.pause(request, reason, principal=house.principal)
        assert request.due_at == before
        traveller.move_to(MONDAY + timedelta(days=60))  # recorded late: the answer counts from its day
        assert due(request.status, request.due_at, timezone.now(), "Europe/Berlin", request.paused_at).tone == "info"
        assert not queue.tab(house.principal, house.controller, "overdue", timezone.now()).exists()
        assert queue.tab_counts(house.principal, house.controller, timezone.now())["resting"] == 1
        day = (MONDAY + timedelta(days=answered)).date()
        request = services.resume(request, principal=house.principal, answered_on=day)
        assert {row.due_on for row in request.rights.all()} == {expected}
        assert request.due_at.date() == expected
        codes = [step["code"] for step in request.rights.first().derivation["derivation"]]
        assert ("suspended" in codes or "restarted" in codes) == (asked != answered)
        assert queue.tab(house.principal, house.controller, "overdue", timezone.now()).exists()


@pytest.mark.parametrize(("regime", "reason"), [("CCPA", "identity"), ("GDPR", "clarification"), ("GDPR", "fee")])
def test_no_clock_stops_where_its_law_stops_none(house: House, ann: DataSubject, regime: str, reason: str) -> None:
    request = under(house, regime, "access")
    sent = len(letters(house.controller))
    with pytest.raises(DeadlineRefused, match="stops no clock"):
        services.pause(request, reason, principal=house.principal)
    assert fresh(request).paused_at is None
    assert len(letters(house.controller)) == sent


def test_a_question_that_comes_too_late_stops_nothing(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    with time_machine.travel(request.due_at + timedelta(days=2)), pytest.raises(DeadlineRefused):
        services.pause(request, "identity", principal=house.principal)


def test_nothing_is_decided_while_the_person_is_asked(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    services.pause(request, "identity", principal=house.principal)
    assert "does not count" in letters(house.controller)[-1]
    assert any("does not count" in step.words for step in story(fresh(request)))
    for decide in (
        lambda: approve(house, fresh(request)),
        lambda: services.extend(fresh(request), "complexity", principal=house.principal),
        lambda: services.pause(fresh(request), "identity", principal=house.principal),
        lambda: services.resume(
            fresh(request), principal=house.principal, answered_on=timezone.localdate() - timedelta(days=3)
        ),
    ):
        with pytest.raises(Conflict):
            decide()
    services.resume(fresh(request), principal=house.principal)
    assert approve(house, fresh(request)).status == "executing"
    events = [entry.payload for entry in LedgerEntry.objects.filter(object_ref=f"request:{request.pk.hex}")]
    assert sum('"event":"paused"' in payload for payload in events) == 1
    assert sum('"event":"resumed"' in payload for payload in events) == 1


def test_the_clock_of_a_request_that_ended_in_its_pause_runs_no_more(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    services.pause(request, "identity", principal=house.principal)
    services.withdraw(fresh(request), principal=house.principal)
    with pytest.raises(IllegalTransition):
        services.resume(fresh(request), principal=house.principal)
    ended = fresh(request)
    assert (ended.paused_at, ended.pause_reason) == (None, "")
    today = timezone.localdate().isoformat()
    assert ended.pauses == [{"reason": "identity", "started_on": today, "ended_on": today}]


def test_an_extension_and_a_pause_add_up(house: House, ann: DataSubject) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        request = services.extend(under(house, "GDPR", "access"), "complexity", principal=house.principal)
        assert request.rights.get().due_on == date(2026, 9, 1)
        services.pause(request, "identity", principal=house.principal)
        traveller.move_to(MONDAY + timedelta(days=7))
        request = services.resume(fresh(request), principal=house.principal)
        right = request.rights.get()
        assert (right.due_on, right.extended_until) == (date(2026, 9, 8), date(2026, 9, 8))


def test_a_held_erasure_starts_only_after_its_day(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    until = timezone.localdate() + timedelta(days=10)
    services.hold(request, "legal_claim", until, principal=house.principal)
    approve(house, fresh(request))
    before = house.rows(house.store, "customer")
    work()
    assert fresh(request).status == "executing"
    assert house.rows(house.store, "customer") == before
    with time_machine.travel(timezone.now() + timedelta(days=11)):
        work()
    assert fresh(request).status == "reviewing"
    assert house.rows(house.store, "customer") != before


def test_a_released_hold_lets_the_erasure_go_on(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    services.hold(request, "investigation", timezone.localdate() + timedelta(days=10), principal=house.principal)
    approve(house, fresh(request))
    work()
    assert fresh(request).status == "executing"
    assert request.packages.exists()  # the copy does not wait
    services.release(fresh(request), principal=house.principal)
    work()
    assert fresh(request).status == "reviewing"
    assert {row.outcome for row in request.outcomes.all()} >= {"erased"}


def test_a_held_request_is_answered_with_what_is_kept(house: House, ann: DataSubject) -> None:
    request, until = planned(house, "erasure"), timezone.localdate() + timedelta(days=400)
    before = house.rows(house.store, "customer")
    with pytest.raises(Conflict):
        services.keep(request, principal=house.principal)
    services.hold(request, "legal_claim", until, principal=house.principal)
    approve(house, fresh(request))
    work()
    services.keep(fresh(request), principal=house.principal)
    ends = {(row.outcome, row.reason, row.until) for row in request.outcomes.exclude(outcome="not_found")}
    assert ends == {("retained", "Needed for a legal claim", until)}
    services.respond(fresh(request), principal=house.principal)
    assert request.rights.get().outcome == "refused"
    letter = letters(house.controller)[-1]
    assert "We cannot delete your data yet" in letter
    assert "Needed for a legal claim" in letter
    assert "The Authority" in letter
    assert house.rows(house.store, "customer") == before
    ann.refresh_from_db()
    assert ann.status == "active"


def test_a_hold_that_is_over_is_shown_until_somebody_erases_what_it_kept(house: House, ann: DataSubject) -> None:
    request, until = planned(house, "erasure"), timezone.localdate() + timedelta(days=40)
    services.hold(request, "legal_claim", until, principal=house.principal)
    approve(house, fresh(request))
    work()
    services.keep(fresh(request), principal=house.principal)
    services.respond(fresh(request), principal=house.principal)
    assert lasting.past_their_hold(house.principal, timezone.now()) == []
    with time_machine.travel(timezone.now() + timedelta(days=42)):
        hold = legal_holds.place_hold(ann, reason="legal_claim", until=None, principal=house.principal)
        assert lasting.past_their_hold(house.principal, timezone.now()) == []  # another hold goes on
        legal_holds.release_hold(hold.pk, ann, principal=house.principal)
        (shown,) = lasting.past_their_hold(house.principal, timezone.now())
        assert (shown["label"], shown["status"]) == (request.reference, "hold over")
        assert "hold over" in signed_in(house.officer).get("/console/").content.decode()
        again = planned(house, "erasure")
        assert lasting.past_their_hold(house.principal, timezone.now()) == []
        services.withdraw(again, principal=house.principal)
        assert len(lasting.past_their_hold(house.principal, timezone.now())) == 1
        other = Controller.objects.create(slug="globex", name="Globex")
        officer = Principal("staff", "0" * 32, frozenset({other.pk.hex}), frozenset({Role.PRIVACY_OFFICER}))
        assert lasting.past_their_hold(officer, timezone.now()) == []


@pytest.mark.parametrize(("days", "is_over"), [(0, False), (1, False), (2, True)])
def test_a_hold_is_over_when_its_last_day_has_ended_everywhere(
    house: House, ann: DataSubject, days: int, is_over: bool
) -> None:
    with time_machine.travel(MONDAY):
        request = planned(house, "erasure")
        last = timezone.localdate() + timedelta(days=20)
        legal_holds.place_hold(ann, reason="legal_claim", until=last, principal=house.principal)
        approve(house, request)
        work()
        services.respond(fresh(request), principal=house.principal)
        assert request.outcomes.filter(by_hold=True, until=last).exists()
    with time_machine.travel(datetime.combine(last + timedelta(days=days), time(0, 5), tzinfo=UTC)):
        assert bool(lasting.past_their_hold(house.principal, timezone.now())) is is_over


def test_what_a_rule_keeps_is_not_taken_for_a_hold_whatever_it_cites(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    assert request.outcomes.filter(outcome="retained").update(citation="GDPR Art. 17(3)(b)")
    assert lasting.past_their_hold(house.principal, timezone.now() + timedelta(days=9)) == []


def test_a_hold_has_its_limits(house: House, ann: DataSubject) -> None:
    today = house.controller.day_of(timezone.now())
    with pytest.raises(IllegalTransition):
        services.hold(planned(house, "access"), "legal_claim", today, principal=house.principal)
    request = planned(house, "erasure", email=BOB)
    for reason, until in (("because", today), ("legal_claim", today - timedelta(days=1)), ("legal_claim", date.max)):
        with pytest.raises(BadInput):
            services.hold(request, reason, until, principal=house.principal)
    approve(house, request)
    with pytest.raises(IllegalTransition):
        services.hold(fresh(request), "legal_claim", today, principal=house.principal)


def test_an_earlier_request_answers_the_same_one_asked_again(house: House, ann: DataSubject) -> None:
    first, again = planned(house, "access", "erasure"), planned(house, "access")
    services.merge(again, first.reference, principal=house.principal)
    again = fresh(again)
    assert (again.status, again.duplicate_of_id) == ("duplicate", first.pk)
    assert again.purge_after is not None
    letter = letters(house.controller)[-1]
    assert first.reference in letter
    assert any(first.reference in step.words for step in story(again))
    assert fresh(first).status == "awaiting_approval"


def test_only_the_same_persons_earlier_open_request_answers(house: House, ann: DataSubject) -> None:
    other, narrow = planned(house, "access", email=BOB), planned(house, "access")
    unproven, wide = ask(house, "access", "erasure"), planned(house, "access", "erasure")
    later = planned(house, "access", "erasure")
    for into in (other, narrow, unproven, later, wide):
        with pytest.raises(Conflict):
            services.merge(fresh(wide), into.reference, principal=house.principal)
    services.withdraw(fresh(wide), principal=data_subject(wide.pk.hex, house.controller.pk.hex))
    with pytest.raises(Conflict):
        services.merge(fresh(later), wide.reference, principal=house.principal)


def test_californias_receipt_has_a_clock_of_its_own(house: House, ann: DataSubject) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        proven = under(house, "CCPA", "access")
        assert proven.acknowledged_at is not None  # the letter that followed the proof
        intake = services.Intake(rights=("erasure",), email=BOB, manner="api", regime="CCPA")
        who = data_subject(intake.id.hex, house.controller.pk.hex)
        silent = services.receive(house.controller, intake, principal=who)
        assert silent.acknowledge_by is not None
        assert silent.acknowledge_by.date() == date(2026, 6, 15)  # ten business days
        assert silent.acknowledgement["rule"]["id"] == "ccpa.acknowledgement"
        sent = len(letters(house.controller))
        assert services.acknowledge_due() == 0
        traveller.move_to(MONDAY + timedelta(days=12, hours=15))
        assert services.acknowledge_due() == 1
        assert services.acknowledge_due() == 0
        assert len(letters(house.controller)) == sent + 1
        assert "We have received a request" in letters(house.controller)[-1]
    assert ask(house, "access").acknowledge_by is None  # no such date in the GDPR
