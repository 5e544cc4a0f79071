"""One value from a connected system, written three ways: JSON, a CSV cell, text for a page; trusts none of them."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

Portable = None | bool | int | float | str | list["Portable"] | dict[str, "Portable"]

# What spreadsheets may take for the beginning of a formula, also in full width (OWASP, "CSV Injection"). Apostrophes
# before it count, so that what `cell` adds can be taken off again without doubt. A negative number is only a number.
_STARTS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(f"(?!-[0-9]+(?:\\.[0-9]+)?$)'*[{_STARTS}]")
_ESCAPED = re.compile(f"'+[{_STARTS}]")
_NOTHING = "\N{EN DASH}"
# Control characters mean nothing on a page and may hide text; their pictures do not. Tab and line feed stay.
_CONTROLS = {code: 0x2400 + code for code in range(0x20) if code not in {0x09, 0x0A}} | {0x7F: 0x2421}


def portable(value: object) -> Portable:
    """Return the value as JSON knows it: moments in UTC, bytes in base64, what JSON has no number for as text."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): portable(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [portable(item) for item in value]
    return _moment(value)


def _moment(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def cell(value: Portable) -> str:
    """Return the CSV cell: text that a spreadsheet would run gets an apostrophe in front, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return json.dumps(value, ensure_ascii=False)


def text_of_cell(written: str) -> str:
    """Return the text that `cell` wrote."""
    return written[1:] if _ESCAPED.match(written) else written


def shown(value: Portable) -> str:
    """Return the text a page shows, with control characters made visible. It still has to be escaped."""
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\r\n", "\n").translate(_CONTROLS)
