"""What a sealed column declares to hold, checked while the value is still readable; it converts and seals nothing."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The one type of a sealed column. Values are stable: they stand in migrations."""

    BOOLEAN = "boolean"
    BYTES = "bytes"
    DATE = "date"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    FLOAT = "float"
    INTEGER = "integer"
    JSON = "json"
    TEXT = "text"


_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.BOOLEAN: (bool,),
    Kind.BYTES: (bytes, bytearray, memoryview),
    Kind.DATE: (date,),
    Kind.DATETIME: (datetime,),
    Kind.DECIMAL: (Decimal,),
    Kind.FLOAT: (float,),
    Kind.INTEGER: (int,),
    Kind.JSON: (dict, list),
    Kind.TEXT: (str,),
}
#: What Python counts as a special case of another type, and nobody means as one.
_NOT: Final[dict[Kind, type]] = {Kind.DATE: datetime, Kind.INTEGER: bool}

_WORDS: Final[dict[Kind, str]] = {
    Kind.BOOLEAN: "True or False",
    Kind.BYTES: "bytes",
    Kind.DATE: "a date, without a time",
    Kind.DATETIME: "a date and time, with its zone",
    Kind.DECIMAL: "a Decimal",
    Kind.FLOAT: "a float",
    Kind.INTEGER: "a whole number",
    Kind.JSON: "a dict or a list",
    Kind.TEXT: "text",
}


def fits(kind: Kind, value: object) -> bool:
    """Whether the value is of this kind; nothing is converted on the way, so nothing can drift."""
    return isinstance(value, _TYPES[kind]) and not isinstance(value, _NOT.get(kind, ()))


def words(kind: Kind) -> str:
    """How an error names what the column takes."""
    return _WORDS[kind]
