"""Answering in part: what was reached goes out in time, the missing system is named, asked again, or refused."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from dsar.errors import IllegalTransition
from dsar.models import RequestPackage, SubjectRequest
from governance.errors import BadInput, Conflict
from governance.models import LedgerEntry, SystemStep
from governance.policy.principal import data_subject
from governance.systems import runtime
from tests.dsar.conftest import ANN, BOB, House, approve, fresh, letters, planned, work

if TYPE_CHECKING:
    from pathlib import Path

    from governance.models import DataSubject

RIGHTS = pytest.mark.parametrize("rights", [("access",), ("erasure",), ("access", "erasure")], ids="+".join)


@pytest.fixture(autouse=True)
def _one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)


def under_review(house: House, *rights: str, breaks: str) -> tuple[SubjectRequest, Path]:
    """A request under review whose newsletter system broke before the search, or after it."""
    away = house.news.with_suffix(".away")
    if breaks == "search":
        house.news.rename(away)
    request = planned(house, *rights)
    if breaks == "work":
        house.news.rename(away)
    approve(house, request)
    work()
    assert fresh(request).status == "reviewing"
    return fresh(request), away


def answer(house: House, request: SubjectRequest) -> SubjectRequest:
    return services.respond(fresh(request), principal=house.principal)


def copy_of(house: House, request: SubjectRequest) -> dict[str, Any]:
    content = services.download(fresh(request), principal=data_subject(request.pk.hex, house.controller.pk.hex)).read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data: dict[str, Any] = json.loads(archive.read("data.json"))
        data["page"] = archive.read("index.html").decode()
    return data | {"tables": {section["collection"]: section for section in data["sections"]}}


@pytest.mark.parametrize("breaks", ["search", "work"])
@RIGHTS
def test_what_was_reached_is_answered_and_the_rest_follows_when_the_system_answers_again(
    house: House, ann: DataSubject, rights: tuple[str, ...], breaks: str
) -> None:
    request, away = under_review(house, *rights, breaks=breaks)
    with pytest.raises(Conflict, match="news could not be searched" if breaks == "search" else "failed"):
        answer(house, request)
    services.go_without(request, "supplement", principal=house.principal)
    work()
    the_first_part(house, request)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        work()  # it is still away: the step waits on, whatever the number of attempts
        assert SystemStep.objects.filter(job=request.pk, state="pending").exists()
        away.rename(house.news)
    with time_machine.travel(timezone.now() + timedelta(days=4), tick=True):
        work()
        if breaks == "search":
            approve(house, fresh(request))  # nobody has seen before what is there
            work()
        the_rest(house, request)


def the_first_part(house: House, request: SubjectRequest) -> None:
    assert fresh(request).status == "reviewing"
    sent = len(letters(house.controller))
    request = answer(house, request)
    said = "\n".join(letters(house.controller)[sent:])
    assert "We could not reach this system: News" in said
    assert "We look there again as soon as it can be reached, and write to you by" in said
    assert (request.responded_at, request.part_answered_at is None) == (None, False)  # its clock runs on
    if request.rights.filter(right="access").exists():
        part = copy_of(house, request)
        assert [row["email"] for row in part["tables"]["customer"]["rows"]] == [ANN]
        assert part["not_reached"] == ["News"]
        assert "This copy is not complete: we could not reach News." in part["page"]
        assert part["tables"]["subscriber"]["withheld"][0]["reason"] == "we could not reach the system that holds it"
    if request.rights.filter(right="erasure").exists():
        assert house.rows(house.store, "customer")[0][1] != ANN
        assert fresh(request).erased_at is None  # the person's key is needed for the rest


def the_rest(house: House, request: SubjectRequest) -> None:
    assert fresh(request).status == "reviewing"
    sent = len(letters(house.controller))
    request = answer(house, request)
    said = "\n".join(letters(house.controller)[sent:])
    assert "This is the rest of our answer." in said
    assert "could not reach this system" not in said
    assert request.status == "responded"
    if request.rights.filter(right="access").exists():
        whole = copy_of(house, request)
        assert [row["topics"] for row in whole["tables"]["subscriber"]["rows"]] == ["cats"]
        assert [row["email"] for row in whole["tables"]["customer"]["rows"]] == [ANN]
        assert whole["not_reached"] == []
    if request.rights.filter(right="erasure").exists():
        assert [row[0] for row in house.rows(house.news, "subscriber")] == [BOB]
        assert fresh(request).erased_at is not None
    assert set(request.rights.values_list("outcome", flat=True)) <= {"granted", "partly_granted"}


def test_the_rest_is_refused_in_words_and_nothing_is_tried_again(house: House, ann: DataSubject) -> None:
    request, away = under_review(house, "erasure", breaks="work")
    services.go_without(request, "refusal", principal=house.principal)
    work()
    request = answer(house, request)
    assert request.status == "responded"
    said = letters(house.controller)[-1]
    assert "We do not look there again for this request" in said
    assert "You can always complain with The Authority" in said
    assert request.rights.get().outcome == "partly_granted"
    away.rename(house.news)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        work()
    assert len(house.rows(house.news, "subscriber")) == 2


def test_what_was_promised_to_follow_can_be_refused_later(house: House, ann: DataSubject) -> None:
    request, _away = under_review(house, "access", breaks="work")
    services.go_without(request, "supplement", principal=house.principal)
    work()
    answer(house, request)
    with pytest.raises(BadInput):
        services.go_without(fresh(request), "supplement", principal=house.principal)
    services.go_without(fresh(request), "refusal", principal=house.principal)
    work()
    request = answer(house, request)
    assert (request.status, request.rights.get().outcome) == ("responded", "partly_granted")
    assert RequestPackage.objects.get(request=request).summary["missing"] == ["News"]
    assert "We do not look there again" in letters(house.controller)[-1]


def test_nothing_is_left_out_while_every_system_was_reached(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    approve(house, request)
    work()
    with pytest.raises(Conflict, match="no system to go without"):
        services.go_without(fresh(request), "supplement", principal=house.principal)


def test_the_answer_in_part_is_on_record(house: House, ann: DataSubject) -> None:
    request, _away = under_review(house, "access", breaks="work")
    services.go_without(request, "supplement", principal=house.principal)
    work()
    answer(house, request)
    rows = LedgerEntry.objects.filter(object_ref=f"request:{request.pk.hex}").values_list("payload", flat=True)
    details = [json.loads(row)["details"] for row in rows]
    told = {each["event"]: each["systems"] for each in details if each.get("event") in {"proceed", "respond_part"}}
    assert told == {"proceed": ["news"], "respond_part": ["news"]}


@pytest.mark.parametrize("end", ["withdraw", "refuse"])
def test_after_an_answer_in_part_nobody_says_that_nothing_was_changed(house: House, ann: DataSubject, end: str) -> None:
    request, _away = under_review(house, "erasure", breaks="search")
    services.go_without(request, "supplement", principal=house.principal)
    work()
    assert answer(house, request).status == "planning"
    more = ("other",) if end == "refuse" else ()
    with pytest.raises(IllegalTransition, match="answered in part"):
        getattr(services, end)(fresh(request), *more, principal=house.principal)


@pytest.mark.parametrize("breaks", ["search", "work"])
@pytest.mark.parametrize("rights", [("access",), ("access", "erasure")], ids="+".join)
def test_a_system_tried_again_is_copied_before_it_is_erased_in(
    house: House, ann: DataSubject, rights: tuple[str, ...], breaks: str
) -> None:
    request, away = under_review(house, *rights, breaks=breaks)
    services.go_without(request, "supplement", principal=house.principal)
    work()
    away.rename(house.news)
    services.retry(fresh(request), principal=house.principal)
    work()
    if breaks == "search":
        approve(house, fresh(request))  # nobody has seen before what is there
        work()
    assert answer(house, request).status == "responded"
    whole = copy_of(house, request)
    assert [row["topics"] for row in whole["tables"]["subscriber"]["rows"]] == ["cats"]
    assert [row["email"] for row in whole["tables"]["customer"]["rows"]] == [ANN]
    assert whole["not_reached"] == []
    assert len(house.rows(house.news, "subscriber")) == (1 if "erasure" in rights else 2)


def test_a_system_that_fails_again_is_decided_on_again(house: House, ann: DataSubject) -> None:
    request, _away = under_review(house, "access", "erasure", breaks="work")
    services.go_without(request, "refusal", principal=house.principal)
    work()
    services.retry(fresh(request), principal=house.principal)
    work()
    with pytest.raises(Conflict, match="failed"):
        answer(house, request)
    services.go_without(fresh(request), "refusal", principal=house.principal)
    work()
    assert answer(house, request).status == "responded"
    part = copy_of(house, request)
    assert ([row["email"] for row in part["tables"]["customer"]["rows"]], part["not_reached"]) == ([ANN], ["News"])


def test_a_copy_is_whole_where_only_erasing_failed(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    day = house.controller.day_of(timezone.now())
    services.hold(request, "legal_claim", day + timedelta(days=9), principal=house.principal)
    approve(house, request)
    work()  # the copy is made, and what was copied is still kept
    away = house.news.rename(house.news.with_suffix(".away"))
    services.release(fresh(request), principal=house.principal)
    work()
    services.go_without(fresh(request), "supplement", principal=house.principal)
    work()
    assert answer(house, request).part_answered_at is not None
    first = copy_of(house, request)
    assert ([row["topics"] for row in first["tables"]["subscriber"]["rows"]], first["not_reached"]) == (["cats"], [])
    services.go_without(fresh(request), "refusal", principal=house.principal)
    work()
    assert answer(house, request).status == "responded"
    assert (copy_of(house, request)["not_reached"], away.exists()) == ([], True)


@pytest.mark.parametrize("follows", ["supplement", "refusal"])
@pytest.mark.parametrize("is_sent", [True, False])
def test_nothing_is_erased_for_another_request_that_a_copy_was_promised_to_show(
    house: House, ann: DataSubject, follows: str, *, is_sent: bool
) -> None:
    request, away = under_review(house, "access", breaks="work")
    services.go_without(request, follows, principal=house.principal)
    work()
    if is_sent:
        answer(house, request)
        SystemStep.objects.filter(job=request.pk, state="pending").update(due_at=timezone.now() + timedelta(days=1))
    away.rename(house.news)
    second = planned(house, "erasure")
    if follows == "refusal":
        approve(house, second)  # nothing follows that could miss it
        return
    with pytest.raises(Conflict, match=f"The copy for {request.reference} of the same person is not made yet"):
        approve(house, second)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        if not is_sent:
            services.retry(fresh(request), principal=house.principal)
        work()
        approve(house, fresh(second))
        work()
        answer(house, request)
    assert [row["topics"] for row in copy_of(house, request)["tables"]["subscriber"]["rows"]] == ["cats"]
    assert [row[0] for row in house.rows(house.news, "subscriber")] == [BOB]


@pytest.mark.parametrize("moment", ["sent", "prepared", "tried_again"])
def test_what_was_erased_is_not_lost_to_a_second_plan(house: House, ann: DataSubject, moment: str) -> None:
    request, away = under_review(house, "access", "erasure", breaks="work" if moment == "tried_again" else "search")
    services.go_without(request, "supplement", principal=house.principal)
    work()
    if moment == "sent":
        answer(house, request)
    if moment == "tried_again":
        services.retry(fresh(request), principal=house.principal)
        work()
    assert house.rows(house.store, "customer")[0][1] != ANN
    assert not services.may_plan(fresh(request))
    with pytest.raises(Conflict, match="erased by now"):
        services.plan(fresh(request), principal=house.principal)
    away.rename(house.news)
    if moment != "sent":
        services.retry(fresh(request), principal=house.principal)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        work()
        if moment != "tried_again":
            approve(house, fresh(request))
            work()
        assert answer(house, request).status == "responded"
        whole = copy_of(house, request)["tables"]
    assert [row["email"] for row in whole["customer"]["rows"]] == [ANN]
    assert [row["topics"] for row in whole["subscriber"]["rows"]] == ["cats"]


@pytest.mark.parametrize("rights", [("access",), ("access", "erasure")], ids="+".join)
@pytest.mark.parametrize("breaks", ["search", "work"])
def test_a_first_part_can_be_fetched_until_the_whole_copy_is_sent(
    house: House, ann: DataSubject, rights: tuple[str, ...], breaks: str
) -> None:
    request, away = under_review(house, *rights, breaks=breaks)
    services.go_without(request, "supplement", principal=house.principal)
    work()
    answer(house, request)
    away.rename(house.news)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        work()
        if breaks == "search":
            approve(house, fresh(request))
            work()
        assert fresh(request).status == "reviewing"
        assert services.is_available(fresh(request))
        assert copy_of(house, request)["not_reached"] == ["News"]  # the whole one waits for its review
        answer(house, request)
        assert copy_of(house, request)["not_reached"] == []
        assert RequestPackage.objects.filter(request=request).count() == 1


def test_a_new_plan_after_a_first_part_is_copied_anew(house: House, ann: DataSubject) -> None:
    request, _away = under_review(house, "access", breaks="search")
    services.go_without(request, "supplement", principal=house.principal)
    work()
    answer(house, request)
    with closing(sqlite3.connect(house.store)) as connection, connection:
        connection.execute("UPDATE customer SET name = 'Ann Later' WHERE id = 1")
    services.plan(fresh(request), principal=house.principal)
    work()
    assert copy_of(house, request)["tables"]["customer"]["rows"][0]["name"] == "Ann Canary"
    approve(house, fresh(request))
    work()
    services.go_without(fresh(request), "refusal", principal=house.principal)
    work()
    assert answer(house, request).status == "responded"
    assert copy_of(house, request)["tables"]["customer"]["rows"][0]["name"] == "Ann Later"


def test_rows_that_came_after_a_whole_copy_are_not_erased_by_a_second_plan(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    with closing(sqlite3.connect(house.news)) as connection:
        connection.execute("CREATE TRIGGER broken BEFORE DELETE ON subscriber BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.execute("CREATE TRIGGER stuck BEFORE UPDATE ON subscriber BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.commit()
    approve(house, request)
    work()
    request = fresh(request)
    assert (request.status, services.unreached(request)) == ("reviewing", {"news": "News"})
    assert RequestPackage.objects.get(request=request).summary.get("missing", []) == []
    assert house.rows(house.store, "customer")[0][1] != ANN
    assert not services.may_plan(request)
    with pytest.raises(Conflict, match="record a new request for what came since"):
        services.plan(request, principal=house.principal)
