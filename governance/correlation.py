"""One id for everything that one HTTP request, tick or command does; made here, never taken from a caller.

The id ties the events of one piece of work together in the ledger. A header such as X-Request-ID is not read: whoever
could choose the id could tie their deed to somebody else's request, or write a name into an append-only table.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HTTP = "http"
TASK = "task"
#: A process outside any request or tick: a management command, which is one process each.
COMMAND = "command"

_current: ContextVar[str] = ContextVar("governance_correlation", default="")


@contextmanager
def begin(kind: str) -> Iterator[str]:
    """Give the work inside the block an id of its own, such as `http:0f3a…`."""
    made = f"{kind}:{uuid.uuid4().hex}"
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def current() -> str:
    """Answer the id of the work that is going on; outside any, the one of this process."""
    return _current.get() or _process.id


class _Process:
    """The id of this process; a forked one gets its own."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.id = f"{COMMAND}:{uuid.uuid4().hex}"


_process = _Process()
os.register_at_fork(after_in_child=_process.renew)
