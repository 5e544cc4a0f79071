"""What may stand in an append-only table: ids, codes, counts and field names; it refuses, and never repairs."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from governance.errors import AuditRefused

Detail = str | int | bool | Sequence[str] | None

LONGEST_TEXT = 200
_LARGEST_INTEGER = 2**53 - 1  # beyond this other readers of JSON round (RFC 7493 §2.2)

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.:/*+-]*", re.ASCII)
_EMAIL = re.compile(r"[^\s@]@[^\s@]")
_PHONE = re.compile(r"\+[\s().-]*\d(?:[\s().-]*\d){6,}")


def require_reference(name: str, value: str, longest: int) -> str:
    """Answer the value when it is empty or an opaque reference such as `request:0f3a…`; raises AuditRefused."""
    if value and (len(value) > longest or not _REFERENCE.fullmatch(value) or _is_telling(value)):
        message = f"{name} takes an opaque reference of at most {longest} characters: ids and codes, no values."
        raise AuditRefused(message)
    return value


def require_details(details: Mapping[str, Detail] | None) -> dict[str, str | int | bool | list[str] | None]:
    """Answer a copy that holds only what an append-only table may hold; raises AuditRefused.

    A second fence: callers pass ids, codes, counts and field names, and this one catches the slip.
    """
    return {_key(key): _value(key, value) for key, value in (details or {}).items()}


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise AuditRefused("A detail is named in lower-case letters, digits and underscores.")
    return key


def _value(key: str, value: Detail) -> str | int | bool | list[str] | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise _refused(key, "is a number beyond 2^53 - 1; write an id as text")
        return value
    if isinstance(value, str):
        return _text(key, value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return [_text(key, item) for item in value]
    raise _refused(key, "takes text, a whole number, a truth value, nothing, or a list of texts")


def _text(key: str, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise _refused(key, f"is longer than {LONGEST_TEXT} characters")
    # isprintable() also refuses lone surrogates, which have no byte form to hash.
    if not text.isprintable():
        raise _refused(key, "has characters that cannot be printed")
    if _is_telling(text):
        raise _refused(key, "looks like an address or a phone number")
    return str.__str__(text)


def _is_telling(text: str) -> bool:
    # Most texts are codes: without one of these characters neither pattern below can be found.
    if text.isascii() and "@" not in text and "+" not in text and "%" not in text:
        return False
    # Compatibility forms and percent-encoding would otherwise carry an address past the fence.
    plain = unicodedata.normalize("NFKC", text).replace("%40", "@").replace("%2B", "+").replace("%2b", "+")
    return bool(_EMAIL.search(plain) or _PHONE.search(plain))


def _refused(key: str, why: str) -> AuditRefused:
    # The value itself is never quoted: it may be what must not be written down.
    return AuditRefused(f"The detail {key} {why}; personal data goes into the sealed body.")
