"""Run as a process of its own: prepares a request on an empty database, or works on what is due; used by one test."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")


def prepare(folder: Path) -> None:
    """Build the house, and bring one erasure to its approval."""
    from governance import subjects
    from governance.policy.principal import operator
    from tests.dsar.conftest import ANN, approve, build_house, planned

    house = build_house(folder)
    subjects.register(house.controller, [("email", ANN)], principal=operator(house.controller.pk.hex))
    request = planned(house, "access", "erasure")
    approve(house, request)
    sys.stdout.write(f"{request.pk.hex}\n")


def hang_in(kind: str, when: str) -> None:
    """Work until the first step of a kind, and hang there for the parent to kill."""
    from governance.systems import working

    real = working.carry_out

    def hanging(step, renew):  # type: ignore[no-untyped-def]
        if step.kind == kind and when == "before":
            _hang()
        result = real(step, renew)
        if step.kind == kind and when == "after":
            _hang()
        return result

    working.carry_out = hanging
    work(30.0)


def _hang() -> None:
    sys.stdout.write("hanging\n")
    sys.stdout.flush()
    time.sleep(60)


def work(seconds: float) -> None:
    """Work as the tick does until the request is reviewed, or the time is over."""
    from dsar import tasks
    from dsar.models import SubjectRequest

    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not SubjectRequest.objects.filter(status="reviewing").exists():
        if not tasks.work():
            time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    command, *arguments = sys.argv[1:]
    if command == "prepare":
        prepare(Path(arguments[0]))
    elif command == "hang":
        hang_in(*arguments)
    else:
        work(float(arguments[0]))
