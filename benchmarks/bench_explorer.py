"""The audit explorer over five million events on PostgreSQL: whole pages of the console, as an officer gets them."""

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import databases
from benchmarks.figures import Figure

PROJECT = Path(__file__).resolve().parent.parent
EVENTS = int(os.environ.get("BENCH_EVENTS", "5000000"))
ROUNDS = 21
GOAL = 100.0
OFFICER = "officer@bench.example"
#: Ids grow with time as UUIDv7 do; a tenth of the events belongs to the smaller of two companies.
_FILL = """
INSERT INTO governance_ledgerentry
    (id, recorded_at, type, controller, actor_ref, subject_ref, object_ref, payload, leaf)
SELECT (lpad(to_hex(1700000000000 + n * 6), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid,
       timestamptz '2024-01-01' + n * interval '6 milliseconds',
       (%(types)s::text[])[1 + n %% %(kinds)s],
       CASE WHEN n %% 10 = 0 THEN %(small)s::uuid ELSE %(large)s::uuid END,
       'staff:' || md5((n %% 40)::text), 'p:' || md5((n %% 200000)::text), 'request:' || md5((n %% 300000)::text),
       '{"details":{},"v":2,"pad":"' || repeat(md5(n::text), 4) || '"}', sha256(n::text::bytea)
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""
_CHUNK = 250_000


def run() -> list[Figure]:
    """Answer the median of each page; every response is read whole."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        reason = "needs PostgreSQL: set TEST_POSTGRES_URL"
        return [Figure("explorer.first_page", None, "ms", f"<= {GOAL:.0f}", None, "", 0, reason)]
    with tempfile.TemporaryDirectory() as folder, databases.made(server) as url:
        pages = _ready(url, Path(folder))
        return [_figure(name, *_median(page)) for name, page in pages.items()]


def _ready(url: str, folder: Path) -> dict[str, Callable[[], Any]]:
    """Set the service up in this process, fill the ledger, and answer the pages to ask for."""
    from governance.crypto import keyring  # noqa: PLC0415  # imported when it runs

    keyring.generate(folder / "keyring")
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "GOVERNANCE_DEMO": "true",  # a one-time link stands for the second factor
        "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
        "GOVERNANCE_LOG_LEVEL": "ERROR",
        "GOVERNANCE_READ_ENV_FILE": "false",
        "GOVERNANCE_VAR_DIR": str(folder),
        "SECRET_KEY": uuid.uuid4().hex * 2,
        "ALLOWED_HOSTS": "testserver",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=PROJECT, check=True)  # our own
    import django  # noqa: PLC0415  # needs the environment above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # as above
    from django.test import Client  # noqa: PLC0415  # as above

    from governance.models import Controller  # noqa: PLC0415  # as above

    large = Controller.objects.create(slug="bench", name="Benchmark", is_default=True)
    small = Controller.objects.create(slug="small", name="Small")
    _fill(large.pk, small.pk)
    printed = StringIO()
    for controller in (large, small):
        call_command("create_officer", OFFICER, "--controller", controller.slug, stdout=printed)
    links = [word for word in printed.getvalue().split() if word.startswith("http")]
    client, of_small = Client(), Client()
    client.post(urlsplit(links[-1]).path)
    call_command("create_officer", OFFICER, "--controller", small.slug, stdout=printed)
    of_small.post(urlsplit(printed.getvalue().split()[-1]).path)
    of_small.post("/console/controller/", {"controller": small.pk.hex})
    return _pages(client, of_small)


def _fill(large: uuid.UUID, small: uuid.UUID) -> None:
    from django.db import connection  # noqa: PLC0415  # after setup

    from governance.policy.vocabulary import AuditType  # noqa: PLC0415  # after setup

    types = [each.value for each in AuditType]
    with connection.cursor() as cursor:
        indexes = _without_indexes(cursor)
        for first in range(1, EVENTS + 1, _CHUNK):
            chosen = {"types": types, "kinds": len(types), "large": large, "small": small}
            cursor.execute(_FILL, chosen | {"first": first, "last": min(first + _CHUNK - 1, EVENTS)})
        for definition in indexes:
            cursor.execute(definition)
        cursor.execute("ANALYZE governance_ledgerentry")


def _without_indexes(cursor: Any) -> list[str]:
    """Take the indexes off while rows pour in, and answer how each is made again: sorted once, not grown row by row."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename = 'governance_ledgerentry' AND indexname !~ '_pkey$'"
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _name, definition in found]


def _pages(client: Any, of_small: Any) -> dict[str, Callable[[], Any]]:
    def ask(**query: str) -> Callable[[], Any]:
        return lambda: client.get("/console/ledger/", query)

    first = client.get("/console/ledger/").content.decode()
    after = first.split("after=")[1].split('"')[0]
    request = "request:" + hashlib.md5(b"7").hexdigest()  # noqa: S324  # as the rows are made
    return {
        "first_page": ask(),
        "next_page": ask(after=after),
        "by_type": ask(type="subject.revealed"),
        "by_kind": ask(kind="3002"),
        "by_request": ask(object=request),
        "by_day": ask(since="2024-01-01", until="2024-01-01"),
        "first_page_of_small_company": lambda: of_small.get("/console/ledger/"),
    }


def _median(page: Callable[[], Any]) -> tuple[float, int]:
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        answer = page()
        times.append(time.perf_counter() - started)
        if answer.status_code != 200 or answer.content.count(b"<tr>") < 2:
            message = f"A page that is measured shows events; it answered {answer.status_code}"
            raise RuntimeError(message)
    return statistics.median(times) * 1000, ROUNDS


def _figure(name: str, value: float, rounds: int) -> Figure:
    return Figure(
        name=f"explorer.{name}",
        value=round(value, 1),
        unit="ms",
        goal=f"<= {GOAL:.0f}",
        met=value <= GOAL,
        compared_with=f"a whole page of the console over {EVENTS:,} events, PostgreSQL",
        n=rounds,
    )
