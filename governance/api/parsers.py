"""Strict JSON: UTF-8, no duplicate keys, no NaN, bounded depth; it never repeats the input in an error."""

import json
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from governance.errors import BadInput, MediaTypeRefused, PayloadTooLarge

DEEPEST = 32


class StrictJSONParser(BaseParser):
    """DRF's way in."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Read a body of at most the configured size; the media type does not matter here."""
        del media_type
        require_readable((parser_context or {})["request"])
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise RequestDataTooBig
        try:
            return read_json(data)
        except BadInput as refused:
            raise ParseError(refused.detail) from refused


def require_readable(request: HttpRequest) -> None:
    """Refuse by its headers a body that is too large or compressed, before any of it is read.

    Nobody has to be waited for who announces more than is taken, and what no door unpacks cannot be a bomb.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise RequestDataTooBig
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise MediaTypeRefused("Send the body as it is, without Content-Encoding")


def read_json(data: bytes) -> Any:
    """Read a body; raises BadInput (status 400) with the position, PayloadTooLarge past the limit."""
    if len(data) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise PayloadTooLarge("Send at most 1 MiB in one request")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        _require_shallow(value, 0)
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8")
    except json.JSONDecodeError as error:
        _refuse(f"The body is not JSON: line {error.lineno}, column {error.colno}")
    except ValueError:
        _refuse("A number in the body is too long")  # Python stops at 4,300 digits
    except RecursionError:
        _refuse(f"The body is nested deeper than {DEEPEST} levels")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of one document could each see another value: a way round the checks.
    result = dict(pairs)
    if len(result) != len(pairs):
        _refuse("The body names a key twice")
    if any("\x00" in key for key in result):
        _refuse("The body has a key with a NUL character")
    return result


def _no_constant(_name: str) -> NoReturn:
    _refuse("NaN and Infinity are not JSON")


def _require_shallow(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        _refuse(f"The body is nested deeper than {DEEPEST} levels")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_shallow(item, depth + 1)


def _refuse(detail: str) -> NoReturn:
    error = BadInput(detail)
    error.status = 400
    raise error
