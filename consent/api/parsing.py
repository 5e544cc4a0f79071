"""Reading the body of a check by hand, for speed: every complaint at once with its pointer, no value ever repeated."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils import timezone

from governance.api.parsers import read_json, require_readable
from governance.errors import BadInput, FieldError, MediaTypeRefused
from governance.keys.index_keys import index_value
from governance.policy.decide import MessageClass, Operation, Question
from governance.subjects.registering import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest

MOST_CHECKS: Final = 1000
MOST_REPLAYS: Final = 10
_MOST_ITEMS: Final = 64
_LONGEST: Final = 254
_NOBODY: Final = UUID(int=0)
_TITLE: Final = "See errors: each names a field and the remedy"

_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CHANNEL: Final = re.compile(r"[a-z0-9_]{0,32}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_.:*-]{1,128}", re.ASCII)
_OPERATIONS: Final = {operation.value: operation for operation in Operation}
_CLASSES: Final = {kind.value: kind for kind in MessageClass}


class _Refused(Exception):  # never leaves this module
    """One complaint about one value, without the value."""


def read_check(request: HttpRequest) -> Question:
    """Answer the question of a single check; raises BadInput."""
    errors: list[FieldError] = []
    question = _question(read_json(_body(request)), "", errors)
    if question is None:
        raise BadInput(_TITLE, errors=errors)
    return question


def read_checks(request: HttpRequest) -> list[Question]:
    """Answer the questions of a batch; raises BadInput for the whole when any item cannot be read."""
    document = read_json(_body(request))
    if not isinstance(document, dict):
        raise BadInput(_TITLE, errors=[FieldError("", "Send an object with the field checks")])
    errors = [FieldError(_pointer("", name), "Unknown field; known is checks") for name in document if name != "checks"]
    items = document.get("checks")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_CHECKS:
        errors.append(FieldError("/checks", f"Send a list of 1 to {MOST_CHECKS} checks"))
        raise BadInput(_TITLE, errors=errors)
    questions = [_question(item, f"/checks/{position}", errors) for position, item in enumerate(items)]
    # Each replay reads a history: a batch of them would cost a thousand times what a batch may.
    replays = [position for position, question in enumerate(questions) if question is not None and question.as_of]
    if len(replays) > MOST_REPLAYS:
        errors += [FieldError(f"/checks/{replays[MOST_REPLAYS]}/as_of", f"Ask at most {MOST_REPLAYS} with as_of")]
    if errors:
        raise BadInput(_TITLE, errors=errors)
    return [question for question in questions if question is not None]


def blame(questions: Sequence[Question], pointer: Callable[[int], str]) -> BadInput | None:
    """Find the identifiers that cannot be normalised, after the kernel refused one of them; None when none is."""
    errors = []
    for position, question in enumerate(questions):
        try:
            index_value(_NOBODY, question.identifier_type, question.identifier)
        except BadInput as refused:
            detail = refused.errors[0].detail if refused.errors else "This identifier cannot be used"
            errors.append(FieldError(f"{pointer(position)}/subject/value", detail))
    return BadInput(_TITLE, errors=errors) if errors else None


def _body(request: HttpRequest) -> bytes:
    if request.content_type != "application/json":
        raise MediaTypeRefused("Send Content-Type: application/json")
    require_readable(request)
    return request.body


def _question(item: object, pointer: str, errors: list[FieldError]) -> Question | None:
    if not isinstance(item, dict):
        errors.append(FieldError(pointer, "Send an object with subject and purpose"))
        return None
    before = len(errors)
    known = ", ".join(_READERS)
    errors.extend(
        FieldError(_pointer(pointer, name), f"Unknown field; known are {known}")
        for name in item
        if name not in _READERS
    )
    values: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if name in item or name in _REQUIRED:
            try:
                reader(item.get(name), values)
            except _Refused as refused:
                where, detail = refused.args
                errors.append(FieldError(f"{pointer}/{name}{where}", detail))
    return Question(**values) if len(errors) == before else None


def _pointer(base: str, name: str) -> str:
    # The name of a field that we do not know may itself be personal data: it is cut, and escaped as RFC 6901 says.
    return f"{base}/{name[:32].replace('~', '~0').replace('/', '~1')}"


def _subject(value: object, into: dict[str, Any]) -> None:
    if not isinstance(value, dict) or set(value) != {"type", "value"}:
        raise _Refused("", "Send an object with exactly type and value")
    kind, text = value["type"], value["value"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise _Refused("/type", f"Use one of: {', '.join(TYPES)}")
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST or "\x00" in text:
        raise _Refused("/value", f"Send 1 to {_LONGEST} characters of text")
    into["identifier_type"], into["identifier"] = kind, text


def _purpose(value: object, into: dict[str, Any]) -> None:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise _Refused("", "Send the key of a purpose: letters, digits, - and _")
    into["purpose"] = value


def _channel(value: object, into: dict[str, Any]) -> None:
    if not isinstance(value, str) or not _CHANNEL.fullmatch(value):
        raise _Refused("", "Send a channel such as email, or leave it out")
    into["channel"] = value


def _action(value: object, into: dict[str, Any]) -> None:
    into["operation"] = _one_of(value, _OPERATIONS)


def _message_class(value: object, into: dict[str, Any]) -> None:
    into["message_class"] = _one_of(value, _CLASSES)


def _fields(value: object, into: dict[str, Any]) -> None:
    into["fields"] = tuple(dict.fromkeys(_words(value, "data categories such as user.contact.email")))


def _signals(value: object, into: dict[str, Any]) -> None:
    into["signals"] = frozenset(_words(value, "signals such as gpc"))


def _as_of(value: object, into: dict[str, Any]) -> None:
    hint = "Send a moment that has passed, with its offset, such as 2026-01-31T12:00:00+00:00"
    if not isinstance(value, str) or len(value) > _MOST_ITEMS:
        raise _Refused("", hint)
    try:
        moment = datetime.fromisoformat(value)
        is_past = moment.tzinfo is not None and moment.astimezone(UTC) <= timezone.now()
    except (ValueError, OverflowError):
        raise _Refused("", hint) from None
    if not is_past:
        raise _Refused("", hint)
    into["as_of"] = moment.astimezone(UTC)


def _one_of(value: object, known: Mapping[str, Any]) -> Any:
    if not isinstance(value, str) or value not in known:
        raise _Refused("", f"Use one of: {', '.join(known)}")
    return known[value]


def _words(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise _Refused("", f"Send a list of at most {_MOST_ITEMS} {what}")
    for position, word in enumerate(value):
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            where = f"/{position}"
            raise _Refused(where, f"Send {what}")
    return value


_READERS: Final[dict[str, Callable[[object, dict[str, Any]], None]]] = {
    "subject": _subject,
    "purpose": _purpose,
    "channel": _channel,
    "action": _action,
    "fields": _fields,
    "signals": _signals,
    "as_of": _as_of,
    "message_class": _message_class,
}
_REQUIRED: Final = frozenset({"subject", "purpose"})
