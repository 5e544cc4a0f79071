"""Whether the key store wraps and unwraps now, asked rarely enough to cost nothing; it says no more than yes or no."""

import threading
from time import monotonic
from typing import Final

from governance.crypto.envelope import new_key
from governance.errors import KeyUnavailable
from governance.keys.providers import provider

#: A probe that asks every second must not become load on the key store, and one process answers for many probes.
_SECONDS: Final = 5.0
_CONTEXT: Final = ("health",)


class _Last:
    """What the last question was answered, and when."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = float("-inf")
        self.works = False


_last = _Last()


def works() -> bool:
    """Whether a fresh key can be wrapped and comes back the same; an answer is good for a few seconds."""
    with _last.lock:
        if monotonic() - _last.at > _SECONDS:
            _last.works = _ask()
            _last.at = monotonic()
        return _last.works


def forget() -> None:
    """Ask anew next time."""
    global _last  # noqa: PLW0603  # a new lock too: this is called in forked children
    _last = _Last()


def _ask() -> bool:
    key = new_key()
    try:
        provider_key, wrapped = provider().wrap(key, _CONTEXT)
        return provider().unwrap(provider_key, wrapped, _CONTEXT) == key
    except KeyUnavailable:
        return False
