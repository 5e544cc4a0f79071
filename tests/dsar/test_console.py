"""The officers' pages of requests through HTTP only: queue, one request, every button, and who may press it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import time_machine
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from dsar import services
from dsar.models import SubjectRequest
from governance import subjects
from governance.access import controllers, grants
from governance.models import Controller, LedgerEntry, OutgoingMessage, System
from governance.policy.principal import data_subject, operator
from governance.policy.vocabulary import Role
from governance.subjects import letters as mail
from governance.systems import runtime
from tests.dsar.conftest import ANN, BOB, House, ask, fresh, letters, planned, prove, work
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from pytest_django.fixtures import DjangoAssertNumQueries, Settings

    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(house: House) -> Client:
    return signed_in(house.officer)


def page(client: Client, request: SubjectRequest) -> str:
    answer = client.get(f"/console/requests/{request.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, request: SubjectRequest, verb: str, **data: str) -> int:
    return client.post(f"/console/requests/{request.pk}/{verb}/", data).status_code


def test_an_empty_queue_says_what_would_fill_it(desk: Client) -> None:
    assert b"Requests from the privacy page" in desk.get("/console/requests/").content


def test_the_queue_shows_least_time_left_first_in_a_constant_number_of_queries(
    house: House, desk: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=20)):
        older = prove(ask(house, "access", email=BOB))
    newer = prove(ask(house, "erasure"))
    desk.get("/console/requests/")
    with django_assert_max_num_queries(14) as few:
        text = desk.get("/console/requests/").content.decode()
    assert text.index(older.reference) < text.index(newer.reference)
    assert "due in " in text
    for number in range(6):
        prove(ask(house, "access", email=f"person{number}@example.org"))
    with django_assert_max_num_queries(len(few)) as many:
        desk.get("/console/requests/")
    assert len(many) == len(few)
    with time_machine.travel(timezone.now() + timedelta(days=60)):
        assert b"days overdue" in signed_in(house.officer).get("/console/requests/?tab=overdue").content


def test_the_page_tells_the_story_and_opens_nothing(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "access", "erasure")
    text = page(desk, request)
    assert "Approve copy and erasure of 4 rows in 2 systems" in text
    assert "e-mail · sealed" in text
    assert "Withheld from the copy" in text
    assert "Keep store.invoice.bill_to for 10 years" in text
    assert "The address was proven" in text
    assert ANN not in text
    assert "gdpr.answer v1" in text


def test_an_erasure_pressed_through_to_its_end(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "erasure")
    digest = request.plans.get().digest
    assert press(desk, request, "approve", plan_digest=digest) == 302
    assert fresh(request).status == "executing"
    work()
    text = page(desk, request)
    assert "Hold the erasure" not in text  # it is done
    assert "Invoices are kept for bookkeeping" in text
    assert "5 January 2036" in text
    assert "Send the answer" in text
    assert press(desk, request, "respond") == 302
    assert press(desk, request, "close") == 302
    assert "Destroy the request&#x27;s key now" in page(desk, request) or "key now" in page(desk, request)
    assert press(desk, request, "purge") == 302
    assert "purged on" in page(desk, request)
    assert fresh(request).status == "closed"


def test_a_stale_plan_is_not_approved(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "erasure")
    answer = desk.post(f"/console/requests/{request.pk}/approve/", {"plan_digest": "0" * 64})
    assert answer.status_code == 409
    assert "The plan has changed since it was shown" in answer.content.decode()
    assert fresh(request).status == "awaiting_approval"


def test_refusing_needs_a_reason_and_tells_the_person(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "erasure")
    assert "Choose why we refuse" in desk.post(f"/console/requests/{request.pk}/refuse/", {}).content.decode()
    assert press(desk, request, "refuse", reason="claim_not_covered") == 302
    letter = letters(house.controller)[-1]
    assert "the law does not give this right" in letter
    assert "The Authority" in letter
    assert fresh(request).rights.get().outcome == "refused"


def test_extending_once_tells_the_person_why_and_until_when(house: House, ann: DataSubject, desk: Client) -> None:
    assert "Take more time" not in page(desk, ask(house, "access", email="unproven@example.org"))
    request = planned(house, "access")
    assert "Take more time" in page(desk, request)
    assert press(desk, request, "extend", reason="complexity") == 302
    row = fresh(request).rights.get()
    assert row.extended_until is not None
    assert "your request is complex" in letters(house.controller)[-1]
    assert press(desk, request, "extend", reason="complexity") == 409
    assert "Take more time" not in page(desk, request)
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        late = planned(house, "access", email=BOB)
    with time_machine.travel(timezone.now() + timedelta(days=90)):
        assert press(signed_in(house.officer), late, "extend", reason="complexity") == 409  # too late


def test_a_failed_system_is_shown_retried_and_then_answered(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "erasure")
    gone = house.news.rename(house.news.with_suffix(".gone"))
    press(desk, request, "approve", plan_digest=request.plans.get().digest)
    moved = timezone.now()
    for _ in range(9):
        with time_machine.travel(moved):
            work()
        moved += timedelta(hours=2)
    text = page(desk, request)
    assert "The system does not answer" in text
    assert "Try the failed steps again" in text
    assert "Send the answer" not in text
    assert press(desk, request, "respond") == 409
    ann.refresh_from_db()
    assert ann.status == "active"  # the key is needed until every system is done
    gone.rename(house.news)
    assert press(desk, request, "retry") == 302
    work()
    assert press(desk, request, "respond") == 302
    ann.refresh_from_db()
    assert ann.status == "erased"


def test_a_system_that_is_waited_for_is_named_wherever_somebody_looks(
    house: House, ann: DataSubject, desk: Client
) -> None:
    request = planned(house, "access")
    owner = staff(house.controller, Role.SYSTEM_OWNER, email="owner@staff.example")
    news = System.objects.get(key="news")
    grants.own(owner, news, principal=house.principal)
    looking = {
        f"/console/requests/{request.pk}/": desk,
        "/console/": desk,
        "/console/systems/": desk,
        f"/console/systems/{news.pk}/": desk,
        "/console/systems/own/": signed_in(owner),
    }

    def told() -> dict[str, bool]:
        texts = {path: client.get(path).content.decode() for path, client in looking.items()}
        return {path: "does not answer" in text or "Not answering" in text for path, text in texts.items()}

    assert not any(told().values())
    gone = house.news.rename(house.news.with_suffix(".gone"))
    press(desk, request, "approve", plan_digest=request.plans.get().digest)
    work()
    assert all(told().values()), told()
    assert "Nothing is amiss" not in desk.get("/console/").content.decode()
    gone.rename(house.news)
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        work()
    assert not any(told().values()), told()


def test_a_copy_that_lacks_a_system_can_be_tried_again(
    house: House, ann: DataSubject, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    request = planned(house, "access")
    gone = house.news.rename(house.news.with_suffix(".gone"))
    press(desk, request, "approve", plan_digest=request.plans.get().digest)
    work()
    assert "Try the failed steps again" in page(desk, request)
    gone.rename(house.news)
    assert press(desk, request, "retry") == 302
    work()
    assert "Try the failed steps again" not in page(desk, request)
    assert press(desk, request, "respond") == 302


def test_who_recorded_a_request_does_not_approve_it(house: House, ann: DataSubject, desk: Client) -> None:
    recorded = desk.post("/console/requests/new/", {"rights": ["erasure"], "email": ANN, "received_on": ""})
    assert recorded.status_code == 302
    request = prove(SubjectRequest.objects.get())
    work()
    request = fresh(request)
    digest = request.plans.get().digest
    assert "another officer approves" in page(desk, request)
    assert press(desk, request, "approve", plan_digest=digest) == 403
    second = signed_in(staff(house.controller, Role.PRIVACY_OFFICER, email="second@staff.example"))
    assert press(second, request, "approve", plan_digest=digest) == 302


def test_one_officer_alone_may_where_the_installation_says_so(house: House, ann: DataSubject, desk: Client) -> None:
    Controller.objects.filter(pk=house.controller.pk).recorded().update(single_officer=True)
    desk.post("/console/requests/new/", {"rights": ["access"], "email": ANN, "received_on": ""})
    request = prove(SubjectRequest.objects.get())
    work()
    assert press(desk, request, "approve", plan_digest=request.plans.get().digest) == 302


def test_recording_a_request_takes_its_day_of_receipt(house: House, desk: Client) -> None:
    day = (timezone.now() - timedelta(days=3)).date()
    desk.post("/console/requests/new/", {"rights": ["access"], "email": ANN, "received_on": day.isoformat()})
    assert SubjectRequest.objects.get().received_at.date() == day
    ahead = (timezone.now() + timedelta(days=3)).date().isoformat()
    refused = desk.post("/console/requests/new/", {"rights": [], "email": "x", "received_on": ahead})
    for said in ("Choose what the person asks for", "name@example.org", "not in the future"):
        assert said in refused.content.decode()


@pytest.mark.parametrize(("role", "reads"), [(Role.PRIVACY_OFFICER, True), (Role.SUPPORT_AGENT, False)])
def test_whoever_records_a_request_lands_where_they_may_be(house: House, role: Role, reads: bool) -> None:
    client = signed_in(staff(house.controller, role, email="one@staff.example"))
    answer = client.post("/console/requests/new/", {"rights": ["access"], "email": ANN}, follow=True)
    assert (answer.status_code, SubjectRequest.objects.get().reference in answer.content.decode()) == (200, True)
    form = client.get("/console/requests/new/").content.decode()
    assert ('href="/console/requests/">Leave' in form) is reads


@pytest.mark.parametrize(
    ("role", "sees", "decides"),
    [
        (Role.PRIVACY_OFFICER, 200, 409),
        (Role.AUDITOR, 200, 403),
        (Role.ANALYST, 200, 403),
        (Role.SUPPORT_AGENT, 403, 403),
        (Role.ADMINISTRATOR, 403, 403),
    ],
)
def test_each_role_at_the_door(house: House, ann: DataSubject, role: Role, sees: int, decides: int) -> None:
    request = planned(house, "erasure")
    client = signed_in(staff(house.controller, role, email="one@staff.example"))
    assert client.get(f"/console/requests/{request.pk}/").status_code == sees
    assert press(client, request, "approve", plan_digest="0" * 64) == decides


def test_another_controllers_request_is_as_absent_as_none(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    other = Controller.objects.create(slug="other", name="Other")
    client = signed_in(staff(other, Role.PRIVACY_OFFICER, email="other@staff.example"))
    assert request.reference not in client.get("/console/requests/?tab=waiting").content.decode()
    for request_id in (request.pk, uuid4()):
        assert client.get(f"/console/requests/{request_id}/").status_code == 404
        assert client.post(f"/console/requests/{request_id}/refuse/", {"reason": "other"}).status_code == 404
    assert fresh(request).status == "awaiting_approval"


def test_today_counts_what_is_due_and_waits(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "access")
    text = desk.get("/console/").content.decode()
    assert "waiting for you" in text
    assert request.reference in text
    assert "Read the plan and approve it" in text


def test_console_forms_need_their_token(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    client = signed_in(house.officer, Client(enforce_csrf_checks=True))
    assert press(client, request, "refuse", reason="other") == 403


def test_a_customer_number_is_shown_sealed_and_opened_on_purpose(house: House, desk: Client) -> None:
    intake = services.Intake(rights=("access",), email=ANN, manner="portal", claimed=(("customer_id", "canary-4711"),))
    request = services.receive(house.controller, intake, principal=data_subject(intake.id.hex, house.controller.pk.hex))
    text = page(desk, request)
    assert "customer number · sealed" in text
    assert "canary-4711" not in text
    before = LedgerEntry.objects.filter(type="subject.revealed").count()
    opened = desk.post(f"/console/requests/{request.pk}/reveal/")
    assert "canary-4711" in opened.content.decode()
    assert ANN not in opened.content.decode()
    assert "no-store" in opened["Cache-Control"]
    assert LedgerEntry.objects.filter(type="subject.revealed").count() == before + 1
    assert "canary-4711" not in page(desk, request)
    auditor = signed_in(staff(house.controller, Role.AUDITOR, email="auditor@staff.example"))
    assert auditor.post(f"/console/requests/{request.pk}/reveal/").status_code == 403
    assert "Also named" not in page(desk, ask(house, "access"))


def test_a_letter_that_failed_is_on_the_page_in_the_story_and_on_today(
    house: House, ann: DataSubject, desk: Client, settings: Settings
) -> None:
    request = planned(house, "access")
    assert "could not be delivered" not in page(desk, request)
    OutgoingMessage.objects.filter(scope_kind="proof").delete()
    settings.EMAIL_BACKEND = "tests.dsar.test_console.NoSuchPerson"
    mail.deliver_due()
    text = page(desk, request)
    assert "1 letter could not be delivered" in text
    assert "A letter could not be delivered" in text
    today = desk.get("/console/").content.decode()
    assert "Reach them in another way" in today
    assert request.reference in today


class NoSuchPerson(BaseEmailBackend):
    """A mail server that knows nobody."""

    def send_messages(self, messages: list) -> int:  # type: ignore[type-arg]  # Django's signature
        raise SMTPRecipientsRefused({"x": (550, b"no such user")})


def test_an_officer_asks_holds_and_merges_by_pressing_buttons(desk: Client, house: House, ann: DataSubject) -> None:
    first, again = planned(house, "access", "erasure"), planned(house, "access", "erasure")

    def press(verb: str, **typed: str) -> str:
        answer = desk.post(f"/console/requests/{again.pk}/{verb}/", typed, follow=True)
        return answer.content.decode()

    assert "Choose what we wait for" in press("pause")
    assert "stops no clock for this reason" in press("pause", reason="fee")
    assert "The clock stands still" in press("pause", reason="identity")
    assert "Approve copy" not in page(desk, again)
    assert "clock paused with" in desk.get("/console/requests/?tab=resting").content.decode()
    assert "not in the future" in press("resume", answered_on="2999-01-01")
    assert "The clock runs again" in press("resume")
    assert "Give a day from today on" in press("hold", reason="legal_claim", until="2001-01-01")
    until = (timezone.localdate() + timedelta(days=30)).isoformat()
    held = press("hold", reason="legal_claim", until=until)
    assert "Nothing is erased until then." in held
    assert "Needed for a legal claim" in held
    assert ">held<" in desk.get("/console/requests/").content.decode()
    assert "held no longer" in press("release")
    assert f"Answer both under {first.reference}" in page(desk, again)
    assert "No earlier open request" in press("merge", into="R-0000-0000")
    assert "The earlier request answers this one" in press("merge", into=first.reference)
    assert fresh(again).status == "duplicate"


def test_the_receipt_has_its_own_line_and_button(desk: Client, house: House) -> None:
    intake = services.Intake(rights=("access",), email=ANN, manner="api", regime="CCPA")
    who = data_subject(intake.id.hex, house.controller.pk.hex)
    request = services.receive(house.controller, intake, principal=who)
    assert "Confirm receipt" in page(desk, request)
    answer = desk.post(f"/console/requests/{request.pk}/acknowledge/", follow=True).content.decode()
    assert "The receipt is confirmed." in answer
    assert "done on" in answer
    assert "Confirm receipt" not in page(desk, ask(house, "access", email=BOB))


def test_what_does_not_go_on_is_said_until_it_does(desk: Client, house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    digest = request.plans.get().digest
    services.approve(request, digest, principal=house.principal)
    row = request.plans.get()
    counts, row.counts = row.counts, {}
    row.save(update_fields=["counts"])  # as somebody with the database would
    work()
    assert fresh(request).stuck_code == "state.conflict"
    assert "The work does not go on" in page(desk, request)
    assert "does not go on by itself" in desk.get("/console/").content.decode()
    assert ">stuck<" in desk.get("/console/requests/").content.decode()
    again = f"/console/requests/{request.pk}/go_on/"
    assert "It still does not go on" in desk.post(again).content.decode()
    row.counts = counts
    row.save(update_fields=["counts"])
    assert "The work goes on." in desk.post(again, follow=True).content.decode()
    assert fresh(request).stuck_code == ""
    work()
    assert fresh(request).status == "reviewing"
    assert "The work does not go on" not in page(desk, request)


def test_an_officer_answers_without_a_system_that_cannot_be_reached(
    house: House, ann: DataSubject, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    request = planned(house, "erasure")
    house.news.rename(house.news.with_suffix(".away"))
    press(desk, request, "approve", plan_digest=request.plans.get().digest)
    work()
    answer = desk.get(f"/console/requests/{request.pk}/")
    assert Page(answer).problems() == []
    text = answer.content.decode()
    assert "News could not be reached" in text
    assert "Send the answer" not in text
    refused = desk.post(f"/console/requests/{request.pk}/without/", {"follows": ""})
    assert "Choose what follows for what is missing" in refused.content.decode()
    assert press(desk, request, "without", follows="supplement") == 302
    work()
    assert "The answer goes out without News" in page(desk, request)
    assert press(desk, request, "respond") == 302
    text = page(desk, request)
    assert "Answered in part on" in text
    assert "We go on asking the system" not in text  # it was promised already: what is left is to refuse
    assert "We refuse that part" in text


def test_a_person_leads_to_their_requests_and_what_was_verified_is_searched(
    house: House, ann: DataSubject, desk: Client
) -> None:
    old, new = planned(house, "access"), planned(house, "erasure")
    other = planned(house, "access", email=BOB)
    link = f"/console/requests/?person={ann.pk}"
    assert link in desk.get(f"/console/people/{ann.pk}/").content.decode()
    text = desk.get(link).content.decode()
    assert text.index(new.reference) < text.index(old.reference)
    assert other.reference not in text
    assert "asked for nothing" in desk.get("/console/requests/?person=nobody").content.decode()


def test_a_plan_searches_by_what_an_officer_verified(house: House, desk: Client) -> None:
    who = operator(house.controller.pk.hex)
    person = subjects.register(house.controller, [("email", ANN)], principal=who, verified=True)
    subjects.register(house.controller, [("email", ANN), ("customer_id", "1")], principal=who)
    request = planned(house, "access")
    assert "nobody verified it" in page(desk, request)
    row = person.identifiers.get(type="customer_id")
    given = {"evidence": "called_back", "reason": "request_needs_it"}
    assert desk.post(f"/console/people/{person.pk}/identifiers/{row.pk}/verify/", given).status_code == 302
    press(desk, request, "plan")
    work()
    assert "nobody verified it" not in page(desk, request)


def test_the_page_says_when_two_holds_stand_and_what_releasing_one_does(
    house: House, ann: DataSubject, desk: Client
) -> None:
    until = house.controller.day_of() + timedelta(days=30)
    request = planned(house, "erasure")
    services.hold(request, "legal_claim", until, principal=house.principal)
    assert "If it is released, an approved erasure goes on. It holds this request alone." in page(desk, request)
    hold = subjects.place_hold(ann, reason="authority_order", until=None, principal=house.principal)
    press(desk, request, "approve", plan_digest=request.plans.get().digest)
    work()
    text = page(desk, request)
    assert "If this hold alone is released, the request goes to review with everything kept" in text
    assert "If this one alone is released, the request still waits for its own hold" in text
    before = house.rows(house.store, "customer")

    subjects.release_hold(hold.pk, ann, principal=house.principal)
    work()
    assert fresh(request).status == "executing"  # as the page said: its own hold
    hold = subjects.place_hold(ann, reason="authority_order", until=None, principal=house.principal)
    press(desk, request, "release")
    assert "in this and every other request of the person" in page(desk, request)
    work()
    assert fresh(request).status == "reviewing"  # as the page said: everything kept
    assert {row.outcome for row in request.outcomes.exclude(outcome="not_found")} == {"retained"}
    assert house.rows(house.store, "customer") == before


def test_what_can_be_done_stands_under_the_summary(house: House, ann: DataSubject, desk: Client) -> None:
    text = page(desk, planned(house, "erasure"))
    assert (
        text.index("Approve erasure of") < text.index("Refuse this request") < text.index("Who asks, and how we know")
    )


def test_a_paused_request_waits_for_nobody_here(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "access")
    assert b"Read the plan and approve it" in desk.get("/console/requests/?tab=waiting").content
    services.pause(fresh(request), "identity", principal=house.principal)
    text = desk.get("/console/requests/?tab=waiting").content.decode()
    assert request.reference not in text
    assert 'Waiting for you <span class="number">0</span>' in text
    today = desk.get("/console/").content.decode()
    assert "<strong>0</strong> <span>waiting for you</span>" in today


def test_today_leads_to_all_open_requests(house: House, desk: Client) -> None:
    for number in range(12):
        prove(ask(house, "access", email=f"person{number}@example.org"))
    text = desk.get("/console/").content.decode()
    assert '<a href="/console/requests/?tab=open">All 12 open requests</a>' in text


@pytest.mark.parametrize(
    ("role", "finds", "reads"),
    [(Role.PRIVACY_OFFICER, True, True), (Role.AUDITOR, False, True), (Role.ANALYST, False, False)],
)
def test_the_page_leads_nowhere_its_reader_may_not_go(
    role: Role, finds: bool, reads: bool, house: House, ann: DataSubject
) -> None:
    request = planned(house, "access", "erasure")
    services.hold(request, "legal_claim", timezone.now().date() + timedelta(days=9), principal=house.principal)
    subjects.place_hold(ann, reason="legal_claim", until=None, principal=house.principal)
    reader = signed_in(staff(house.controller, role, email="reader@staff.example"))
    text = page(reader, request)
    assert ("/console/people/" in text.partition("<main")[2], "/console/ledger/" in text.partition("<main")[2]) == (
        finds,
        reads,
    )
    assert "a registered person" in text
    assert "The address was proven" in text


def test_only_those_who_decide_are_told_that_something_waits_for_them(house: House, ann: DataSubject) -> None:
    planned(house, "access")
    for role, words in ((Role.PRIVACY_OFFICER, "aiting for you"), (Role.ANALYST, "aiting for an officer")):
        reader = signed_in(staff(house.controller, role, email=f"{role}@staff.example"))
        texts = [reader.get(path).content.decode() for path in ("/console/", "/console/requests/")]
        assert [words in text for text in texts] == [True, True]
        assert sum("aiting for " in text for text in texts) == 2


def test_the_day_to_confirm_by_is_the_day_where_the_controller_is(house: House, ann: DataSubject, desk: Client) -> None:
    request = planned(house, "access")
    controllers.change(house.controller, principal=house.principal, time_zone="America/Los_Angeles")
    end_of_day = datetime(2026, 12, 5, 7, 59, 59, tzinfo=UTC)
    SubjectRequest.objects.filter(pk=request.pk).recorded().update(acknowledge_by=end_of_day)
    assert "by 4 December 2026" in page(desk, request)
    SubjectRequest.objects.filter(pk=request.pk).recorded().update(acknowledged_at=end_of_day)
    assert "done on 4 December 2026" in page(desk, request)


@pytest.mark.parametrize(
    ("typed", "day"), [("2026-01-05", 5), ("05.01.2026", 5), ("5.1.2026", 5), ("01/05/2026", None), ("05-01-26", None)]
)
def test_a_day_is_read_one_way_or_refused(typed: str, day: int | None, house: House, desk: Client) -> None:
    answer = desk.post("/console/requests/new/", {"rights": ["access"], "email": ANN, "received_on": typed})
    if day is None:
        assert "Give a date such as 2026-03-14" in answer.content.decode()
        assert f'value="{typed}"' in answer.content.decode()
        assert not SubjectRequest.objects.exists()
    else:
        received = timezone.localdate(SubjectRequest.objects.get().received_at)
        assert (received.month, received.day) in {(1, day), (1, day - 1)}
