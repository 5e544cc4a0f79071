"""The ledger on PostgreSQL: what an event costs a transaction, and how fast it is sequenced, proven, verified."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import databases
from benchmarks.figures import Figure

PROJECT = Path(__file__).resolve().parent.parent
CLIENT_PROCESSES, CLIENT_THREADS, CLIENT_SECONDS, ROUNDS = 4, 4, 1, 12
DATABASE_SECONDS = 2
EVENTS = 100_000
RATE, RATE_SECONDS = 2_000, 6
LEAVES = 1_000_000
PROOFS = 300
NAMES = {
    "ledger.audited_share": ("of its rate", ">= 0.8"),
    "ledger.empty_share": ("of its rate", "none"),
    "ledger.audited_share_of_database": ("of its rate", ">= 0.8"),
    "ledger.sequenced_busy": ("events/s", ">= 15,000"),
    "ledger.delay_at_2000": ("ms, median", "<= 100"),
    "ledger.verified": ("events/s", ">= 150,000"),
    "ledger.inclusion_proof": ("ms, median", "<= 2"),
}


def run() -> list[Figure]:
    """Measure where TEST_POSTGRES_URL names a server; the goals are for PostgreSQL."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        return [_figure(name, None, "", 0) for name in NAMES]
    with tempfile.TemporaryDirectory() as folder, databases.made(server) as url, _installed(url, Path(folder)):
        # The database's share comes last: what its clients leave is no ledger that could be sequenced or verified.
        return [*_audited_share(), *_sequenced(), _proof(), _share_of_database(url)]


def _audited_share() -> list[Figure]:
    """Compare in turns of a second, so that a busy moment of the machine falls on every way alike."""
    workers = [_start("clients", CLIENT_THREADS, stdin=subprocess.PIPE) for _ in range(CLIENT_PROCESSES)]
    assert [_line(each) for each in workers] == ["ready"] * CLIENT_PROCESSES
    _rates(workers, 1)  # every client connects
    rounds = [_rates(workers, CLIENT_SECONDS) for _ in range(ROUNDS)]
    for each in workers:
        each.communicate()
    count = CLIENT_PROCESSES * CLIENT_THREADS
    plain = statistics.median(each["nothing"] for each in rounds)
    return [
        _figure(name, statistics.median(each[way] / each["nothing"] for each in rounds), words, ROUNDS)
        for name, way, words in (
            ("ledger.audited_share", "event", f"{count} clients, transactions of 5 ms, {plain:,.0f}/s unaudited"),
            ("ledger.empty_share", "empty statement", "the same with SELECT 1 in place of the event"),
        )
    ]


def _share_of_database(url: str) -> Figure:
    """Compare likewise with clients in C, which leave the processors to the server: what an event costs it alone."""
    from django.db import transaction  # noqa: PLC0415  # after setup

    from benchmarks.ledger_work import EVENT  # noqa: PLC0415  # after setup
    from governance import ledger  # noqa: PLC0415  # after setup

    name, pgbench = "ledger.audited_share_of_database", _pgbench()
    if pgbench is None:
        return Figure(name, None, *NAMES[name], None, "", 0, "pgbench of PostgreSQL is not installed")
    with transaction.atomic():
        entry = ledger.append(EVENT)
        transaction.set_rollback(True)
    business = "BEGIN; SELECT pg_sleep(0.005); INSERT INTO bench_business (note) VALUES ('x');"
    # The columns of a real event and as many bytes; ids at random, which an index likes less than those in order.
    event = (
        "WITH written AS (INSERT INTO governance_ledgerentry "  # noqa: S608
        "(id, recorded_at, type, controller, actor_ref, subject_ref, object_ref, payload, leaf) "
        f"VALUES (gen_random_uuid(), now(), '{entry.type}', NULL, '{entry.actor_ref}', '', "
        f"'{entry.object_ref}', '{entry.payload}', sha256('{entry.payload}')) RETURNING id) "
        "INSERT INTO governance_ledgerpending (entry_id) SELECT id FROM written;"
    )
    count = CLIENT_PROCESSES * CLIENT_THREADS
    with tempfile.TemporaryDirectory() as folder:
        plain, audited = Path(folder, "plain.sql"), Path(folder, "audited.sql")
        plain.write_text(f"{business} COMMIT;\n")
        audited.write_text(f"{business} {event} COMMIT;\n")
        command = [pgbench, "--no-vacuum", f"--client={count}", "--jobs=2", f"--time={DATABASE_SECONDS}", url]
        rounds = [[_transactions([*command, f"--file={each}"]) for each in (plain, audited)] for _ in range(6)]
    rate = statistics.median(each[0] for each in rounds)
    share = statistics.median(audited / plain for plain, audited in rounds)
    return _figure(name, share, f"{count} clients in C, transactions of 5 ms, {rate:,.0f}/s unaudited", len(rounds))


def _pgbench() -> str | None:
    beside_server = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return shutil.which("pgbench") or next(map(str, reversed(beside_server)), None)


def _transactions(command: list[str]) -> float:
    """Run pgbench and answer how many transactions there were in a second, without those of connecting."""
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603  # as installed
    found = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    assert found is not None
    return float(found[1])


def _rates(workers: list[subprocess.Popen[str]], seconds: float) -> dict[str, float]:
    return {way: _together(workers, seconds, way) / seconds for way in ("nothing", "event", "empty statement")}


def _together(workers: list[subprocess.Popen[str]], seconds: float, way: str) -> int:
    for each in workers:
        assert each.stdin is not None
        print(seconds, way, file=each.stdin, flush=True)
    return sum(int(_line(each)) for each in workers)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _sequenced() -> list[Figure]:
    from governance.audit import rows  # noqa: PLC0415  # after setup
    from governance.models import LedgerLeaf, LedgerPending  # noqa: PLC0415  # after setup

    _start("fill", EVENTS).wait()
    waiting = LedgerPending.objects.count()
    batches = _batches(_start("follow", 20))
    busy = sum(count for _, _, count in batches) / sum(end - began for began, end, _ in batches)
    delays = _delays()
    chosen = rows.sensible_processes(LedgerLeaf.objects.count())
    rates = {count: max(_verified(count) for _ in range(2)) for count in (chosen, os.cpu_count() or 1)}
    shown = ", ".join(f"{count} process(es) {rate:,.0f}" for count, rate in rates.items())
    return [
        _figure("ledger.sequenced_busy", busy, "a backlog, batches of 5,000, each signed twice", waiting),
        _figure("ledger.delay_at_2000", 1000 * statistics.median(delays), "from the event to its commit", len(delays)),
        _figure("ledger.verified", rates[chosen], f"every row, leaf, tile, root: {shown}", LedgerLeaf.objects.count()),
    ]


def _verified(processes: int) -> float:
    """Verify everything, and answer how many events that were a second, the start of processes included."""
    from governance.audit.verify import verify  # noqa: PLC0415  # after setup

    began = time.perf_counter()
    report = verify(processes=processes)
    assert report.is_ok
    return report.size / (time.perf_counter() - began)


def _batches(following: subprocess.Popen[str]) -> list[tuple[float, float, int]]:
    answer: list[tuple[float, float, int]] = json.loads(following.communicate()[0].splitlines()[-1])
    return answer


def _delays() -> list[float]:
    """Offer a rate, and answer for each event how long it took to a committed position."""
    from governance.models import LedgerEntry, LedgerLeaf  # noqa: PLC0415  # after setup

    first = LedgerLeaf.objects.count()
    following = _start("follow", 3 * RATE_SECONDS + 10)
    # Before it has started, the first events would wait for Python and not for the sequencer.
    assert _line(following) == "ready"
    _start("offer", RATE, RATE_SECONDS).wait()
    batches = _batches(following)
    found = LedgerEntry.objects.filter(leaf_row__position__gte=first).order_by("leaf_row__position")
    recorded = [moment.timestamp() for moment in found.values_list("recorded_at", flat=True)]
    ends = [end for _, end, count in batches for _ in range(count)]
    return [end - moment for end, moment in zip(ends, recorded, strict=False)]


def _proof() -> Figure:
    from django.db import connection, transaction  # noqa: PLC0415  # after setup

    from governance.audit import checkpoint, proving, tiling  # noqa: PLC0415  # after setup
    from governance.crypto.merkle import CompactRange  # noqa: PLC0415  # after setup
    from governance.models import LedgerCheckpoint, LedgerLeaf, LedgerTile  # noqa: PLC0415  # after setup

    # Leaves alone, without a million events: a proof reads no event. The guards are lifted in this throw-away database.
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE governance_ledgerleaf, governance_ledgercheckpoint, governance_ledgertile")
        cursor.execute(
            "INSERT INTO governance_ledgerleaf (position, entry_id, hash) SELECT n, gen_random_uuid(), "
            "sha256(n::text::bytea) FROM generate_series(0, %s) n",
            [LEAVES - 1],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE governance_ledgerleaf")
    tree = CompactRange()
    for hash_ in LedgerLeaf.objects.order_by("position").values_list("hash", flat=True).iterator(chunk_size=20_000):
        tree.append(bytes(hash_))
    while made := tiling.catch_up(LEAVES):
        with transaction.atomic():
            LedgerTile.objects.bulk_create(made)
    from django.utils import timezone  # noqa: PLC0415  # after setup

    LedgerCheckpoint.objects.create(
        size=LEAVES,
        root=tree.root(),
        frontier=tree.to_bytes(),
        note=checkpoint.sign(tree),
        created_at=timezone.now(),
    )
    step = LEAVES // PROOFS
    ids = list(LedgerLeaf.objects.filter(position__in=range(0, LEAVES, step)).values_list("entry_id", flat=True))
    times = []
    for event_id in ids:
        began = time.perf_counter()
        proving.inclusion(event_id)
        times.append(1000 * (time.perf_counter() - began))
    return _figure("ledger.inclusion_proof", statistics.median(times), f"a tree of {LEAVES:,}, one by one", len(times))


def _figure(name: str, value: float | None, compared_with: str, n: int) -> Figure:
    unit, goal = NAMES[name]
    reason = None if goal != "none" else "for comparison: what any further statement costs here"
    reason = reason if value is not None else "TEST_POSTGRES_URL names no PostgreSQL server"
    shown = None if value is None else round(value, 3) if value < 100 else round(value)
    return Figure(name, shown, unit, goal, _is_met(value, goal), compared_with, n, reason)


def _is_met(value: float | None, goal: str) -> bool | None:
    if value is None or goal == "none":
        return None
    sign, limit = goal.split(" ")
    number = float(limit.replace(",", ""))
    return value >= number if sign == ">=" else value <= number


@contextmanager
def _installed(url: str, folder: Path) -> Iterator[None]:
    from governance.crypto import keyring  # noqa: PLC0415  # before setup

    keyring.generate(folder / "keyring")
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": url,
            "GOVERNANCE_READ_ENV_FILE": "false",
            "GOVERNANCE_DEMO": "true",
            "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
            "GOVERNANCE_VAR_DIR": str(folder),
            "GOVERNANCE_LOG_LEVEL": "WARNING",
            "SECRET_KEY": "benchmark " * 6,
        }
    )
    import django  # noqa: PLC0415  # its settings are named above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # after setup
    from django.db import connection, connections  # noqa: PLC0415  # after setup

    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_business (id bigserial PRIMARY KEY, note text)")
    try:
        yield
    finally:
        connections.close_all()


def _start(name: str, *numbers: float, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.ledger_work", name, *(str(each) for each in numbers)]
    return subprocess.Popen(  # noqa: S603 -- our own script
        command, cwd=PROJECT, stdin=stdin, stdout=subprocess.PIPE, text=True
    )
