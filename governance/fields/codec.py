"""Typed bytes for sealing (docs/envelope.md §1): the same type and value come back; it knows no key."""

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from governance.errors import BadInput, SealRefused


class Masked(str):
    """A value behind a mask. It is text that can be shown, and never sealed as if it were the value."""

    __slots__ = ("form",)

    form: str

    def __new__(cls, text: str, form: str) -> "Masked":
        """Remember which mask it was."""
        made = super().__new__(cls, text)
        made.form = form
        return made


# Bytes that can stand inside a character of UTF-8 and never begin one, so that text needs no mark of its own.
_BYTES: Final = b"\x80"
_BOOLEAN: Final = b"\x81"
_INTEGER: Final = b"\x82"
_FLOAT: Final = b"\x83"
_DECIMAL: Final = b"\x84"
_DATE: Final = b"\x85"
_TIME: Final = b"\x86"
_JSON: Final = b"\x87"

Value = str | bytes | int | bool | float | Decimal | date | dict[str, Any] | list[Any]


def encode(value: Value) -> bytes:
    """Answer text as UTF-8, and the rest after the mark of its type. Refuses what would not come back the same."""
    if isinstance(value, Masked):
        # Sealed again, it would stand where the whole value was.
        raise BadInput("Seal the value itself, not what a mask left of it")
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return as_bytes(bytes(value))
    if isinstance(value, bool | int):
        return (_BOOLEAN if isinstance(value, bool) else _INTEGER) + _digits(int(value))
    if isinstance(value, dict | list):
        return as_json(_json(value))
    return _encode_exact(value)


def as_bytes(value: bytes) -> bytes:
    """Mark bytes as such."""
    return _BYTES + value


def as_json(text: bytes) -> bytes:
    """Mark the text of a JSON value as such."""
    return _JSON + text


def decode(data: bytes) -> Value:
    """Answer the value as it was sealed."""
    try:
        return data.decode()  # no UTF-8 begins with the mark of a type
    except UnicodeDecodeError:
        read = _READERS.get(data[:1])
    if read is None:
        raise SealRefused("A sealed value was written by a newer version")
    return read(data[1:])


def _encode_exact(value: object) -> bytes:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadInput("A time needs its zone before it can be sealed")
        return _TIME + value.isoformat().encode()
    if isinstance(value, date):
        return _DATE + value.isoformat().encode()
    if isinstance(value, Decimal) and value.is_finite():
        return _DECIMAL + str(value).encode()
    if isinstance(value, float) and math.isfinite(value):
        return _FLOAT + float.__repr__(value).encode()  # the shortest text that reads back as the very same number
    raise BadInput("Text, bytes, finite numbers, dates, times and JSON can be sealed; None stays NULL")


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise BadInput("Text with lone surrogates cannot be sealed") from None


def _digits(value: int) -> bytes:
    try:
        return str(value).encode()
    except ValueError:  # Python's own limit on the digits of an integer
        raise BadInput("A whole number with thousands of digits cannot be sealed") from None


def _json(value: Any) -> bytes:
    try:
        if not _is_plain(value):
            raise BadInput("JSON with NaN, infinity or other types cannot be sealed")
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError):
        raise BadInput("JSON nested too deeply, or with an endless number, cannot be sealed") from None
    return _utf8(text)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


_READERS: dict[bytes, Callable[[bytes], Value]] = {
    _BYTES: bytes,
    _BOOLEAN: lambda rest: rest == b"1",
    _FLOAT: lambda rest: float(rest.decode()),
    _INTEGER: lambda rest: int(rest.decode()),
    _JSON: json.loads,
    _DATE: lambda rest: date.fromisoformat(rest.decode()),
    _TIME: lambda rest: datetime.fromisoformat(rest.decode()),
    _DECIMAL: lambda rest: Decimal(rest.decode()),
}
