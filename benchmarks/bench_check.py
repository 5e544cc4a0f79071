"""The consent check over HTTP as a share of a bare Django view on the same server, and batch items per second."""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import databases
from benchmarks.figures import Figure

PROJECT = Path(__file__).resolve().parent.parent
PEOPLE = 2_000
ROUNDS = 30
CALLS = 100
BATCH = 1_000
BATCHES = 10


def run() -> list[Figure]:
    """Measure on SQLite, and on PostgreSQL where TEST_POSTGRES_URL names a server."""
    with tempfile.TemporaryDirectory() as folder:
        figures = _measure("sqlite", f"sqlite:///{folder}/bench.sqlite3", Path(folder))
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        return figures + [_missing(name) for name in ("share_of_bare_view", "batch_items")]
    with tempfile.TemporaryDirectory() as folder, databases.made(server) as url:
        return figures + _measure("postgresql", url, Path(folder))


def _measure(engine: str, url: str, folder: Path) -> list[Figure]:
    with _service(url, folder) as (port, key):
        caller = _Caller(port, key)
        check = {"subject": {"type": "email", "value": "p7@bench.example"}, "purpose": "news", "channel": "email"}
        answer = caller.post("/v1/consent/check", check)
        if answer["decision"] != "allow":
            message = f"The measured check must be a real one; it answered {answer}"
            raise RuntimeError(message)
        share = _ratio(lambda: caller.post("/bench/bare", {}), lambda: caller.post("/v1/consent/check", check))
        checks = [check | {"subject": {"type": "email", "value": f"p{n}@bench.example"}} for n in range(BATCH)]
        caller.post("/v1/consent/check/batch", {"checks": checks})
        rate = BATCH / statistics.median(
            _seconds(lambda: caller.post("/v1/consent/check/batch", {"checks": checks})) for _ in range(BATCHES)
        )
    return [
        Figure(
            name=f"check.share_of_bare_view.{engine}",
            value=round(share, 3),
            unit="of its rate",
            goal="first figure",
            met=True,
            compared_with="a Django view doing one indexed SELECT, same server and middleware",
            n=ROUNDS * CALLS,
        ),
        Figure(
            name=f"check.batch_items.{engine}",
            value=round(rate),
            unit="items/s",
            goal="first figure",
            met=True,
            compared_with="one connection, 1,000 people a batch",
            n=BATCHES * BATCH,
        ),
    ]


class _Caller:
    """One kept-alive connection with the service key."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, path: str, body: object) -> dict[str, object]:
        """Call and read the whole answer."""
        self._connection.request("POST", path, json.dumps(body), self._headers)
        response = self._connection.getresponse()
        data = response.read()
        if response.status != 200:
            message = f"{path} answered {response.status}: {data[:200]!r}"
            raise RuntimeError(message)
        answer: dict[str, object] = json.loads(data)
        return answer


def _ratio(base: Callable[[], object], ours: Callable[[], object]) -> float:
    """Answer base time over our time, the median of interleaved rounds: 1.0 would be as fast as the bare view."""
    ratios = []
    for _ in range(ROUNDS):
        slow = _seconds(lambda: [ours() for _ in range(CALLS)])
        ratios.append(_seconds(lambda: [base() for _ in range(CALLS)]) / slow)
    return statistics.median(ratios[1:])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def _service(url: str, folder: Path) -> Iterator[tuple[int, str]]:
    """Make an installation with people who consented, start one server and answer its port and a key."""
    from governance.crypto import keyring  # noqa: PLC0415  # only this function needs the project

    keyring.generate(folder / "keyring")
    (folder / "static").mkdir()
    environment = os.environ | {
        "SECRET_KEY": "benchmark-" * 8,
        "GOVERNANCE_DEMO": "true",
        "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
        "GOVERNANCE_STATIC_ROOT": str(folder / "static"),
        "GOVERNANCE_LOG_LEVEL": "WARNING",
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": "memory://",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    _python(environment, "manage.py", "migrate", "--no-input", "--verbosity", "0")
    key = _python(environment, "-m", "benchmarks.people", str(PEOPLE)).split()[-1]
    port = 18_800 + os.getpid() % 1_000
    granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, *granian, "--log-level", "error", "benchmarks.server:application"], cwd=PROJECT,
        env=environment,
    )  # fmt: skip
    try:
        _wait(port)
        yield port, key
    finally:
        server.terminate()
        server.wait(10)


def _python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass  # not listening yet
        time.sleep(0.1)
    raise RuntimeError("The server did not answer")


def _missing(name: str) -> Figure:
    reason = "TEST_POSTGRES_URL names no server"
    return Figure(f"check.{name}.postgresql", None, "", "first figure", met=None, compared_with="", n=0, reason=reason)
