"""Opened keys of this process, bounded in number and age; what is cached here is never stored anywhere else."""

import threading
from collections import OrderedDict
from time import monotonic
from typing import Generic, TypeVar

_Key = TypeVar("_Key")


class Opened(Generic[_Key]):
    """Opened keys by id. A caller reads the row's state first: a key destroyed elsewhere opens nothing, cached or not.

    Age is measured by the monotonic clock: setting the wall clock back must not keep a key alive.
    """

    def __init__(self, *, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._keys: OrderedDict[str, tuple[float, _Key]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key_id: str) -> _Key | None:
        """Answer the key if it is held and young enough."""
        with self._lock:
            held = self._keys.get(key_id)
            if held is None or monotonic() - held[0] > self._seconds:
                self._keys.pop(key_id, None)
                return None
            self._keys.move_to_end(key_id)
            return held[1]

    def put(self, key_id: str, key: _Key) -> _Key:
        """Hold a key, and let the one go that was not used for longest."""
        with self._lock:
            self._keys[key_id] = (monotonic(), key)
            while len(self._keys) > self._size:
                self._keys.popitem(last=False)
        return key

    def drop(self, key_id: str | None = None) -> None:
        """Let one key go, or all."""
        with self._lock:
            if key_id is None:
                self._keys.clear()
            else:
                self._keys.pop(key_id, None)
