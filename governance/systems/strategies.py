"""Masking strategies: what is written over personal data, given a column's shape; pure, and it opens no connection.

A strategy must give the same value when a killed step is repeated, so everything unpredictable is derived by HMAC
from the request's seed and the row's place. Nothing here can be turned back: the seed is destroyed with the request.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING

from governance.catalogue.elements import Masking, is_within

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = 8  # hex digits by which a hash is recognised as ours when the step is repeated
_HASH_LEAST = 24
_RANDOM_LENGTH = 30
_FEW = 1000  # among fewer numbers that are counted from, a derived one may well be the one to be written over
_EMAIL = "user.contact.email"


class Kind(StrEnum):
    """What a column can hold, as far as masking cares."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BINARY = "binary"
    UUID = "uuid"
    JSON = "json"
    CHOICE = "choice"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """What the database allows in a column.

    `span` is its least and greatest number, for an instant since 1970; `neutral` says nothing in a type of no kind;
    `shortest` is the least number of characters of a text.
    """

    kind: Kind
    nullable: bool
    length: int | None = None
    unique: bool = False
    choices: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    neutral: object = None
    shortest: int = 0


@dataclass(frozen=True, slots=True)
class Mask:
    """A strategy settled for one column: no further choice is made once rows are touched."""

    masking: Masking
    shape: ColumnShape
    category: str = ""

    def problem(self) -> str | None:
        """Say why this strategy cannot work here, or None."""
        return _PROBLEMS[self.masking.strategy](self)

    def value(self, token: bytes, current: object) -> object:
        """Return what replaces the current value of one field of one row."""
        return _VALUES[self.masking.strategy](self, token, current)


def derive(seed: bytes, place: Sequence[str]) -> bytes:
    """Return 32 bytes for one place under one seed; parts are length-prefixed, so no two places can collide."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (each.encode() for each in place))
    return hmac.digest(seed, message, hashlib.sha256)


def settle(masking: Masking, shape: ColumnShape, category: str = "") -> Mask:
    """Settle the map's wish for one column; `default` becomes what fits best."""
    if masking.strategy == "default":
        masking = default_for(shape)
    return Mask(masking, shape, category)


def default_for(shape: ColumnShape) -> Masking:
    """Return NULL where the column allows it, else a fixed value, or a derived one where values must differ."""
    if shape.nullable:
        return Masking("null_rewrite")
    return Masking("typed")


def _fit(text: str, length: int | None) -> str:
    return text if length is None else text[:length]


def _null_problem(mask: Mask) -> str | None:
    return None if mask.shape.nullable else "the column does not allow NULL; choose another masking strategy"


def _null_value(_mask: Mask, _token: bytes, _current: object) -> object:
    return None


def _typed_problem(mask: Mask) -> str | None:
    shape = mask.shape
    if shape.kind is Kind.OTHER and (shape.unique or shape.neutral is None):
        return "the column's type has no neutral value and does not allow NULL"
    if shape.kind is Kind.CHOICE and (shape.unique or not shape.choices):
        return "the column allows a few words only; name one with string_rewrite"
    return _unique_problem(shape) if shape.unique else None


def _unique_problem(shape: ColumnShape) -> str | None:
    if shape.kind in (Kind.BOOLEAN, Kind.JSON):
        return "the column must be unique, and its type leaves no room for that"
    if shape.kind is Kind.TEXT and shape.length is not None and shape.length < _MARK:
        return "the column must be unique and is too short for a derived value"
    if shape.span and shape.span[0] >= 0 and shape.span[1] - shape.span[0] < _FEW:
        return "the column must be unique and allows too few numbers for one of its own"
    return None


def _typed_value(mask: Mask, token: bytes, _current: object) -> object:
    shape, number = mask.shape, int.from_bytes(token[:8], "big")
    if shape.kind is Kind.TEXT:
        return _typed_text(mask, token)
    if shape.kind in (Kind.INTEGER, Kind.NUMBER):
        return _typed_number(shape, number)
    if shape.kind is Kind.CHOICE:
        return shape.choices[0]
    return _typed_other(shape, token, number)


def _typed_number(shape: ColumnShape, number: int) -> int:
    low, high = shape.span or (1 - 2**31, 2**31 - 1)
    if not shape.unique:
        return 0 if low <= 0 <= high else low
    if low < 0:
        return -1 - number % -low  # where counted keys and amounts do not live
    return high - number % max(1, (high - low) // 2)  # far from those counted from one


def _typed_other(shape: ColumnShape, token: bytes, number: int) -> object:
    start = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    if shape.span is not None:
        start += timedelta(seconds=shape.span[0])
    moment = start + timedelta(seconds=number % (86400 * 3650)) if shape.unique else start
    values: dict[Kind, object] = {
        Kind.BOOLEAN: False,
        Kind.JSON: {},
        Kind.UUID: uuid.UUID(bytes=token[:16], version=4),
        Kind.BINARY: token[: min(16, shape.length or 16)] if shape.unique else b"",
        Kind.DATETIME: moment,
        Kind.DATE: date(1970, 1, 1) + timedelta(days=number % 2_000_000) if shape.unique else date(1970, 1, 1),
        Kind.TIME: moment.time() if shape.unique else time(0),
        Kind.OTHER: shape.neutral,
    }
    return values.get(shape.kind)


def _typed_text(mask: Mask, token: bytes) -> str:
    length, hexed = mask.shape.length, token.hex()
    if is_within(mask.category, _EMAIL):
        # .invalid never resolves (RFC 2606): mail to an erased person goes nowhere.
        for shaped in (f"erased-{hexed[:16]}@erased.invalid", f"{hexed[:12]}@x.invalid"):
            if length is None or len(shaped) <= length:
                return shaped
    if mask.shape.unique:
        return _fit(hexed[:32], length)
    return _fit("erased".ljust(mask.shape.shortest, "-"), length)


def _rewrite_problem(mask: Mask) -> str | None:
    text = f"{mask.masking.rewrite_value or ''}{mask.masking.suffix or ''}"
    if mask.shape.unique:
        return "the column must be unique; choose random_string_rewrite"
    if mask.shape.kind is Kind.TEXT:
        fits = mask.shape.length is None or len(text) <= mask.shape.length
        return None if fits else "rewrite_value is longer than the column"
    if mask.shape.kind is Kind.CHOICE:
        return None if text in mask.shape.choices else "rewrite_value is not one of the words the column allows"
    if mask.shape.kind in (Kind.INTEGER, Kind.NUMBER):
        return _number_problem(mask.shape, _number(mask.shape.kind, text))
    return "string_rewrite fits text and numbers only"


def _number_problem(shape: ColumnShape, number: int | Decimal | None) -> str | None:
    if number is None:
        return "rewrite_value is not a number"
    fits = shape.span is None or shape.span[0] <= number <= shape.span[1]
    return None if fits else "rewrite_value is a number the column cannot hold"


def _number(kind: Kind, text: str) -> int | Decimal | None:
    try:
        return int(text) if kind is Kind.INTEGER else Decimal(text)
    except (ValueError, InvalidOperation):
        return None


def _rewrite_value(mask: Mask, _token: bytes, _current: object) -> object:
    text = f"{mask.masking.rewrite_value or ''}{mask.masking.suffix or ''}"
    if mask.shape.kind in (Kind.INTEGER, Kind.NUMBER):
        return _number(mask.shape.kind, text)
    return text


def _random_problem(mask: Mask) -> str | None:
    if mask.shape.kind is not Kind.TEXT:
        return "random_string_rewrite fits text only"
    least = _MARK + len(mask.masking.suffix or "")
    too_short = mask.shape.length is not None and mask.shape.length < least
    return "the column is too short for a random value" if too_short else None


def _random_value(mask: Mask, token: bytes, _current: object) -> object:
    suffix = mask.masking.suffix or ""
    room = _RANDOM_LENGTH if mask.shape.length is None else mask.shape.length - len(suffix)
    digits = max(1, min(mask.masking.length or _RANDOM_LENGTH, room, 64))
    return f"{token.hex()[:digits]}{suffix}"


def _hash_problem(mask: Mask) -> str | None:
    if mask.shape.kind is not Kind.TEXT:
        return "hash fits text only"
    too_short = mask.shape.length is not None and mask.shape.length < _HASH_LEAST
    return f"the column is shorter than the {_HASH_LEAST} characters a hash needs" if too_short else None


def _hash_value(mask: Mask, token: bytes, current: object) -> object:
    """Hash the current value, and leave it alone where it is already such a hash: the step was repeated."""
    if current is None:
        return None
    length = min(mask.shape.length or 64, 64)
    text = str(current)
    if len(text) == length and text.isascii() and hmac.compare_digest(text[-_MARK:], _mark(token, text[:-_MARK])):
        return text
    digest = hmac.digest(token, text.encode(), hashlib.sha256).hex()[: length - _MARK]
    return digest + _mark(token, digest)


def _mark(token: bytes, digest: str) -> str:
    return hmac.digest(token, b"mark" + digest.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:_MARK]


_PROBLEMS = {
    "null_rewrite": _null_problem,
    "typed": _typed_problem,
    "string_rewrite": _rewrite_problem,
    "random_string_rewrite": _random_problem,
    "hash": _hash_problem,
}
_VALUES = {
    "null_rewrite": _null_value,
    "typed": _typed_value,
    "string_rewrite": _rewrite_value,
    "random_string_rewrite": _random_value,
    "hash": _hash_value,
}
