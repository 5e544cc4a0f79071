"""What the ledger's benchmark runs in processes of their own: clients, a writer, a sequencer; for benchmarks only."""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  # after setup

from governance import audit, ledger  # noqa: E402  # after setup
from governance.audit.sequencer import sequence  # noqa: E402  # after setup
from governance.ledger import LedgerEvent  # noqa: E402  # after setup
from governance.policy.principal import STAFF, Principal  # noqa: E402  # after setup
from governance.policy.vocabulary import AuditType  # noqa: E402  # after setup

WHO = Principal(STAFF, uuid.uuid4().hex, frozenset(), frozenset())
EVENT = LedgerEvent(
    type=AuditType.PURPOSE_CHANGED,
    actor_ref=WHO.ref,
    object_ref=f"purpose:{uuid.uuid4().hex}",
    purpose="newsletter",
    decision="allow",
    details={"version": 7, "fields": ["name", "channels"]},
)


def _record() -> None:
    audit.record(AuditType.PURPOSE_CHANGED, actor=WHO, object_ref=EVENT.object_ref, details=EVENT.details)


def _ask_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


#: What a business transaction does besides its business.
BESIDES: dict[str, Callable[[], None]] = {"nothing": lambda: None, "event": _record, "empty statement": _ask_nothing}


def clients(count: int) -> None:
    """Run business transactions of 5 ms in this many threads, for each line of input: seconds and what else they do.

    Answers a line with how many there were. Connections and processes stand before the first, so none is measured.
    """

    def client(besides: Callable[[], None], end: float) -> int:
        done = 0
        while time.monotonic() < end:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.005)")
                    cursor.execute("INSERT INTO bench_business (note) VALUES ('x')")
                besides()
            done += 1
        return done

    with ThreadPoolExecutor(count) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            seconds, besides = line.strip().split(" ", 1)
            end = time.monotonic() + float(seconds)
            done = [pool.submit(client, BESIDES[besides], end) for _ in range(count)]
            print(sum(each.result() for each in done), flush=True)


def fill(count: int, at_once: int = 2000) -> None:
    """Append events as fast as it goes."""
    for first in range(0, count, at_once):
        with transaction.atomic():
            ledger.append_many([EVENT] * min(at_once, count - first))


def offer(rate: int, seconds: float) -> None:
    """Append events at a rate, a few in each transaction."""
    began, written = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        due = int(passed * rate) - written
        if due > 0:
            fill(due, due)
            written += due
        time.sleep(0.005)


def follow(seconds: float) -> list[tuple[float, float, int]]:
    """Sequence for a while, and answer when each batch began, when it was committed, and how large it was."""
    batches, end = [], time.time() + seconds
    while time.time() < end:
        began = time.time()
        if done := sequence():
            batches.append((began, time.time(), done))
        else:
            time.sleep(0.02)
    return batches


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    numbers = [float(each) for each in arguments]
    if name == "clients":
        clients(int(numbers[0]))
    elif name == "follow":
        print("ready", flush=True)
        print(json.dumps(follow(numbers[0])))
    else:
        {"fill": fill, "offer": offer}[name](int(numbers[0]), *numbers[1:])
