"""Data keys wrapped anew per second on PostgreSQL, on a database made for the moment, and the same through the ORM."""

import os
import secrets
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure

KEYS = 20_000
ROUNDS = 5
GOAL = 20_000

#: Run in a process whose settings name the new database; prints seconds, one line a round.
_SCRIPT = f"""
import sys, time
from uuid import UUID
import django
django.setup()
from django.core.management import call_command
from django.db import connection, transaction
call_command("migrate", verbosity=0, interactive=False)
from governance.fields import Scope
from governance.keys import controller_keys, data_keys, rotation
from governance.keys.data_key_rows import context_of
from governance.models import Controller, DataKey
from governance.crypto.envelope import unwrap, wrap
def clean_up():  # as autovacuum has done long before the next rotation, a month later
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE governance_datakey")
controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
for start in range(0, {KEYS}, 5000):
    data_keys.sealers([Scope(controller.pk.hex, "subject", UUID(int=n + 1).hex) for n in range(start, start + 5000)])
for _round in range({ROUNDS}):
    clean_up()
    new = rotation.rotate(controller.pk)
    began = time.perf_counter()
    assert rotation.rewrap() == {KEYS}
    batches = time.perf_counter() - began
    rotation.end_emptied()
    cipher = controller_keys.cipher(new)
    rows = list(DataKey.objects.filter(controller_key=new)[:2000])
    began = time.perf_counter()
    with transaction.atomic():
        for row in rows:
            bound = context_of(controller.pk.hex, row.scope_kind, row.scope_id.hex, row.key_id)
            row.wrapped = wrap(cipher, unwrap(cipher, bytes(row.wrapped), bound), bound)
        DataKey.objects.recorded().bulk_update(rows, ["wrapped"])
    orm = (time.perf_counter() - began) / len(rows)
    print(batches, orm)
"""


def run() -> list[Figure]:
    """Answer how many keys a second one worker wraps anew."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        return [_figure(None, "set TEST_POSTGRES_URL to a server on which a database may be made"), _orm(None)]
    with _database(server) as url:
        done = subprocess.run(  # noqa: S603  # our own script
            [sys.executable, "-c", _SCRIPT],
            env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings_test"},
            cwd=Path(__file__).resolve().parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
    rounds = [tuple(float(part) for part in line.split()) for line in done.stdout.splitlines()]
    speed = statistics.median(KEYS / batches for batches, _orm in rounds)
    gain = statistics.median(orm * KEYS / batches for batches, orm in rounds)
    return [_figure(speed), _orm(gain)]


def _figure(speed: float | None, reason: str | None = None) -> Figure:
    met = None if speed is None else speed >= GOAL
    value = None if speed is None else round(speed)
    return Figure(
        "rotation.keys_per_second", value, "keys/s", f">= {GOAL}", met, "nothing: absolute", KEYS * ROUNDS, reason
    )


def _orm(gain: float | None) -> Figure:
    value = None if gain is None else round(gain, 1)
    reason = "no goal of its own: it shows why one statement a batch is used" if gain else "as above"
    return Figure("rotation.times_faster_than_orm", value, "x", "none", None, "bulk_update() of Django", KEYS, reason)


@contextmanager
def _database(server: str) -> Iterator[str]:
    import psycopg  # noqa: PLC0415  # an extra: only where PostgreSQL is
    from psycopg import sql  # noqa: PLC0415  # as above
    from sqlalchemy.engine import make_url  # noqa: PLC0415  # as above

    name = f"bench_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
