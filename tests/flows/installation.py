"""A whole installation in a scratch folder: database, keys, broker, logs, and as many processes as a test wants."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import urllib3

from governance.crypto import keyring
from tests import migrated

Process = subprocess.Popen[bytes]
PROJECT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60


class Installation:
    """Starts and stops processes of one installation; everything they write stays under `folder`."""

    def __init__(self, folder: Path, database_url: str, *, redis_url: str = "", is_copied: bool = True) -> None:
        """Begin on a copy of a migrated database, with its key file, or else on whatever `migrate` makes."""
        self.folder, self.redis_url = folder, redis_url
        self.processes: list[Process] = []
        if is_copied:
            shutil.copy(migrated.key_file(), folder / "keyring")
            migrated.bring(database_url)
        else:
            keyring.generate(folder / "keyring")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SECRET_KEY": secrets.token_urlsafe(64),
            "GOVERNANCE_DEMO": "true",
            "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
            "GOVERNANCE_BROKER_DIR": str(folder / "broker"),
            "GOVERNANCE_STATIC_ROOT": str(folder / "static"),
            "GOVERNANCE_TICK_SECONDS": "0.5",
            "GOVERNANCE_STEP_LEASE_SECONDS": "3",
            "GOVERNANCE_REQUEST_PURGE_DAYS": "30",
            "CELERY_BROKER_URL": "filesystem://",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "GOVERNANCE_LOG_LEVEL": "INFO",
        }
        if redis_url:
            self.environment |= {
                "CELERY_BROKER_URL": redis_url,
                "CACHE_URL": redis_url.replace("redis://", "rediscache://"),
            }
        (folder / "static").mkdir()
        if not is_copied:
            self.manage("migrate", "--no-input", "--verbosity", "0")

    @property
    def sqlalchemy_url(self) -> str:
        """Where the service's own tables can be looked into."""
        return self.environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a management command and answer what it printed."""
        done = subprocess.run(  # our own interpreter and file
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            message = f"{arguments[0]} answered {done.returncode}: {done.stdout}{done.stderr}"
            raise AssertionError(message)
        return done.stdout

    def web(self) -> str:
        """Start one more server process and answer its address."""
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        process = self._start(f"web-{port}", *granian, "config.wsgi:application")
        _wait_until_ready(address, process)
        return address

    def worker(self) -> Process:
        """Start one more worker."""
        alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        name = f"worker-{len(self.processes)}"
        return self._start(
            name, "-m", "celery", "-A", "config", "worker", "--pool", "solo", "--loglevel", "warning",
            *alone, "--hostname", f"{name}@localhost",
        )  # fmt: skip

    def scheduler(self) -> Process:
        """Start a scheduler; a second one, started by accident, knows nothing of the first."""
        name = f"scheduler-{len(self.processes)}"
        schedule = str(self.folder / name)
        return self._start(
            name, "-m", "celery", "-A", "config", "beat", "--loglevel", "warning", "--schedule", schedule,
            "--pidfile", "",
        )  # fmt: skip

    def kill(self, process: Process) -> None:
        """End a process the hard way, as `kill -9` does."""
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        self.processes.remove(process)

    def close(self) -> None:
        """End every process."""
        self.stop()

    def stop(self) -> None:
        """End every process; more can be started afterwards."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.processes.clear()

    def logs(self) -> str:
        """Answer everything the processes wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _start(self, name: str, *arguments: str) -> Process:
        log = (self.folder / f"{name}.log").open("ab")
        environment = dict(self.environment)
        if environment["DATABASE_URL"].startswith("postgresql"):
            environment["DATABASE_URL"] += f"?application_name={name}"  # the server can tell who asks
        process = subprocess.Popen(  # our own interpreter
            [sys.executable, *arguments], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
        log.close()
        self.processes.append(process)
        return process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(address: str, process: Process) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"The server ended with {process.returncode} before it was ready"
            raise AssertionError(message)
        try:
            if urllib3.request("GET", f"{address}/healthz", retries=False, timeout=3).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise AssertionError("The server was not ready in time")
