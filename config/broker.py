"""The embedded mode's broker: Celery's own folder of messages, with each message put there whole; nothing else."""

import os
import uuid
from pathlib import Path
from time import monotonic_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

#: What Celery's settings call it.
URL = "folder://"


class Channel(filesystem.Channel):
    """Writes a message under another name and renames it: a worker that read half a message would end itself."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:
        folder = Path(self.data_folder_out)
        # Read in the order of their names: by the time, to the millisecond.
        name = f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        unfinished = folder / f".{uuid.uuid4()}"
        unfinished.write_bytes(str_to_bytes(dumps(payload)))
        os.replace(unfinished, folder / name)  # noqa: PTH105  # one step on every system


class Transport(filesystem.Transport):
    """The folder of messages, through the channel above."""

    Channel = Channel


TRANSPORT_ALIASES["folder"] = "config.broker:Transport"
