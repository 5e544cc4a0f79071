"""Run by test_rotation_processes.py as processes of their own: prepare, rotate, read; prints what came of it."""

from __future__ import annotations

import os
import sys
import time
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")

PEOPLE = 1_500


def prepare() -> None:
    from governance.fields import Scope
    from governance.keys import data_keys, rotation
    from governance.models import Controller

    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    data_keys.sealers([Scope(controller.pk.hex, "subject", UUID(int=number + 1).hex) for number in range(PEOPLE)])
    rotation.rotate(controller.pk)


def rotate(batch: str) -> None:
    from governance.keys import rotation

    while rotation.rewrap(batch=int(batch)):
        pass
    rotation.end_emptied()


def mint(count: str) -> None:
    """Create one person's key in every process at once, at the moment the clock says."""
    from governance.fields import Scope
    from governance.keys import data_keys
    from governance.models import Controller

    controller = Controller.objects.get()
    moment = float(count)
    Controller.objects.count()  # the connection is open
    time.sleep(max(0.0, moment - time.time()))
    ids = {data_keys.sealer(Scope(controller.pk.hex, "subject", UUID(int=number).hex)).key_id.hex()
           for number in range(10**6, 10**6 + 20)}  # fmt: skip
    sys.stdout.write(",".join(sorted(ids)) + "\n")


def read(seconds: str) -> None:
    """Open everybody's key again and again, past every cache; fails with the first that does not open."""
    from governance.fields import Scope
    from governance.keys import data_keys
    from governance.models import Controller

    controller = Controller.objects.get()
    ends, rounds = time.monotonic() + float(seconds), 0
    scopes = [Scope(controller.pk.hex, "subject", UUID(int=number + 1).hex) for number in range(PEOPLE)]
    while time.monotonic() < ends:
        for start in range(0, PEOPLE, 500):
            data_keys.forget()
            assert all(data_keys.opener(scopes[start : start + 500]).values())
        rounds += 1
    sys.stdout.write(f"{rounds}\n")


if __name__ == "__main__":
    django.setup()
    {"prepare": prepare, "rotate": rotate, "mint": mint, "read": read}[sys.argv[1]](*sys.argv[2:])
