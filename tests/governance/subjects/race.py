"""Run as processes of their own by test_races.py: one erases people while others attach and write."""

from __future__ import annotations

import json
import secrets
import sys
import time
from typing import Any

import django

PEOPLE = 4
PATIENCE = 60.0


def prepare() -> list[str]:
    """Register people in an empty database."""
    from governance import subjects
    from governance.models import Controller

    house = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    return [
        subjects.register(house, [("customer_id", f"C-{number}")], principal=_who(house)).pk.hex
        for number in range(PEOPLE)
    ]


def attach(*people: str) -> list[int]:
    """Attach identifiers to each person as fast as it goes, until the person is somebody else or no more."""
    from governance import subjects
    from governance.errors import Conflict, Erased
    from governance.models import Controller

    house, done = Controller.objects.get(), []
    for number, person in enumerate(people):
        turns = 0
        while True:
            named = [("customer_id", f"C-{number}"), ("device_id", f"{person}-{secrets.token_hex(4)}")]
            try:
                found = subjects.register(house, named, principal=_who(house))
            except (Conflict, Erased):
                break
            if found.pk.hex != person:
                break
            turns += 1
        done.append(turns)
    return done


def write(*people: str) -> list[int]:
    """Write sealed bodies about each person, until the key is gone."""
    from uuid import UUID

    from django.db import transaction

    from governance import audit
    from governance.errors import Erased
    from governance.models import Controller
    from governance.policy.vocabulary import AuditType

    house, done = Controller.objects.get(), []
    for person in people:
        turns = 0
        while True:
            try:
                with transaction.atomic():
                    audit.record(
                        AuditType.SUBJECT_RESTRICTED,
                        actor=_who(house),
                        controller_id=house.pk,
                        subject_id=UUID(person),
                        body={"turn": turns},
                    )
            except Erased:
                break
            turns += 1
        done.append(turns)
    return done


def erase(*people: str) -> list[int]:
    """Erase each person in the middle of what the others do."""
    from governance import subjects
    from governance.models import AuditBody, DataSubject

    for person in people:
        row, ends = DataSubject.objects.get(pk=person), time.monotonic() + PATIENCE
        while row.identifiers.count() < 2 or not AuditBody.objects.filter(subject_id=person).exists():
            assert time.monotonic() < ends
            time.sleep(0.005)
        time.sleep(secrets.randbelow(40) / 1000)
        subjects.erase(row, principal=_who(row.controller))
    return [len(people)]


def judge(*people: str) -> dict[str, int]:
    """Count what must not be there."""
    from governance.models import AuditBody, BlindIndex, DataKey, DataSubject, SubjectIdentifier
    from governance.subjects import certifying

    erased = dict(DataSubject.objects.filter(pk__in=people).values_list("pk", "erased_at"))
    bodies = AuditBody.objects.filter(subject_id__in=people).values_list("subject_id", "entry__recorded_at")
    return {
        "erased": sum(at is not None for at in erased.values()),
        "indexes": BlindIndex.objects.filter(subject__in=people).count(),
        "identifiers": SubjectIdentifier.objects.filter(subject__in=people).count(),
        "keys": DataKey.objects.filter(scope_id__in=people).exclude(wrapped=None).count(),
        "bodies": len(bodies),
        "sealed_later": sum(at > erased[person] for person, at in bodies),
        "certified": certifying.certify_waiting(),
    }


def read(person: str) -> None:
    """Open a value each time a line comes in, and say what came out; the key stays in this process meanwhile."""
    from governance import vault
    from governance.errors import Erased
    from governance.models import DataSubject
    from governance.policy.principal import worker

    row = DataSubject.objects.get(pk=person)
    held = row.identifiers.get().value
    for _line in sys.stdin:
        try:
            found = vault.reveal(held, principal=worker(row.controller_id.hex), purpose="subject_request")
        except Erased:
            found = "erased"
        sys.stdout.write(f"{found}\n")
        sys.stdout.flush()


def erase_now(person: str) -> str:
    """Erase one person at once."""
    from governance import subjects
    from governance.models import DataSubject

    row = DataSubject.objects.get(pk=person)
    subjects.erase(row, principal=_who(row.controller))
    return "done"


def _who(house: Any) -> Any:
    from governance.policy.principal import operator

    return operator(house.pk.hex)


if __name__ == "__main__":
    django.setup()
    command, *arguments = sys.argv[1:]
    sys.stdout.write(json.dumps(globals()[command](*arguments)) + "\n")
