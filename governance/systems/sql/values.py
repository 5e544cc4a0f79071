"""Carries values between the database and JSON, both ways; it touches no connection."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from governance.systems.sql import mariadb, postgresql
from governance.systems.strategies import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from governance.systems.sql.shapes import Column
    from governance.systems.sql.tables import Table

#: A date, or the date of an instant, with a part that is zero.
_ZEROS = re.compile(r"(0000-\d\d-\d\d|\d{4}-00-\d\d|\d{4}-\d\d-00)([ T][0-9:.]+)?")
#: How a whole number is written; what Python reads besides ("0_2", Arabic digits) would be one more name of a row.
_WHOLE = re.compile(r"-?[0-9]+")
#: How a database itself tells a whole number of 64 bits: "007" is another name than 7.
_COUNTED = re.compile(r"0|-?[1-9][0-9]{0,17}")
_CLOCKS = (Kind.DATE, Kind.DATETIME, Kind.TIME)
_CLOCK = re.compile(r"(-?)(\d{1,3}):(\d\d):(\d\d(?:\.\d{1,6})?)")


class NoMatch(Exception):
    """A value that cannot stand in a column, so no row can have it."""


def json_value(value: Any, column: Column | None = None, limit: int = 1_000_000) -> Any:
    """Return a value as JSON can carry it: dates in ISO 8601, exact numbers as text, bytes in base64."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.rstrip(" ") if column is not None and column.padded else value
    return _json_number_or_clock(value, column, limit)


def _json_number_or_clock(value: Any, column: Column | None, limit: int) -> Any:
    if isinstance(value, float):
        return _float(value, column)
    if isinstance(value, datetime):
        zoned = value.replace(tzinfo=UTC) if column is not None and column.zoned and not value.tzinfo else value
        return (zoned.astimezone(UTC) if zoned.tzinfo else zoned).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return _clock(value) if isinstance(value, timedelta) else _json_other(value, limit)


def _clock(value: timedelta) -> str:
    """Write MariaDB's TIME as it does: a duration that may be negative or exceed a day."""
    seconds, rest = divmod(abs(value), timedelta(seconds=1))
    fraction = f".{rest.microseconds:06}" if rest else ""
    sign = "-" if value < timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _float(value: float, column: Column | None) -> str | float:
    """Write SQLite's amounts, which it keeps as floats, the way the column was declared."""
    if column is not None and column.shape.kind is Kind.NUMBER and column.scale is not None:
        return f"{value:.{column.scale}f}"
    return value if value - value == 0 else str(value)  # JSON knows no infinity


def _json_other(value: Any, limit: int) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return base64.b64encode(data).decode("ascii") if len(data) <= limit else {"omitted_bytes": len(data)}
    if isinstance(value, Mapping):
        return {str(name): json_value(each, None, limit) for name, each in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [json_value(each, None, limit) for each in value]
    return str(value)


def document(text: str | bytes) -> Any:
    """Read a JSON document; a number with more digits than a float holds stays text, as exact numbers do."""
    return json.loads(text, parse_float=lambda digits: number if _is_exact(number := float(digits), digits) else digits)


def _is_exact(number: float, digits: str) -> bool:
    return number - number == 0 and Decimal(repr(number)) == Decimal(digits)


def bound(value: Any, table: Table, name: str) -> Any:
    """Return a JSON value as the column's driver wants it. Raises NoMatch where the column cannot hold it."""
    column = table.info(name)
    if value is None:
        return None
    if table.dialect == "sqlite":
        return value if column.untyped and isinstance(value, int | float) else _for_sqlite(value, column.shape.kind)
    try:
        return (_for_mariadb if table.dialect in mariadb.NAMES else _for_postgresql)(value, column)
    except (ValueError, TypeError, InvalidOperation, binascii.Error):
        raise NoMatch from None


def spellings(value: Any, table: Table, name: str, *, is_identity: bool = False) -> tuple[Any, ...]:
    """Return the ways a value told elsewhere may stand in a column: digits as a number, text as its bytes.

    An identity that would be text as base64, too, is taken as it is: the login "QW5u" is not that of "Ann".
    """
    column = table.info(name)
    if column.untyped and isinstance(value, str) and _COUNTED.fullmatch(value):
        return value, int(value)
    if column.untyped and isinstance(value, int):
        return value, str(value)
    if column.shape.kind is Kind.BINARY and isinstance(value, str):
        own = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
        return (own,) if is_identity and _hides_text(value) else (value, own)
    return (value,)


def _hides_text(value: str) -> bool:
    try:
        return bool(_bytes(value).decode())
    except ValueError:
        return False


def _strictly(value: Any, column: Column) -> Any:
    kind, span = column.shape.kind, column.shape.span
    converted = _CONVERSIONS.get(kind, str)(value)
    if kind is Kind.INTEGER and span is not None and not span[0] <= converted <= span[1]:
        raise NoMatch
    return converted


def _for_postgresql(value: Any, column: Column) -> Any:
    """Keep what only PostgreSQL knows: days without end, or before our era."""
    if column.shape.kind in _CLOCKS and isinstance(value, str) and postgresql.BEYOND.fullmatch(value):
        return value
    if isinstance(value, str) and "\0" in value:
        raise NoMatch  # no text of theirs holds it, and the driver would break off
    return _strictly(value, column)


def _for_mariadb(value: Any, column: Column) -> Any:
    """Keep what only MariaDB knows: dates of zeros, durations, bytes filled up to their length."""
    kind = column.shape.kind
    if kind is Kind.TIME:
        return _duration(value)
    if kind in (Kind.DATE, Kind.DATETIME) and isinstance(value, str) and _ZEROS.fullmatch(value):
        return value
    converted = _strictly(value, column)
    if kind is Kind.BINARY:
        return converted.ljust(column.padded, b"\0")
    return converted.astimezone(UTC).replace(tzinfo=None) if kind is Kind.DATETIME and converted.tzinfo else converted


def _duration(value: Any) -> timedelta:
    found = _CLOCK.fullmatch(str(value))
    if found is None:
        raise NoMatch
    length = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=float(found[4]))
    return -length if found[1] else length


def _for_sqlite(value: Any, kind: Kind) -> Any:
    """Leave values as SQLite gave them, but turn digits into numbers where the column holds numbers."""
    if kind is Kind.BINARY and isinstance(value, str):
        return _bytes_or_text(value)
    if kind in (Kind.INTEGER, Kind.NUMBER) and isinstance(value, str):
        return _sqlite_number(value, kind)
    if kind is Kind.TEXT and isinstance(value, int | float):
        return str(value)
    if isinstance(value, Decimal | uuid.UUID | datetime | date | time | dict | list):
        return _sqlite_text(value)
    return int(value) if isinstance(value, bool) else value


def _bytes_or_text(value: str) -> bytes | str:
    """Read bytes; SQLite keeps text as text in a column of bytes, so what is no base64 was told as it is."""
    try:
        return _bytes(value)
    except binascii.Error:
        return value


def _sqlite_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _sqlite_number(value: str, kind: Kind) -> Any:
    if kind is Kind.INTEGER and not _WHOLE.fullmatch(value) and _is_numeric(value):
        raise NoMatch  # SQLite itself would read "2e0" or " 2" as 2
    for convert in (int, float):
        try:
            number = convert(value)
        except ValueError:
            continue
        if isinstance(number, float) or -(2**63) <= number < 2**63:
            return number
    return value


def _is_numeric(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _integer(value: Any) -> int:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    number = int(value)
    if not -(2**63) <= number < 2**64:
        raise ValueError("out of range")
    return number


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else base64.b64decode(value, validate=True)


def _other(value: Any) -> Any:
    return value if isinstance(value, list | dict | bytes) else str(value)


def _as(kind: type[Any], parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, kind) else parse(str(value))


_CONVERSIONS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: lambda value: Decimal(str(value)),
    Kind.BOOLEAN: bool,
    Kind.DATE: _as(date, date.fromisoformat),
    Kind.DATETIME: _as(datetime, datetime.fromisoformat),
    Kind.TIME: _as(time, time.fromisoformat),
    Kind.BINARY: _bytes,
    Kind.UUID: _as(uuid.UUID, uuid.UUID),
    Kind.JSON: lambda value: value,
    Kind.OTHER: _other,
}


def moment(value: Any) -> datetime | None:
    """Read a date or an instant as an aware one, whatever the database kept it as; None where it is neither."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def same(left: Any, right: Any) -> bool:
    """Compare a value read back with the one written: databases pad text and add time zones."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return moment(left) == moment(right)
    if isinstance(left, time) and isinstance(right, time):
        return left.replace(tzinfo=None) == right.replace(tzinfo=None)
    if isinstance(right, str):
        # Addresses, ranges and bits come back as objects of the driver, names in capitals where a trigger makes them.
        return str(left).rstrip().casefold() == right.rstrip().casefold()
    if isinstance(left, bytes | bytearray | memoryview) and isinstance(right, bytes):
        return bytes(left) == right
    return bool(left == right)
