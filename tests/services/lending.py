"""Lends out empty Redis databases by number, so that tests running side by side never meet; it asserts nothing."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = 16
_SECONDS = 900
_OURS = "governance-tests:lent"


@contextmanager
def redis_database(server: str) -> Iterator[str]:
    """Answer the address of a database nobody else uses. What others keep in theirs is never touched."""
    with redis.Redis.from_url(server) as desk:
        own = int(urlsplit(server).path.strip("/") or 0)
        for number in (each for each in reversed(range(NUMBERS)) if each != own):
            place = f"{_OURS}:{number}"
            if not desk.set(place, os.getpid(), nx=True, ex=_SECONDS):
                continue
            url = urlunsplit(urlsplit(server)._replace(path=f"/{number}"))
            with redis.Redis.from_url(url) as lent:
                if desk.sismember(_OURS, number):
                    lent.flushdb()  # left by a run of ours that was killed
                if lent.dbsize() == 0:
                    desk.sadd(_OURS, number)
                    try:
                        yield url
                    finally:
                        lent.flushdb()
                        desk.srem(_OURS, number)
                        desk.delete(place)
                    return
            desk.delete(place)
    pytest.skip("needs an empty Redis database beside the one of TEST_REDIS_URL")
