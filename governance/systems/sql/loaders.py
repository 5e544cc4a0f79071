"""Reads days and times of PostgreSQL that Python cannot hold; loaded for such a system alone, with its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.types import datetime as clocks
from psycopg.types.string import TextLoader

if TYPE_CHECKING:
    from psycopg.abc import Buffer


class _Day(clocks.DateLoader):
    def load(self, data: Buffer) -> Any:
        return _or_text(super().load, data)


class _Instant(clocks.TimestampLoader):
    def load(self, data: Buffer) -> Any:
        return _or_text(super().load, data)


class _ZonedInstant(clocks.TimestamptzLoader):
    def load(self, data: Buffer) -> Any:
        return _or_text(super().load, data)


class _Time(clocks.TimeLoader):
    def load(self, data: Buffer) -> Any:
        return _or_text(super().load, data)


class _ZonedTime(clocks.TimetzLoader):
    def load(self, data: Buffer) -> Any:
        return _or_text(super().load, data)


def _or_text(load: Any, data: Buffer) -> Any:
    """Give the server's own words where Python has no such day: one row with `infinity` would fail the whole copy."""
    try:
        return load(data)
    except (psycopg.DataError, ValueError):
        return bytes(data).decode()


#: An interval is kept as told: Python's has no months, and would make days of them.
LOADERS: Final = {
    "date": _Day,
    "timestamp": _Instant,
    "timestamptz": _ZonedInstant,
    "time": _Time,
    "timetz": _ZonedTime,
    "interval": TextLoader,
}
