"""The contact log through its door: kept once, without content, of known people alone, and shown to the person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import sockets
from consent.models import Contact
from governance import subjects
from governance.models import DataSubject, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.consent.conftest import JANE, Caller, House, caller_for, house_of
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from django.http import HttpResponse

STRANGER = "nobody.canary@example.org"


def message(value: str = JANE, **more: Any) -> dict[str, Any]:
    known = {"subject": {"type": "email", "value": value}, "purpose": "newsletter", "channel": "email"}
    return known | {"message_class": "marketing", "campaign": "spring-26"} | more


def send(caller: Caller, *messages: dict[str, Any], **headers: str) -> HttpResponse:
    return caller.post("/v1/contacts", {"contacts": list(messages)}, **headers)


def test_an_unusable_identifier_is_named_in_its_place(caller: Caller) -> None:
    answer = send(caller, message(), message("nobody"))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/contacts/1/subject/value"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T00:00:00Z"])
def test_a_moment_outside_the_calendar_is_refused(caller: Caller, at: str) -> None:
    answer = send(caller, message(sent_at=at))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/contacts/0/sent_at")


@pytest.fixture
def jane(house: House) -> DataSubject:
    return subjects.register(house.controller, [("email", JANE)], principal=operator(house.controller.pk.hex))


def test_what_was_sent_is_kept_and_shown_to_the_person(caller: Caller, house: House, jane: DataSubject) -> None:
    at = timezone.now() - timedelta(days=3)
    answer = send(caller, message(sent_at=at.isoformat()), message(purpose="offers"))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    (copy,) = [row for row in sockets.export(jane.pk)["messages"] if row["purpose"] == house.newsletter.name]
    assert copy == {
        "purpose": house.newsletter.name,
        "channel": "email",
        "kind": "marketing",
        "campaign": "spring-26",
        "sent": at.isoformat(),
    }
    officer = staff(house.controller, Role.PRIVACY_OFFICER)
    page = signed_in(officer).get(f"/console/consent/{jane.pk}/").content.decode()
    assert "spring-26" in page
    events = LedgerEntry.objects.filter(type="contact.recorded")
    assert events.count() == 1
    assert '"count":2' in events[0].payload
    assert jane.pk.hex not in events[0].payload


def test_a_stranger_is_not_kept_and_not_told_apart(caller: Caller, jane: DataSubject) -> None:
    known, unknown = send(caller, message()), send(caller, message(STRANGER))
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert Contact.objects.get().subject == jane
    assert DataSubject.objects.count() == 1


def test_told_twice_it_is_kept_once(caller: Caller, jane: DataSubject) -> None:
    own = str(uuid4())
    for _time in range(2):
        assert send(caller, message(id=own)).status_code == 202
        assert send(caller, message(), message(), **{"Idempotency-Key": "mailing-7"}).status_code == 202
    assert Contact.objects.count() == 3
    # One event for the message with an id, one for the two without: what was known already is no event.
    assert LedgerEntry.objects.filter(type="contact.recorded").count() == 2


def test_two_controllers_may_choose_the_same_id(caller: Caller, jane: DataSubject) -> None:
    other = house_of("globex")
    theirs = subjects.register(other.controller, [("email", JANE)], principal=operator(other.controller.pk.hex))
    own = str(uuid4())
    send(caller, message(id=own))
    send(caller_for(other, Role.INTEGRATOR), message(id=own))
    assert set(Contact.objects.values_list("subject", flat=True)) == {jane.pk, theirs.pk}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"purpose": "nothing"}, "/contacts/0/purpose"),
        ({"channel": "pigeon"}, "/contacts/0/channel"),
        ({"message_class": "secret.canary"}, "/contacts/0/message_class"),
        ({"campaign": "to jane.doe@example.org"}, "/contacts/0/campaign"),
        ({"sent_at": "2999-01-01T00:00:00+00:00"}, "/contacts/0/sent_at"),
        ({"body": "Dear canary"}, "/contacts/0/body"),
    ],
)
def test_what_does_not_fit_is_named_and_never_repeated(
    caller: Caller, jane: DataSubject, changed: dict[str, Any], pointer: str
) -> None:
    answer = send(caller, message(**changed), message())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert "canary" not in answer.content.decode()
    assert "jane.doe" not in answer.content.decode()
    assert not Contact.objects.exists()


def test_a_service_keeps_to_its_purposes_and_its_right(house: House, jane: DataSubject) -> None:
    narrow = caller_for(house, Role.COLLECTOR, purposes=("offers",), name="mailing")
    assert send(narrow, message(purpose="offers")).status_code == 202
    assert send(narrow, message(), message(purpose="offers")).status_code == 403
    assert send(caller_for(house, Role.CHECKER, name="asks"), message()).status_code == 403
    assert Contact.objects.count() == 1


def test_an_erased_person_has_no_log(caller: Caller, jane: DataSubject) -> None:
    send(caller, message())
    subjects.erase(jane, principal=operator(jane.controller_id.hex))
    assert not Contact.objects.exists()
    assert send(caller, message()).status_code == 202
    assert not Contact.objects.exists()


def test_statements_grow_by_one_for_a_hundred_messages(caller: Caller, jane: DataSubject) -> None:
    def cost(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert send(caller, *(message() for _ in range(count))).status_code == 202
        return len([each for each in queries if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    cost(1)
    assert cost(400) - cost(1) <= 4  # SQLite takes a hundred rows a statement
