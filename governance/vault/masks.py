"""What is left of a value behind a mask: pure functions by name; which one applies, the policy decides."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from governance.fields.codec import Masked, Value
from governance.policy.forms import Form

_HIDDEN: Final = "•"
#: As many dots whatever is hidden: their number would tell the length.
_DOTS: Final = _HIDDEN * 4
_SHORT: Final = 8
_BUCKET: Final = 10
#: The first sign of fewer would be most of them: of 王伟 it is the family name.
_FEWEST: Final = 3
#: A number from here on is no age or count but a code: a postcode, a date, an account.
_LONGEST_RANGE: Final = 1_000


def masked(value: Value, form: Form) -> Masked:
    """Answer what this mask leaves of the value. What a mask cannot read is hidden whole."""
    return Masked(MASKS[form](value), form)


def partial(value: Value) -> str:
    """Leave the first character of each word that is long enough to hide the rest: `J•••• D••••`."""
    return " ".join(_first(word) + _DOTS for word in _text(value).split()) or _DOTS


def last_four(value: Value) -> str:
    """Leave the last four letters or digits where at least as many stay hidden: `••••4711`."""
    signs = [sign for sign in _text(value) if sign.isalnum()]
    return _DOTS + ("".join(signs[-4:]) if len(signs) >= _SHORT else "")


def email(value: Value) -> str:
    """Leave the first character and the last part of the domain: `j••••@••••.org`."""
    local, at, domain = _text(value).strip().rpartition("@")
    if not at or not local:
        return _DOTS
    _name, dot, ending = domain.rpartition(".")
    return f"{_first(local)}{_DOTS}@{_DOTS}{dot}{ending if dot else ''}"


def identifier(value: Value) -> str:
    """Mask an identifier whose type is not at hand: as an e-mail address where it is one, else to its last four."""
    return email(value) if "@" in _text(value) else last_four(value)


def year(value: Value) -> str:
    """Leave the year of a date, also of one written as text in ISO 8601."""
    if isinstance(value, date):
        return f"{value.year:04}"
    try:
        return f"{date.fromisoformat(_text(value).strip()[:10]).year:04}"
    except ValueError:
        return _DOTS


def generalised(value: Value) -> str:
    """Leave the ten that a number lies in (`30–39`), or the first two characters of a code for a place (`10••••`).

    A number of four digits or more is such a code.
    """
    if isinstance(value, bool):
        return _DOTS
    if isinstance(value, int | Decimal) and -_LONGEST_RANGE < value < _LONGEST_RANGE:
        low = int(value // _BUCKET) * _BUCKET
        return f"{low}–{low + _BUCKET - 1}"
    code = "".join(_text(value).split())
    return code[:2] + _DOTS if len(code) >= 4 else _DOTS


def _first(word: str) -> str:
    return word[0] if len(word) >= _FEWEST else ""


def _text(value: Value) -> str:
    # Only text is read letter by letter: a list or bytes shown in part could show all.
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


MASKS: Final[Mapping[Form, Callable[[Value], str]]] = MappingProxyType(
    {
        Form.EMAIL: email,
        Form.IDENTIFIER: identifier,
        Form.LAST_FOUR: last_four,
        Form.PARTIAL: partial,
        Form.RANGE: generalised,
        Form.YEAR: year,
    }
)
