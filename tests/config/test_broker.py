"""The folder of messages is read while it is written to, by several processes at once."""

import subprocess
import sys
from pathlib import Path

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
