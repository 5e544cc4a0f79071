"""What PostgreSQL is told at the start of a session, and what it alone has: domains, odd types, endless days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event
from sqlalchemy.dialects import postgresql as types
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from governance.systems.sql.engine import Limits

#: A day, an instant or a time of day that Python's own cannot hold.
BEYOND: Final = re.compile(r"-?infinity|[0-9:. +-]+ BC|\d{5,}-[0-9:. +-]+|24:00:00([+-][0-9:]+)?")


class Odd(NullType):
    """A type that we read and write as the text the server makes of it; `neutral` is such a text that says nothing."""

    cache_ok = True
    neutral: str | None = None

    def __init__(self, *_details: object, **_more: object) -> None:
        """Take whatever a type is declared with, such as `geometry(Point,4326)`."""
        super().__init__()


class _Empty(Odd):
    neutral = ""


class _Point(Odd):
    neutral = "(0,0)"


class _Box(Odd):
    neutral = "(0,0),(0,0)"


_ODD: Final[dict[str, type[Odd]]] = {
    **dict.fromkeys(("line", "lseg", "path", "polygon", "circle", "pg_lsn", "jsonpath", "xid", "xid8"), Odd),
    **dict.fromkeys(("txid_snapshot", "pg_snapshot", "lquery", "cube", "seg", "geometry", "geography", "vector"), Odd),
    "xml": _Empty,
    "ltree": _Empty,
    "point": _Point,
    "box": _Box,
}
_NEUTRAL: Final[tuple[tuple[type[Any], Any], ...]] = (
    (types.ARRAY, []),
    (types.HSTORE, {}),
    (types.INET, "0.0.0.0"),  # noqa: S104  an address that is nobody's, not one to listen at
    (types.CIDR, "0.0.0.0/32"),
    (types.MACADDR, "00:00:00:00:00:00"),
    (types.MACADDR8, "00:00:00:00:00:00:00:00"),
    (types.INTERVAL, "00:00:00"),
    (types.TSVECTOR, ""),
    (types.ranges.AbstractSingleRange, "empty"),
)


def neutral(kind_of: object) -> Any:
    """Return what says nothing in a type that is of no kind of ours; None where we know of nothing."""
    if isinstance(kind_of, types.BIT):
        return "" if kind_of.varying else "0" * (kind_of.length or 1)
    return next((value for family, value in _NEUTRAL if isinstance(kind_of, family)), getattr(kind_of, "neutral", None))


def prepare(engine: sa.Engine, limits: Limits) -> None:
    """Set limits and clock of every session, and know types that SQLAlchemy would wonder at."""
    from governance.systems.sql.loaders import LOADERS  # noqa: PLC0415  # its driver is an extra

    milliseconds = int(limits.statement_seconds * 1000)
    dialect: Any = engine.dialect
    dialect.ischema_names = {**dialect.ischema_names, **_ODD}

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        for name, loader in LOADERS.items():
            connection.adapters.register_loader(name, loader)
        # Settings of the session, not of the start-up packet: connection poolers refuse the latter.
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {milliseconds}")
            cursor.execute(f"SET lock_timeout = {milliseconds}")
            cursor.execute(f"SET idle_in_transaction_session_timeout = {milliseconds * 4}")
            cursor.execute("SET TIME ZONE 'UTC'")
        connection.commit()


def plain(reflected: ReflectedColumn) -> ReflectedColumn:
    """Return a column of a domain as the type that is below it, which is what masks and comparisons are about."""
    kind_of: Any = reflected["type"]
    nullable = reflected["nullable"]
    while isinstance(kind_of, types.DOMAIN):
        kind_of, nullable = kind_of.data_type, nullable and not kind_of.not_null
    return {**reflected, "type": kind_of, "nullable": nullable}


def domain_check(reflected: ReflectedColumn) -> str:
    """Return the condition that a column has from its domain, said of the column; nothing where there is none."""
    kind_of: Any = reflected["type"]
    text = kind_of.check if isinstance(kind_of, types.DOMAIN) else None
    return re.sub(r"\bVALUE\b", lambda _found: f'"{reflected["name"]}"', str(text)) if text is not None else ""
