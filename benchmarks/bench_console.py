"""The console's home page and queue over a made-up company: few requests and 10,000 of them, in one process.

Each page is asked for through the test client, the whole way from the session to the written page. The time of a page
with many requests is compared with the same page of the same company while it had few.
"""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000"))
FEW, MANY = 300, 10_000
ROUNDS = 15
GOAL_MS, GOAL_RATIO = 300, 3
SEEDED, SEED_SECONDS = 100_000, 600
PAGES = {"home": "/console/", "queue": "/console/requests/", "queue.ended": "/console/requests/?tab=ended"}


def run() -> list[Figure]:
    """Answer milliseconds a page with 10,000 requests, how they compare with few, and whether queries grow."""
    with tempfile.TemporaryDirectory() as folder:
        visit, fill, seeded = _company(Path(folder))
        fill(FEW)
        few = {name: _measure(visit, path) for name, path in PAGES.items()}
        fill(MANY)
        many = {name: _measure(visit, path) for name, path in PAGES.items()}
    found = [_seeding(seeded)]
    for name in PAGES:
        (few_ms, few_queries), (many_ms, many_queries) = few[name], many[name]
        size = f"{PEOPLE:,} people, {MANY:,} requests"
        found += [
            _figure(f"console.{name}_ms", many_ms, "ms", f"<= {GOAL_MS}", size, met=many_ms <= GOAL_MS),
            _figure(
                f"console.{name}_ratio",
                many_ms / few_ms,
                "x",
                f"<= {GOAL_RATIO}",
                f"the same page with {FEW} requests",
                met=many_ms / few_ms <= GOAL_RATIO,
            ),
            _figure(
                f"console.{name}_queries",
                many_queries,
                "queries",
                f"as with few ({few_queries})",
                f"the same page with {FEW} requests",
                met=many_queries == few_queries,
            ),
        ]
    return found


def _company(folder: Path) -> tuple[Callable[[str], Any], Callable[[int], None], float]:
    """Make a company without requests; answer how to visit its console, how to give it more, and how long it took."""
    from governance.crypto import keyring  # noqa: PLC0415  # imported when it runs

    keyring.generate(folder / "keyring")
    os.environ |= {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "GOVERNANCE_DEMO": "true",
        "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
        "GOVERNANCE_VAR_DIR": str(folder),
        "GOVERNANCE_LOG_LEVEL": "ERROR",
        "DATABASE_URL": os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{folder}/db.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "CELERY_BROKER_URL": "filesystem://",
        "ALLOWED_HOSTS": "testserver",
    }
    (folder / "static").mkdir()
    import django  # noqa: PLC0415  # after the variables above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # after setup
    from django.test import Client  # noqa: PLC0415  # after setup
    from django.urls import reverse  # noqa: PLC0415  # after setup
    from django.utils import timezone  # noqa: PLC0415  # after setup

    from config.demo import company, requests, staff  # noqa: PLC0415  # after setup
    from governance.access import sign_in  # noqa: PLC0415  # after setup
    from governance.models import Controller  # noqa: PLC0415  # after setup
    from governance.policy.principal import operator  # noqa: PLC0415  # after setup

    call_command("migrate", verbosity=0, interactive=False)
    requests.STORIES = ()

    def fill(count: int) -> None:
        company.seed(company.Order(people=PEOPLE, requests=count))

    began = time.perf_counter()
    fill(0)
    seeded = time.perf_counter() - began
    client = Client()
    principal = operator(Controller.objects.get().pk.hex)
    token = sign_in.issue_link(staff.officer(), principal=principal, instant=timezone.now())
    client.post(reverse("sign_in_link", args=[token]))
    return client.get, fill, seeded


def _seeding(seconds: float) -> Figure:
    """Say how long the people took; the goal is for so many that starting up no longer counts."""
    is_judged = PEOPLE >= SEEDED
    goal, met = f"<= {SEED_SECONDS} for {SEEDED:,}", seconds <= SEED_SECONDS if is_judged else None
    reason = None if is_judged else f"set BENCH_PEOPLE={SEEDED}"
    return Figure("console.seeding", round(seconds, 1), "s", goal, met, f"{PEOPLE:,} people, two years each", 1, reason)


def _measure(visit: Callable[[str], Any], path: str) -> tuple[float, int]:
    """Answer the median time of a page in milliseconds, and how many queries it takes."""
    from django.db import connection  # noqa: PLC0415  # after setup
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # after setup

    for _warm in range(2):
        answer = visit(path)
        assert answer.status_code == 200, (path, answer.status_code)
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        visit(path)
        times.append(1000 * (time.perf_counter() - started))
    with CaptureQueriesContext(connection) as queries:
        visit(path)
    return statistics.median(times), len(queries)


def _figure(
    name: str, value: float, unit: str, goal: str, compared_with: str, *, met: bool
) -> Figure:  # as a figure has
    return Figure(name, round(value, 3), unit, goal, met=met, compared_with=compared_with, n=ROUNDS)
