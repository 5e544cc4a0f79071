"""Reads a reflected column type as the shape that masking strategies know; it asks no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import NullType

from governance.systems.sql import mariadb, postgresql
from governance.systems.strategies import ColumnShape, Kind

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedColumn

#: In this order: an Enum is a String to SQLAlchemy, a Boolean may be an Integer.
_KINDS: Final[tuple[tuple[type[Any], Kind], ...]] = (
    (sa.Enum, Kind.CHOICE),
    (mysql.SET, Kind.CHOICE),
    (sa.Boolean, Kind.BOOLEAN),
    (sa.Integer, Kind.INTEGER),
    (mysql.BIT, Kind.INTEGER),
    (mysql.YEAR, Kind.INTEGER),
    (sa.types.NumericCommon, Kind.NUMBER),
    (sa.DateTime, Kind.DATETIME),
    (sa.Date, Kind.DATE),
    (sa.Time, Kind.TIME),
    (sa.LargeBinary, Kind.BINARY),
    (sa.types._Binary, Kind.BINARY),  # noqa: SLF001  BINARY and VARBINARY share no public parent
    (sa.Uuid, Kind.UUID),
    (sa.JSON, Kind.JSON),
    (sa.String, Kind.TEXT),
)
#: How many bits a whole number has, smallest first.
_BITS: Final[tuple[tuple[type[Any], int], ...]] = (
    (mysql.TINYINT, 8),
    (sa.SmallInteger, 16),
    (mysql.MEDIUMINT, 24),
    (sa.BigInteger, 64),
    (sa.Integer, 32),
)
_YEARS: Final = (1901, 2155)
_INSTANTS: Final = (1, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the database has it.

    `shape` is what its type holds, by which rows are found and named; `allowed` what the table's conditions leave of
    that to a mask: old rows need not keep a condition, and we may have misread it.

    `folds` is a text column whose own comparison ignores case, `zoned` an instant that the driver tells without its
    zone (UTC), `padded` how long bytes (MariaDB) or text (PostgreSQL) are made by the database,
    `narrow` text in a set of signs smaller than Unicode, `untyped` a column of SQLite that keeps values as they come.
    """

    name: str
    shape: ColumnShape
    allowed: ColumnShape
    scale: int | None = None
    computed: bool = False
    folds: bool = False
    zoned: bool = False
    padded: int = 0
    untyped: bool = False
    narrow: bool = False


def column_of(reflected: ReflectedColumn, dialect: str, facts: mariadb.Facts, *, unique: bool) -> Column:
    """Return one column of a table."""
    name, kind_of = reflected["name"], reflected["type"]
    kind = _kind(kind_of)
    if kind is Kind.OTHER and dialect == "sqlite":
        kind = Kind.TEXT  # a column without a type holds anything
    if name in facts.json:
        kind = Kind.JSON
    length = getattr(kind_of, "length", None)
    span = None if dialect == "sqlite" else _span(kind_of)
    neutral = postgresql.neutral(kind_of) if kind is Kind.OTHER else None
    shape = ColumnShape(kind, bool(reflected["nullable"]), length, unique, _choices(kind_of), span, neutral)
    return Column(
        name,
        shape,
        shape,
        getattr(kind_of, "scale", None),
        computed=bool(reflected.get("computed")) or bool(reflected.get("identity", {}).get("always")),
        folds=name in facts.folding,
        narrow=name in facts.narrow,
        zoned=isinstance(kind_of, mysql.TIMESTAMP),
        padded=length or 0 if _is_padded(kind_of, dialect) else 0,
        untyped=dialect == "sqlite" and isinstance(kind_of, NullType),
    )


def _is_padded(kind_of: sa.types.TypeEngine[Any], dialect: str) -> bool:
    if dialect == "postgresql":
        return isinstance(kind_of, sa.CHAR)
    return dialect in mariadb.NAMES and isinstance(kind_of, sa.BINARY)


def statement_type(reflected: ReflectedColumn, dialect: str, facts: mariadb.Facts) -> sa.types.TypeEngine[Any]:
    """Return the type by which statements read and write a column."""
    kind_of = reflected["type"]
    if dialect == "sqlite":
        return NullType()  # any column can hold anything there, and converting would stumble
    if reflected["name"] in facts.json:
        kind_of = sa.JSON()
    if isinstance(kind_of, sa.JSON):
        kind_of.none_as_null = True  # nothing at all where a document goes, not the document "null"
    if isinstance(kind_of, sa.Float):
        kind_of.asdecimal = False  # a DOUBLE would be cut to ten places
    if dialect in mariadb.NAMES and isinstance(kind_of, sa.Enum | mysql.SET):
        return sa.String()  # a word that is not in the list any more can still stand there
    if dialect in mariadb.NAMES and isinstance(kind_of, sa.Time):
        return NullType()  # theirs is a duration and may exceed a day
    return kind_of


def _kind(kind_of: sa.types.TypeEngine[Any]) -> Kind:
    return next((kind for family, kind in _KINDS if isinstance(kind_of, family)), Kind.OTHER)


def _choices(kind_of: sa.types.TypeEngine[Any]) -> tuple[str, ...]:
    if isinstance(kind_of, mysql.SET):
        return ("", *map(str, kind_of.values))  # no member at all is always allowed
    return tuple(map(str, getattr(kind_of, "enums", ())))


def _span(kind_of: sa.types.TypeEngine[Any]) -> tuple[int, int] | None:
    """Return the least and the greatest number a column takes; for instants, in seconds since 1970."""
    if isinstance(kind_of, mysql.TIMESTAMP | mysql.YEAR):
        return _INSTANTS if isinstance(kind_of, mysql.TIMESTAMP) else _YEARS
    unsigned = bool(getattr(kind_of, "unsigned", False)) or isinstance(kind_of, mysql.BIT)
    if isinstance(kind_of, sa.types.NumericCommon):
        digits = (kind_of.precision or 0) - (kind_of.scale or 0)
        most = 10 ** min(digits, 9) - 1 if digits > 0 else 2**24
        return (0 if unsigned else -most, most)
    bits = next((bits for family, bits in _BITS if isinstance(kind_of, family)), None)
    bits = kind_of.length or 1 if isinstance(kind_of, mysql.BIT) else bits
    if bits is None:
        return None
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
