"""Histories of many people at once: row for row what record_for() writes for each, and the same decisions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent import services
from consent.errors import EventFromTheFuture, IllegalTransition
from consent.lifecycle import State
from consent.models import ConsentEvent, ConsentState
from consent.services import Choice, History
from governance import subjects, vault
from governance.errors import BadInput
from governance.models import DataSubject, LedgerEntry, LedgerPending, OutboxEvent
from governance.policy.principal import operator, worker
from tests.consent.conftest import House, house_of

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
EMAILS = ("ada@example.org", "ben@example.org", "cleo@example.org")


def history(house: House, email: str, *steps: tuple[str, str, int], **more: Any) -> History:
    """Steps are a purpose, a state and the day it happened on."""
    by_key = {each.key: each for each in (house.newsletter, house.offers, house.delivery)}
    choices = [
        Choice(
            purpose=by_key[purpose],
            state=state,
            method="web_form",
            notice_revision=house.notice if state == State.GIVEN else None,
            collection_point="shop",
            occurred_at=START + timedelta(days=day),
            **more,
        )
        for purpose, state, day in steps
    ]
    return History([("email", email)], choices)


def histories(house: House) -> list[History]:
    ada, ben, cleo = EMAILS
    return [
        history(house, ada, ("newsletter", "given", 0), ("newsletter", "withdrawn", 9), ("newsletter", "given", 20)),
        history(house, ben, ("newsletter", "refused", 3), ("offers", "objected", 5), ("offers", "given", 6)),
        history(house, cleo, ("newsletter", "given", 1), channel="email", evidence={"page": "sign-up", "by": cleo}),
        # The same person once more, with what arrives late and with a state that only the earlier events allow.
        history(house, ada, ("newsletter", "revoked", 30), ("newsletter", "given", 4)),
    ]


def one_by_one(house: House) -> list[DataSubject]:
    principal = operator(house.controller.pk.hex)
    for each in histories(house):
        services.record_for(house.controller, each.identifiers, each.choices, principal=principal, verified=True)
    return [subjects.find(house.controller, [("email", email)]) for email in EMAILS]


def at_once(house: House) -> list[DataSubject]:
    principal = operator(house.controller.pk.hex)
    people = services.import_many(house.controller, histories(house), principal=principal, verified=True)
    assert people[0] == people[3]
    return people[:3]


def written(house: House, people: list[DataSubject]) -> dict[str, Any]:
    number = {person.pk: place for place, person in enumerate(people)}
    principal = worker(house.controller.pk.hex)

    def opened(event: ConsentEvent) -> object:
        return event.evidence and vault.reveal(event.evidence, principal=principal, purpose="subject_request")

    entries = LedgerEntry.objects.filter(controller=house.controller.pk).exclude(type="subject.revealed")
    pending = LedgerPending.objects.exclude(entry__type="subject.revealed").filter(
        entry__controller=house.controller.pk
    )
    return {
        "events": sorted(
            (
                number[each.subject_id], each.purpose.key, each.purpose_version, each.channel, each.state,
                each.consent_type, each.method, each.notice_revision and each.notice_revision.version,
                each.collection_point, each.occurred_at, str(each.expires_at), each.actor_ref, str(opened(each)),
            )
            for each in ConsentEvent.objects.filter(controller=house.controller)
        ),
        "states": sorted(
            (
                number[each.subject_id], each.purpose.key, each.channel, each.state, each.consent_type, each.method,
                str(each.notice_version), each.occurred_at, str(each.expires_at), str(each.objected_at),
                each.event.state, each.event.occurred_at,
            )
            for each in ConsentState.objects.filter(controller=house.controller)
        ),
        "ledger": sorted(
            json.dumps({name: json.loads(each.payload)[name] for name in ("type", "actor", "purpose", "decision")})
            + json.dumps(json.loads(each.payload)["details"])
            for each in entries
            if each.type.startswith(("subject", "consent", "key"))
        ),
        "pending": pending.count(),
        "outbox": sorted(
            (number[each.subject_id], each.type, json.dumps({**each.payload, "event": ""}, sort_keys=True))
            for each in OutboxEvent.objects.filter(controller=house.controller)
        ),
    }  # fmt: skip


def test_many_at_once_write_what_one_by_one_writes(db: None) -> None:
    first, second = house_of("acme", is_default=True), house_of("umbrella")
    found = written(first, one_by_one(first)), written(second, at_once(second))
    assert found[0] == found[1]
    assert len(found[0]["events"]) == 9
    assert len(found[0]["states"]) == 4


def test_histories_of_known_people_go_on_from_what_counts(house: House) -> None:
    people = at_once(house)
    assert ConsentState.objects.get(subject=people[0]).state == State.REVOKED
    more = [history(house, EMAILS[0], ("newsletter", "given", 40)), history(house, EMAILS[1], ("offers", "given", 50))]
    services.import_many(house.controller, more, principal=operator(house.controller.pk.hex))
    assert ConsentState.objects.get(subject=people[0]).state == State.GIVEN
    assert ConsentState.objects.count() == 4
    # Asking again never lifts an objection.
    assert ConsentState.objects.get(subject=people[1], purpose=house.offers).objected_at == START + timedelta(days=5)


def future(house: House) -> History:
    return history(house, "dov@example.org", ("newsletter", "given", 10_000))


def impossible(house: House) -> History:
    return history(house, "dov@example.org", ("newsletter", "refused", 1), ("newsletter", "revoked", 2))


def unfit(house: House) -> History:
    return history(house, "dov@example.org", ("newsletter", "given", 1), channel="pigeon")


@pytest.mark.parametrize(
    ("bad", "error"), [(future, EventFromTheFuture), (impossible, IllegalTransition), (unfit, BadInput)]
)
def test_one_history_that_is_refused_refuses_all(
    house: House, bad: Callable[[House], History], error: type[Exception]
) -> None:
    before = LedgerEntry.objects.count()
    with pytest.raises(error):
        services.import_many(
            house.controller, [*histories(house), bad(house)], principal=operator(house.controller.pk.hex)
        )
    assert not DataSubject.objects.exists()
    assert not ConsentEvent.objects.exists()
    assert LedgerEntry.objects.count() == before


def test_the_number_of_statements_does_not_grow(house: House) -> None:
    def load(start: int, count: int) -> int:
        people = [
            history(house, f"p{each}@example.org", ("newsletter", "given", 0), ("newsletter", "withdrawn", 1))
            for each in range(start, start + count)
        ]
        with CaptureQueriesContext(connection) as queries:
            services.import_many(house.controller, people, principal=operator(house.controller.pk.hex))
        return len(queries)

    few = load(0, 2)  # makes the controller's key as well, and a few events are written in one statement, many in two
    assert load(2, 30) == load(32, 45) <= few + 1
    assert load(77, 90) <= few + 3  # 180 events are two batches of rows
