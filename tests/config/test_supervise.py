"""The supervisor over real processes: what dies is started again, what is stopped leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config import supervise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[2]

#: A stand-in for a server: notes its number in a file and waits to be told to stop.
WAITING = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
#: The same, deaf to a polite signal.
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITING
#: The same, with a process of its own, as the web server has.
WITH_WORKER = (
    "import os, subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n{child.pid}\\n'); time.sleep(60)"
)

DRIVER = """
    import os, sys
    from config.supervise import Child, Supervisor, say
    import config.supervise as supervise
    supervise.STOP_PERIOD = 1.5
    children = [
        Child(name, [sys.executable, "-c", code, name], essential=name == "web")
        for name, code in zip(sys.argv[1::2], sys.argv[2::2])
    ]
    for child in children:
        child.command[-1] = os.path.abspath(child.name)
    ready = Supervisor(
        children,
        environment=os.environ,
        is_ready=lambda: all(os.path.exists(child.name) for child in children),
        on_ready=lambda: say("ready"),
    )
    sys.exit(ready.run())
"""


class Running:
    """A supervisor in a process of its own, and the numbers its children noted."""

    def __init__(self, folder: Path, children: dict[str, str]) -> None:
        self.folder = folder
        arguments = [part for child in children.items() for part in child]
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(DRIVER), *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def numbers(self, name: str) -> list[int]:
        """Answer the process numbers written under this name, oldest first."""
        noted = self.folder / name
        return [int(line) for line in noted.read_text().split()] if noted.exists() else []

    def everyone(self) -> list[int]:
        return [number for noted in self.folder.iterdir() for number in self.numbers(noted.name)]

    def finish(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=10)
        return said


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**children: str) -> Running:
        started.append(Running(tmp_path, children))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.finish(signal.SIGTERM)
        running.process.stdout.close()


def eventually(condition: Callable[[], object], *, within: float = 10) -> None:
    give_up_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to pass"
        time.sleep(0.02)


def is_alive(number: int) -> bool:
    """Tell whether the process runs; one that ended and waits for its parent is not alive."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc: run it on Linux")


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_without_a_traceback(run: Callable[..., Running], number: signal.Signals) -> None:
    running = run(web=WAITING, worker=WITH_WORKER)
    eventually(lambda: running.numbers("web") and len(running.numbers("worker")) == 2)
    everyone = running.everyone()
    assert all(is_alive(each) for each in everyone)

    said = running.finish(number)

    assert running.process.returncode == 0
    assert "Traceback" not in said
    eventually(lambda: not any(is_alive(each) for each in everyone))


@linux
def test_a_killed_child_is_started_again_and_leaves_no_zombie(run: Callable[..., Running]) -> None:
    running = run(web=WAITING, worker=WAITING)
    eventually(lambda: running.numbers("web") and running.numbers("worker"))
    (first,) = running.numbers("worker")

    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(running.numbers("worker")) == 2)

    assert not Path(f"/proc/{first}").exists()
    assert is_alive(running.numbers("worker")[1])
    assert is_alive(running.numbers("web")[0])
    assert len(running.numbers("web")) == 1
    assert "The worker process ended (status -9); starting it again in 1 s." in running.finish(signal.SIGINT)


@linux
def test_what_a_killed_child_left_behind_goes_with_it(run: Callable[..., Running]) -> None:
    running = run(web=WITH_WORKER)
    eventually(lambda: len(running.numbers("web")) == 2)
    leader, orphan = running.numbers("web")
    eventually(lambda: running.process.stdout.readline().strip() == "ready")

    os.kill(leader, signal.SIGKILL)
    eventually(lambda: len(running.numbers("web")) == 4)

    assert not is_alive(orphan)


@linux
def test_a_child_deaf_to_the_polite_signal_is_killed(run: Callable[..., Running]) -> None:
    running = run(web=DEAF)
    eventually(lambda: running.numbers("web"))
    started = time.monotonic()

    running.finish(signal.SIGINT)

    assert 1 < time.monotonic() - started < 5
    assert not is_alive(running.numbers("web")[0])


@linux
def test_children_end_when_the_supervisor_is_killed_outright(run: Callable[..., Running]) -> None:
    running = run(web=WAITING, worker=WAITING)
    eventually(lambda: running.numbers("web") and running.numbers("worker"))

    running.finish(signal.SIGKILL)

    eventually(lambda: not any(is_alive(each) for each in running.everyone()))


def test_a_web_process_that_cannot_start_ends_it_all(run: Callable[..., Running]) -> None:
    running = run(web="raise SystemExit(3)", worker=WAITING)
    said, _ = running.process.communicate(timeout=10)

    assert running.process.returncode == 1
    assert "The web process ended before it was ready (status 3)" in said
    eventually(lambda: not any(is_alive(each) for each in running.everyone()))


def test_pauses_grow_and_a_steady_life_forgives(monkeypatch: pytest.MonkeyPatch) -> None:
    child = supervise.Child("worker", [])
    clock = 100.0
    monkeypatch.setattr(supervise.time, "monotonic", lambda: clock)
    child.started_at = clock
    assert [child.plan_restart() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]

    clock += supervise.STEADY_PERIOD + 1
    assert child.plan_restart() == 1


def test_a_port_in_use_is_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert supervise.main(["--port", str(port)]) == 2
        assert f"make run PORT={port + 1}" in capsys.readouterr().err
    assert supervise.port_complaint("127.0.0.1", port) is None


def test_a_port_that_does_not_exist_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        supervise.main(["--port", "70000"])
    assert refusal.value.code == 2
    assert "between 1 and 65535" in capsys.readouterr().err


def test_children_learn_where_the_service_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOVERNANCE_PUBLIC_URL", raising=False)
    assert supervise.environment(8123)["GOVERNANCE_PUBLIC_URL"] == "http://localhost:8123"

    monkeypatch.setenv("GOVERNANCE_PUBLIC_URL", "https://privacy.example")
    assert supervise.environment(8123)["GOVERNANCE_PUBLIC_URL"] == "https://privacy.example"


def test_commands_in_another_terminal_learn_where_the_demonstration_is_reached(tmp_path: Path) -> None:
    keys = {"GOVERNANCE_KEY_FILE": str(tmp_path / "keyring"), "SECRET_KEY": "x" * 64, "GOVERNANCE_DEMO": "true"}
    ours = {"GOVERNANCE_VAR_DIR": str(tmp_path), "GOVERNANCE_PUBLIC_URL": "http://localhost:9000", **keys}
    supervise.note_address(ours)
    del ours["GOVERNANCE_PUBLIC_URL"]
    told = {}
    for demo in ("true", "false"):
        environment = {**os.environ, **ours, "GOVERNANCE_DEMO": demo, "ALLOWED_HOSTS": "privacy.example"}
        environment.pop("GOVERNANCE_PUBLIC_URL", None)
        code = "from config import settings; print(settings.GOVERNANCE_PUBLIC_URL)"
        said = subprocess.run(
            [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
        )
        told[demo] = said.stdout.split()[-1]
    assert told == {"true": "http://localhost:9000", "false": "http://localhost:8000"}


def test_a_process_that_opens_no_system_loads_no_connector() -> None:
    code = "import sys, django; django.setup(); import config.urls; print('sqlalchemy' in sys.modules)"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings_test"}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_the_supervisor_loads_no_framework() -> None:
    code = "import sys, config.supervise; print(sorted({'django', 'celery', 'granian'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_schedule_is_kept_where_everything_else_is(tmp_path: Path) -> None:
    folder = supervise.folder_of({"GOVERNANCE_VAR_DIR": str(tmp_path / "var")})
    assert folder.is_dir()
    asked = [child.command for child in supervise.commands("127.0.0.1", 8000, folder) if child.name == "scheduler"]
    assert [str(folder / "schedule") in command for command in asked] == [True]
