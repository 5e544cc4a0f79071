"""The queue when there are many: pages that follow each other without a gap, and the same queries for few and many."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid5

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dsar import services
from dsar.lifecycle import Status
from dsar.models import SubjectRequest
from dsar.selectors import queue
from governance.errors import BadInput
from governance.models import LedgerEntry
from governance.policy.principal import operator
from tests.dsar.conftest import ANN, House
from tests.governance.conftest import signed_in

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def past(number: int, **more: Any) -> services.Past:
    """A request received so many hours ago, one in three of them closed."""
    received_at = timezone.now() - timedelta(days=3, hours=number // 2)
    told: dict[str, Any] = {"status": Status.PLANNING, "email": f"p{number}@example.org"}
    if number % 3 == 0:
        told = {"status": Status.CLOSED, "closed_at": received_at + timedelta(days=1)}
    told |= {"rights": ("access",), "regime": "GDPR", "manner": "api", "received_at": received_at}
    return services.Past(**told | {"verified_at": received_at} | more)


def take_over(house: House, numbers: range) -> None:
    who = operator(house.controller.pk.hex)
    services.import_many(house.controller, [past(number) for number in numbers], principal=who)


def test_pages_follow_each_other_without_gap_or_overlap(house: House) -> None:
    take_over(house, range(60))
    now = timezone.now()
    rows = queue.tab(house.principal, house.controller, "open", now)
    whole = [row.pk for row in rows]
    assert len(whole) == 40
    seen, after = [], ""
    for _page in range(10):
        with CaptureQueriesContext(connection) as queries:
            shown, after = queue.page_of(rows, after, 7)
        assert len(queries) <= 4
        seen += [row.pk for row in shown]
        if not after:
            break
    assert seen == whole


@pytest.mark.parametrize("after", ["", "zz", "0" * 32, "é" * 32, "'--", "²" * 32])
def test_an_unknown_place_is_the_beginning(house: House, after: str) -> None:
    take_over(house, range(10))
    rows = queue.tab(house.principal, house.controller, "open", timezone.now())
    assert queue.page_of(rows, after, 3)[0] == queue.page_of(rows, "", 3)[0]


def test_home_and_queue_cost_the_same_for_few_and_many(house: House, ann: DataSubject) -> None:
    desk = signed_in(house.officer)

    def costs() -> list[int]:
        found = []
        for path in ("/console/", *(f"/console/requests/?tab={name}" for name in queue.TABS)):
            with CaptureQueriesContext(connection) as queries:
                assert desk.get(path).status_code == 200
            found.append(len(queries))
        return found

    take_over(house, range(9))
    costs()
    few = costs()
    take_over(house, range(9, 400))
    assert costs() == few
    assert "Further" in desk.get("/console/requests/").content.decode()


def test_what_is_taken_over_is_whole_or_refused(house: House, ann: DataSubject) -> None:
    who = operator(house.controller.pk.hex)
    now = timezone.now()
    for wrong in (
        {"status": Status.EXECUTING},
        {"email": ""},
        {"closed_at": now},
        {"verified_at": None},
        {"refusal_reason": "no_match"},
        {"rights": ()},
    ):
        with pytest.raises(BadInput):
            services.import_many(house.controller, [past(1), past(1, **wrong)], principal=who)
    assert not SubjectRequest.objects.exists()
    known = past(1, subject=ann, email=ANN)
    for _time in range(2):  # told twice, it is taken over once
        services.import_many(house.controller, [known], principal=who)
    row = SubjectRequest.objects.get()
    assert (row.pk, row.subject, row.status) == (uuid5(house.controller.pk, known.id.hex), ann, "planning")
    assert row.rights.get().derivation["derivation"]
    entries = LedgerEntry.objects.filter(object_ref=f"request:{row.pk.hex}")
    assert {entry.type for entry in entries} == {"request.received", "request.changed"}
    assert all(entry.subject_ref for entry in entries)


def test_what_is_planned_after_being_taken_over_is_carried_out(house: House, ann: DataSubject) -> None:
    from tests.dsar.conftest import approve, fresh, work

    who = operator(house.controller.pk.hex)
    (request,) = services.import_many(house.controller, [past(1, subject=ann, email=ANN)], principal=who)
    work()
    assert fresh(request).status == "awaiting_approval"
    approve(house, fresh(request))
    work()
    assert fresh(request).status == "reviewing"
