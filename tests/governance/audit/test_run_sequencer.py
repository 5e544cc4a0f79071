"""The sequencer as a process of its own: it may be killed at any moment, and goes on after a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from governance.audit.verify import verify
from governance.management.commands.run_sequencer import once
from governance.models import LedgerCheckpoint, LedgerPending
from tests.governance.audit.test_sequencer import fill, require_tiles
from tests.superuser import database_url, lifted

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.flow]

PROJECT = Path(__file__).resolve().parents[3]


def test_a_failure_is_survived_and_the_next_call_goes_on() -> None:
    fill(3)
    assert once(2) == 2
    note = LedgerCheckpoint.objects.get().note
    with lifted(connection):
        LedgerCheckpoint.objects.update(note="nonsense")
        assert once(2) == 0
        LedgerCheckpoint.objects.update(note=note)
    assert once(2) == 1
    assert verify().is_ok


def test_killed_again_and_again_it_loses_and_doubles_nothing() -> None:
    """A real kill -9 at moments nobody chose; the statements one by one are in test_sequencer.py."""
    for _ in range(3):
        fill(300)
        running = start()
        until(lambda: LedgerPending.objects.count() < 300)
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=30)
    while once(5000):
        pass
    # The lease of a killed leader runs out by itself; here nobody waits half a minute for it.
    from governance.models import Lease

    Lease.objects.update(expires_at=None)
    while once(5000):
        pass
    assert not LedgerPending.objects.exists()
    assert LedgerCheckpoint.objects.latest("size").size == 900
    assert require_tiles() == 3
    assert verify().is_ok


def start() -> subprocess.Popen[bytes]:
    from governance.models import Lease

    Lease.objects.update(expires_at=None)
    command = [sys.executable, "manage.py", "run_sequencer", "--every", "0.01", "--limit", "7", "--skip-checks"]
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "config.settings_test"}
    return subprocess.Popen(command, cwd=PROJECT, env=environment)


def until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)
