"""The periodic work of requests, called by the kernel's tick; the rows say what is due, nothing is passed on."""

from __future__ import annotations

from typing import Final

from dsar import services
from governance.systems import runtime

#: Rounds of one tick: each may open steps that the next one works on.
_ROUNDS: Final = 8


def work() -> int:
    """Work on due steps and move the requests they belong to, until nothing is left; then close and purge."""
    done = 0
    for _ in range(_ROUNDS):
        round_done = runtime.run_due() + services.advance()
        done += round_done
        if not round_done:
            break
    return done + services.tidy()
