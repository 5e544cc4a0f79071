"""Keeps web, worker and scheduler running in one terminal and stops them cleanly; loads no Django, to stay small."""

import argparse
import ctypes
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

PROJECT = Path(__file__).resolve().parent.parent
POLL_PERIOD = 0.1
START_PERIOD = 60.0
STOP_PERIOD = 10.0
#: A child that lived this long had started well; its next failure counts as the first again.
STEADY_PERIOD = 60.0
LONGEST_PAUSE = 30.0
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process to keep alive; `essential` means that without it there is nothing to supervise."""

    name: str
    command: list[str]
    essential: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float = field(default=0.0, repr=False)

    @property
    def is_running(self) -> bool:
        """Tell whether the process is there; reaps it if it has just ended, so that no zombie stays."""
        return self.process is not None and self.process.poll() is None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the command in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        # The command lists come from `commands` below, never from a caller.
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 -- one thread here
        )
        self.started_at = time.monotonic()

    def ask_to_stop(self) -> None:
        """Send the polite signal to the leader, which knows how to stop its own."""
        if self.is_running and self.process is not None:
            self.process.terminate()

    def end(self) -> None:
        """End whatever is left of the child and of what it started, and reap it."""
        if self.process is None:
            return
        # The whole group: a leader that was killed leaves its own workers behind, holding the port.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def plan_restart(self) -> float:
        """Note a failure; answer the pause before the next attempt, doubled each time up to a limit."""
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > STEADY_PERIOD else self.failures + 1
        pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE)
        self.restart_at = now + pause
        return pause


def _end_with_parent() -> None:
    """Ask Linux to stop this child should the supervisor be killed outright, where no handler can run."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Starts the children in order, restarts those that fail, stops them in order; one thread, no locks."""

    def __init__(
        self,
        children: Iterable[Child],
        *,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        on_ready: Callable[[], None],
    ) -> None:
        self.children = list(children)
        self.environment = environment
        self.is_ready = is_ready
        self.on_ready = on_ready
        self.signals = 0
        self.has_been_ready = False

    def run(self) -> int:
        """Supervise until a signal arrives or an essential child cannot start; answers the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)
        try:
            for child in self.children:
                child.start(self.environment)
            return self._watch()
        finally:
            self._stop()

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1

    def _watch(self) -> int:
        give_up_at = time.monotonic() + START_PERIOD
        while not self.signals:
            for child in self.children:
                if not child.is_running and not self._keep(child):
                    return 1
            if not self.has_been_ready:
                if self.is_ready():
                    self.has_been_ready = True
                    self.on_ready()
                elif time.monotonic() > give_up_at:
                    say(f"Nothing answered within {START_PERIOD:.0f} s; see the messages above.")
                    return 1
            time.sleep(POLL_PERIOD)
        return 0

    def _keep(self, child: Child) -> bool:
        """Deal with a child that has ended; answers False when it is not worth going on."""
        if child.restart_at:
            if time.monotonic() >= child.restart_at:
                child.restart_at = 0.0
                child.start(self.environment)
            return True
        status = child.process.returncode if child.process else None
        child.end()
        if child.essential and not self.has_been_ready:
            say(f"The {child.name} process ended before it was ready (status {status}); see the messages above.")
            return False
        pause = child.plan_restart()
        say(f"The {child.name} process ended (status {status}); starting it again in {pause:.0f} s.")
        return True

    def _stop(self) -> None:
        """Stop the children one after the other within one common period; a second signal cuts it short."""
        heard = self.signals
        say("Stopping ...")
        give_up_at = time.monotonic() + STOP_PERIOD
        for child in self.children:
            child.ask_to_stop()
            while child.is_running and time.monotonic() < give_up_at and self.signals == heard:
                time.sleep(POLL_PERIOD / 2)
        for child in self.children:
            child.end()


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, flush=True)


def commands(host: str, port: int, folder: Path) -> list[Child]:
    """List what runs: no new requests first, then no new work, then no work is the order of stopping."""
    python = sys.executable
    # Started as root on a bare machine, Celery's advice to use another account would be the first thing one reads.
    celery = [python, "-W", "ignore:::celery.platforms", "-m", "celery", "--quiet", "-A", "config"]
    web = ["-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--workers", "1"]
    web += ["--blocking-threads", "4", "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "5"]
    quiet = ["--loglevel", "warning"]
    # Nobody else is on this broker: gossip, mingle and heartbeat would only write files.
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--hostname", "governance@localhost"]
    schedule = ["--schedule", str(folder / "schedule"), "--pidfile="]
    return [
        Child("web", [python, *web, "config.wsgi:application"], essential=True),
        Child("scheduler", [*celery, "beat", *quiet, *schedule]),
        Child("worker", [*celery, "worker", "--pool", "solo", *quiet, *alone]),
    ]


def environment(port: int) -> dict[str, str]:
    """Answer the environment of the children: ours, and where this service is reached."""
    ours = dict(os.environ)
    ours.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    ours.setdefault("GOVERNANCE_PUBLIC_URL", f"http://localhost:{port}")
    ours.setdefault("PYTHONUNBUFFERED", "1")
    return ours


def folder_of(ours: Mapping[str, str]) -> Path:
    """Answer the folder for what is kept while the service runs, which is there afterwards."""
    folder = Path(ours.get("GOVERNANCE_VAR_DIR") or PROJECT / "var")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def note_address(ours: Mapping[str, str]) -> None:
    """Note where this service is reached, for commands in another terminal that print links to it."""
    (folder_of(ours) / "address").write_text(f"{ours['GOVERNANCE_PUBLIC_URL']}\n", encoding="utf-8")


def port_complaint(host: str, port: int) -> str | None:
    """Say in a sentence why `host:port` cannot be listened on; None when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        # As the server will: an address in TIME_WAIT is free, one that somebody listens on is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} is in use by another program. Choose another: make run PORT={port + 1}"
            return f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another: make run PORT=8000"
    return None


def answers(host: str, port: int) -> bool:
    """Tell whether the web process serves its health page."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """Answer an address to call for an address to listen on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535:
        return int(text)
    message = f"{text!r} is not a port: a number between 1 and 65535"
    raise argparse.ArgumentTypeError(message)


def main(arguments: list[str] | None = None) -> int:
    """Run the service in the foreground until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m config.supervise", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on (default: 8000)")
    chosen = parser.parse_args(arguments)
    if complaint := port_complaint(chosen.host, chosen.port):
        print(complaint, file=sys.stderr)
        return 2
    ours = environment(chosen.port)
    # Database, broker and media belong to this account alone, even if var/ should be opened one day.
    os.umask(0o077)
    note_address(ours)

    def welcome() -> None:
        # In a session of its own: a Ctrl-C meant for the supervisor must not end it with a traceback.
        command = [sys.executable, "manage.py", "welcome"]
        subprocess.run(command, cwd=PROJECT, env=ours, check=False, start_new_session=True)  # noqa: S603

    supervisor = Supervisor(
        commands(chosen.host, chosen.port, folder_of(ours)),
        environment=ours,
        is_ready=lambda: answers(chosen.host, chosen.port),
        on_ready=welcome,
    )
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
