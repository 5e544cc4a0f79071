"""Runs work in a process of its own and kills it in the middle, as an operator or the kernel would."""

import os
import signal
import time
from collections.abc import Callable

from django.db import connections


def killed(work: Callable[[], object], has_begun: Callable[[], bool]) -> None:
    """Kill the process (SIGKILL) once it has begun; nothing of its Python gets to clean up."""
    child = os.fork()
    if child == 0:  # its own process, without this one's connection
        try:
            connections.close_all()
            work()
        finally:
            os._exit(0)
    connections.close_all()
    for _attempt in range(2000):
        if has_begun():
            break
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
