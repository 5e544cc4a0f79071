"""Run as a process of its own by test_restore.py: does one thing in an installation, and prints what came of it."""

import json
import os
import signal
import sys

import django


def register(address: str) -> str:
    """Register a person, and answer who it is."""
    from governance import subjects
    from governance.models import Controller
    from governance.policy.principal import operator

    house, _new = Controller.objects.get_or_create(slug="acme", defaults={"name": "Acme", "is_default": True})
    person = subjects.register(house, [("email", address)], principal=operator(house.pk.hex))
    tick()
    return str(person.pk.hex)


def erase(person: str) -> str:
    """Erase a person."""
    from governance import subjects
    from governance.models import DataSubject
    from governance.policy.principal import operator

    row = DataSubject.objects.get(pk=person)
    subjects.erase(row, principal=operator(row.controller_id.hex))
    tick()
    return str(DataSubject.objects.get(pk=person).status)


def erase_and_die(person: str) -> None:
    """Commit an erasure and be killed before the file hears of it."""
    from governance.subjects import outside

    outside.write_waiting = lambda: os.kill(os.getpid(), signal.SIGKILL)
    erase(person)


def write_and_die(person: str) -> None:
    """Write the line and be killed before the database hears of it."""
    from governance.subjects import outside

    outside.mark = lambda _line: os.kill(os.getpid(), signal.SIGKILL)
    erase(person)


def read(person: str) -> str:
    """Answer the person's address, by the real path; "erased" where nothing opens."""
    from governance import vault
    from governance.errors import Erased
    from governance.fields import Scope
    from governance.models import DataSubject
    from governance.policy.principal import worker

    row = DataSubject.objects.get(pk=person)
    identifier = row.identifiers.first()
    if identifier is None:
        try:
            vault.seal("again", label="subject.identifier", scope=Scope(row.controller_id.hex, "subject", row.pk.hex))
        except Erased:
            return str(row.status)
        return "a new key was minted"
    principal = worker(row.controller_id.hex)
    return str(vault.reveal(identifier.value, principal=principal, purpose="subject_request"))


def ready() -> list[str]:
    """Answer what /readyz complains about."""
    from django.test import RequestFactory

    from governance.api.operations import readyz

    found: list[str] = json.loads(readyz(RequestFactory().get("/readyz")).content)["failed"]
    return found


def tick() -> int:
    """Do what is due."""
    from governance.tasks import work_once

    return work_once()


def types() -> list[str]:
    """Answer the types of all events."""
    from governance.models import LedgerEntry

    return list(LedgerEntry.objects.values_list("type", flat=True))


def lines() -> int:
    """Answer how many lines the file has."""
    from governance.subjects import outside

    return len(list(outside.verified()))


if __name__ == "__main__":
    django.setup()
    # Several things in one process: starting one costs more than what it does.
    came = [globals()[command](*arguments) for command, *arguments in json.loads(sys.argv[1])]
    sys.stdout.write(json.dumps(came) + "\n")
