"""A copy made before an erasure cannot bring the person back: on both engines, with real processes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import migrated
from tests.databases import service_database

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.flow
SCRIPT = PROJECT / "tests" / "governance" / "management" / "house.py"


class House:
    """One installation in a folder, asked by processes of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.file = folder / "keyring.erasures"
        shutil.copy(migrated.key_file(), folder / "keyring")
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "GOVERNANCE_DEMO": "true",
            "GOVERNANCE_READ_ENV_FILE": "false",
            "GOVERNANCE_KEY_FILE": str(folder / "keyring"),
            "GOVERNANCE_STATIC_ROOT": str(folder),
            "GOVERNANCE_LOG_LEVEL": "ERROR",
            "CELERY_BROKER_URL": "memory://",
            "DATABASE_URL": url,
        }

    def manage(self, *arguments: object, fails: bool = False) -> str:
        done = self._run([sys.executable, "manage.py", *map(str, arguments)])
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, *things: list[str], dies: bool = False) -> Any:
        """Do several things in one process, and answer what came of each."""
        done = self._run([sys.executable, str(SCRIPT), json.dumps(things)])
        assert done.returncode == (-signal.SIGKILL if dies else 0), done.stderr[-3000:]
        return None if dies else json.loads(done.stdout.splitlines()[-1])

    def serves(self) -> bool:
        """Whether a server process would start."""
        done = self._run([sys.executable, "-c", "import config.wsgi"])
        assert done.returncode == 0 or "ErasuresMissing" in done.stderr
        return done.returncode == 0

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # our own interpreter and files
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with service_database(request, request.param, tmp_path) as url:
        yield House(tmp_path, url)


JANE, JOHN, LATE = "jane@example.org", "john@example.org", "late@example.org"


@pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
def test_a_restored_copy_brings_nobody_back(house: House) -> None:
    jane, john = house.ask(["register", JANE], ["register", JOHN])
    copy = house.folder / "copy"
    assert "Not in it: the key file" in house.manage("backup", copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "exists" in house.manage("backup", copy, fails=True)

    late, *came = house.ask(["register", LATE], ["erase", jane], ["ready"])
    assert came == ["erased", []]
    house.ask(["erase", late])
    whole = house.file.read_bytes()
    assert whole.count(b"\n") == 2

    (house.folder / "copy.sql").write_text("left by a restore that was killed")
    told = house.manage("restore", copy, "--no-replay")
    assert "signed events that stood here before are not in it" in told
    assert house.file.read_bytes() == whole
    # The danger: the key is back. It is seen before anything is done.
    assert house.ask(["read", jane], ["ready"], ["tick"]) == [JANE, ["erasures"], 0]
    assert not house.serves()
    assert "E006" in house.manage("check", "--database", "default", fails=True)

    assert "--no-replay goes with a copy" in house.manage("restore", "--replay", "--no-replay", fails=True)
    assert "1 people were erased again, 1 were not in this copy" in house.manage("restore", "--replay")
    *came, types = house.ask(["ready"], ["read", jane], ["read", late], ["read", john], ["types"])
    assert came == [[], "erased", "erased", JOHN]
    assert {"backup.made", "backup.restored", "erasure.replayed"} <= set(types)
    assert house.serves()
    assert "The ledger holds" in house.manage("verify_audit")
    (note,) = house.folder.glob("keyring.erasures.checkpoint-*")
    assert "kept checkpoint is longer" in house.manage("verify_audit", "--anchor", note, fails=True)

    assert house.ask(["erase", john], ["lines"]) == ["erased", 3]
    assert house.file.read_bytes().startswith(whole)
    assert "2 people were erased again, 1 were not" in house.manage("restore", copy)  # and replayed in one go
    assert house.ask(["read", jane], ["read", john], ["read", late]) == ["erased"] * 3


# What a kill leaves is in a file beside the database: one engine shows it.
@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_kill_between_commit_and_file_is_caught_up(house: House) -> None:
    (jane,) = house.ask(["register", JANE])
    house.ask(["erase_and_die", jane], dies=True)
    assert not house.file.exists()
    came = house.ask(["read", jane], ["lines"], ["tick"], ["lines"], ["tick"], ["lines"])
    assert (came[0], came[1], came[3], came[5]) == ("erased", 0, 1, 1)


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_kill_between_file_and_mark_writes_no_second_line(house: House) -> None:
    jane, john = house.ask(["register", JANE], ["register", JOHN])
    house.ask(["write_and_die", jane], dies=True)
    assert house.file.read_bytes().count(b"\n") == 1
    assert house.ask(["ready"], ["erase", john], ["ready"]) == [[], "erased", []]
    assert [json.loads(line)["position"] for line in house.file.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_files_that_are_no_use_change_nothing(house: House) -> None:
    jane, john = house.ask(["register", JANE], ["register", JOHN])
    copy, other = house.folder / "copy", house.folder / "other"
    house.manage("backup", copy)
    other.write_bytes(copy.read_bytes()[: len(copy.read_bytes()) // 2])
    house.manage("restore", other, fails=True)
    other.write_bytes(b"nothing")
    assert "is not a copy" in house.manage("restore", other, fails=True)
    assert house.ask(["read", jane], ["erase", john]) == [JANE, "erased"]

    line = json.loads(house.file.read_text())
    line["subject"], line["position"] = jane, 2
    whole = house.file.read_bytes()
    with house.file.open("a") as file:
        file.write(json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    assert "not whole" in house.manage("restore", "--replay", fails=True)
    house.file.unlink()
    assert house.ask(["ready"], ["read", jane]) == [["erasures"], JANE]
    assert "missing or has lost its end" in house.manage("restore", "--replay", fails=True)
    assert "Wrote 1 lines" in house.manage("restore", "--ledger-lost")
    assert house.file.read_bytes() == whole
    assert house.ask(["ready"]) == [[]]
