"""The one byte form of a JSON value (RFC 8785 without floats), for hashing and signing; it parses nothing."""

import json
from typing import Final

from governance.crypto.errors import CanonicalFormRefused

_EXACT_INTEGER: Final = 2**53 - 1  # beyond this other readers round (RFC 7493 §2.2)
_DEPTH_LIMIT: Final = 64


def canonical(value: object) -> bytes:
    """Answer the canonical bytes; raises CanonicalFormRefused for anything but str, int, bool, None, list and dict."""
    return json.dumps(_ordered(value, _DEPTH_LIMIT), ensure_ascii=False, separators=(",", ":")).encode()


def _ordered(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) > _EXACT_INTEGER:
            raise CanonicalFormRefused("An integer beyond 2^53 - 1 has no canonical form; write it as a string.")
        return int(value)
    if depth == 0:
        raise CanonicalFormRefused("The value is nested too deeply.")
    return _ordered_container(value, depth - 1)


def _ordered_container(value: object, depth: int) -> object:
    if isinstance(value, list):
        return [_ordered(item, depth) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise CanonicalFormRefused("The keys of a canonical object are strings.")
        # RFC 8785 §3.2.3 sorts by UTF-16 code units, which differs from code points above U+FFFF.
        keys = sorted(map(_text, value), key=lambda key: key.encode("utf-16-be"))
        return {key: _ordered(value[key], depth) for key in keys}
    reason = f"A {type(value).__name__} has no canonical form."
    raise CanonicalFormRefused(reason)


def _text(value: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CanonicalFormRefused("A string with lone surrogates has no canonical form.")
    return str.__str__(value)
