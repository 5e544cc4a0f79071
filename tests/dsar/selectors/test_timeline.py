"""The story of a request: what people do stands alone, what the service does by itself is folded, nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from dsar import services
from dsar.selectors.timeline import Moment, chapters, timeline
from dsar.verification import reference_of
from tests.dsar.conftest import House, approve, fresh, planned, work

if TYPE_CHECKING:
    from governance.models import DataSubject


def moment(type_: str, words: str = "", who: str = "this service", *, is_failure: bool = False) -> Moment:
    return Moment(datetime(2026, 3, 1, tzinfo=UTC), type_, words or type_, who, "", uuid4(), is_failure)


def test_openings_and_steps_of_the_service_are_one_chapter() -> None:
    told = [
        moment("request.changed", "The plan was made and locating began"),
        moment("subject.revealed"),
        moment("step.finished"),
        moment("subject.revealed"),
        moment("step.finished", is_failure=True),
        moment("request.changed", "Everything was counted; the plan waits for approval"),
        moment("subject.revealed"),
    ]
    assert [chapter.words for chapter in chapters(told)] == [
        "The plan was made and locating began",
        "2 steps on the connected systems, 1 of them failed, sealed values were opened 2 times",
        "Everything was counted; the plan waits for approval",
        "Sealed values were opened once",
    ]


def test_what_different_people_do_is_never_one_chapter() -> None:
    told = [
        moment("subject.revealed"),
        moment("subject.revealed", who="staff"),
        moment("subject.revealed", who="staff"),
    ]
    assert [len(chapter.moments) for chapter in chapters(told)] == [1, 2]
    asked = [moment("request.changed", "A fresh code was sent", "the person") for _ in range(2)]
    assert [chapter.words for chapter in chapters(asked)] == ["A fresh code was sent"]


@pytest.mark.django_db
def test_a_whole_request_is_told_in_a_screen(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    told = timeline(reference_of(request))
    folded = chapters(told)
    assert [each for chapter in folded for each in chapter.moments] == told
    assert len(folded) <= 16 < len(told)
    words = [chapter.words for chapter in folded]
    for said in ("The request came in", "The address was proven", "The plan was approved", "The answer went out"):
        assert said in words
