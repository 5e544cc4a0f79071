"""Run by test_races.py as a process of its own: threads choose at the same moment; prints what came of it."""

import json
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from consent import selectors, services
from consent.models import ConsentEvent, ConsentState
from governance.models import DataSubject, OutboxEvent
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.consent.conftest import Caller, House, caller_for, house_of

THREADS = 6
ROUNDS = 8
ANN, BEN = "ann@example.org", "ben@example.org"


def together(work: Callable[[int], Any]) -> list[Any]:
    """Let every thread begin at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> Any:
        barrier.wait(30)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def same_stranger(house: House) -> dict[str, int]:
    """Record the first choice of one unknown person in every thread."""

    def choose(number: int) -> None:
        choice = services.Choice(purpose=house.newsletter, state="withdrawn" if number % 2 else "given", method="api")
        services.record_for(house.controller, [("email", ANN)], [choice], principal=operator(house.controller.pk.hex))

    together(choose)
    return {"people": DataSubject.objects.count(), "events": ConsentEvent.objects.count()}


def same_person(house: House) -> dict[str, Any]:
    """Choose yes, no and objection at random moments, and compare the projection with a replay of the history."""
    subject = DataSubject.objects.get()
    start = timezone.now() - timedelta(hours=1)
    principal = operator(house.controller.pk.hex)

    def choose(_number: int) -> None:
        for _round in range(ROUNDS):
            services.record(
                subject,
                principal=principal,
                purpose=house.offers,
                state=secrets.choice(["given", "withdrawn", "objected", "refused"]),
                method="api",
                occurred_at=start + timedelta(minutes=secrets.randbelow(8)),
            )

    together(choose)
    row = ConsentState.objects.get(subject=subject, purpose=house.offers)
    (fact,) = selectors.facts_as_of(subject.pk, house.offers.pk, timezone.now(), house.offers.lawful_basis)
    return {
        "events": ConsentEvent.objects.filter(purpose=house.offers).count(),
        "told": OutboxEvent.objects.count(),
        "agree": (row.event_id, row.state, row.occurred_at, row.objected_at)
        == (fact.event_id, fact.state, fact.occurred_at, fact.objected_at),
    }


def same_key(caller: Caller) -> dict[str, Any]:
    """Send one call with one Idempotency-Key from every thread."""

    def send(_number: int) -> tuple[int, str]:
        response = caller.record("withdrawn", BEN, idempotency_key="once")
        return response.status_code, response.json().get("id", "")

    answers = together(send)
    return {
        "statuses": sorted({status for status, _id in answers}),
        "ids": len({id_ for status, id_ in answers if status == 201}),
        "events": ConsentEvent.objects.filter(purpose__key="newsletter", state="withdrawn").count(),
    }


def main() -> None:
    """Run every race on the database of the environment."""
    house = house_of("acme", is_default=True)
    caller = caller_for(house, Role.INTEGRATOR)
    stranger = same_stranger(house)
    person = same_person(house)
    withdrawn = ConsentEvent.objects.filter(purpose__key="newsletter", state="withdrawn").count()
    key = same_key(caller)
    key["events"] -= withdrawn
    sys.stdout.write(json.dumps({"stranger": stranger, "person": person, "key": key}) + "\n")
