"""Bounded patience with a key store that does not answer: a few tries with jitter, then it fails closed."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from governance.errors import KeyUnavailable

_Answer = TypeVar("_Answer")

_TRIES: Final = 4
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
_GAVE_UP: Final = "The key store does not answer, or turns calls away for now"


class TryAgain(Exception):
    """A failure that may pass. `after` is what the store asked for, in seconds; `at_last` is raised if it does not."""

    def __init__(self, after: float = 0.0, at_last: KeyUnavailable | None = None) -> None:
        super().__init__("try again")
        self.after = after
        self.at_last = at_last or KeyUnavailable(_GAVE_UP)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take, everything included."""

    seconds: float

    def call(self, attempt: Callable[[float], _Answer]) -> _Answer:
        """Try until it answers; `attempt` is told how many seconds are left.

        Raises KeyUnavailable, or what the failure says, when none are.
        """
        # The monotonic clock: a clock that is set back must not make a web process wait.
        ends = time.monotonic() + self.seconds
        tries = 0
        while True:
            try:
                return attempt(max(0.05, ends - time.monotonic()))
            except TryAgain as failure:
                wait = max(failure.after, _jitter(tries))
                tries += 1
                if tries == _TRIES or time.monotonic() + wait >= ends:
                    raise failure.at_last from failure
                time.sleep(wait)


def _jitter(number: int) -> float:
    """Full jitter: many processes that lost the store at one moment must not come back at one moment."""
    bound: float = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << number))
    return bound * secrets.randbelow(1_000_000) / 1_000_000
