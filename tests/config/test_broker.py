"""The folder of messages is read while it is written to, by several processes at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection, Queue

from config import broker

MESSAGES = 300
WRITE = """
import sys
from kombu import Connection
from config import broker
with Connection(broker.URL, transport_options={o!r}) as connection:
    queue = connection.SimpleQueue("ticks")
    for number in range({n}):
        queue.put({{"number": number, "filler": "x" * 20_000}})
"""


def options(folder: Path) -> dict[str, str]:
    for name in ("messages", "control"):
        (folder / name).mkdir()
    messages = str(folder / "messages")
    return {"data_folder_in": messages, "data_folder_out": messages, "control_folder": str(folder / "control")}


def test_no_reader_ever_meets_half_a_message(tmp_path: Path) -> None:
    chosen = options(tmp_path)
    with Connection(broker.URL, transport_options=chosen) as connection:
        channel = connection.default_channel
        Queue("ticks")(channel).declare()
        script = WRITE.format(o=chosen, n=MESSAGES)
        writer = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
        seen: list[int] = []
        while len(seen) < MESSAGES:
            message = channel.basic_get("ticks", no_ack=True)
            if message is not None:
                seen.append(message.payload["number"])
            elif writer.poll() is not None and not list((tmp_path / "messages").glob("*.msg")):
                break
        assert writer.wait(timeout=60) == 0
    assert sorted(seen) == list(range(MESSAGES))
    assert list((tmp_path / "messages").iterdir()) == []


@pytest.mark.parametrize("url", ["filesystem://localhost", "filesystem://"])
def test_every_process_of_the_embedded_mode_uses_it(url: str, tmp_path: Path) -> None:
    script = """
from config import broker
from config.celery import app
for connection in (app.connection_for_read(), app.connection_for_write()):
    assert type(connection.default_channel) is broker.Channel, type(connection.default_channel)
"""
    environment = os.environ | {
        "CELERY_BROKER_URL": url, "GOVERNANCE_READ_ENV_FILE": "false", "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "x" * 50, "DATABASE_URL": "sqlite://:memory:", "GOVERNANCE_KEY_FILE": str(tmp_path / "keyring"),
        "GOVERNANCE_BROKER_DIR": str(tmp_path / "broker"), "GOVERNANCE_DEMO": "true",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], env=environment, check=True)
