"""Structured logs without personal data: failures by class and place, what looks like an address or number removed."""

import logging
import logging.config
import re
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import structlog
from django.db import OperationalError

from governance.errors import GovernanceError

#: Lengths are bounded: an unbounded run before the @ made one long address cost seconds (quadratic backtracking).
_EMAIL = re.compile(r"[^\s@<>\"'/?&=]{1,64}@[^\s@<>\"'/?&=]{1,255}")
_PHONE = re.compile(r"\+\d[\d\s().-]{6,24}\d")
_TOKEN = re.compile(r"\b[a-z]{2,12}_[0-9a-f]{16}_[A-Za-z0-9_-]{16,64}")
#: What follows a path is never logged: people put names and addresses there.
_QUERY = re.compile(r"\?\S*")
_LONGEST = 2_000
_KEPT = {"timestamp", "level", "logger"}
#: What django-structlog binds and this service does not want in its logs.
_DROPPED = ("ip", "user_agent", "user_id")


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace anything that looks personal. A second fence: callers log ids and codes only."""
    for key in _DROPPED:
        event.pop(key, None)
    for key, value in event.items():
        if key not in _KEPT:
            event[key] = _clean(value)
    return event


def _clean(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else str(value)
    if len(text) > _LONGEST:
        # The end of a traceback says more than its beginning.
        text = f"{text[: _LONGEST // 4]} … {text[-_LONGEST:]}"
    text = _QUERY.sub("?[query]", unquote(text))
    for pattern, mark in ((_EMAIL, "[address]"), (_TOKEN, "[key]"), (_PHONE, "[number]")):
        text = pattern.sub(mark, text)
    return text


def trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Say where it failed and what was raised, cause after cause, without the message.

    A message quotes what it stumbled over: a driver the row that was refused, `int()` the text that is no number. No
    pattern can tell a name in it from any other word. Only messages that can hold no value are kept.
    """
    parts = []
    for error in reversed(list(_chain(exc_info[1]))):
        kind, said = type(error), _message(error)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        parts += [*traceback.format_tb(error.__traceback__), f"{name}: {said}\n" if said else f"{name}\n"]
    return "".join(parts).rstrip()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _message(error: BaseException) -> str:
    if isinstance(error, GovernanceError):
        return str(error)  # names fields and remedies, never values
    if isinstance(error, OperationalError):
        return str(error).partition("\n")[0]  # the server is away, a table is missing: values come in other classes
    return (error.strerror or "") if isinstance(error, OSError) else ""


def logging_config(level: str) -> None:
    """Send everything, the standard library's records too, through one chain to one JSON line on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(trace),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        redact,
                        structlog.processors.JSONRenderer(),
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            # At DEBUG the one writes statements with their values, the other the whole context of a page.
            "loggers": {
                "django.db.backends": {"level": "INFO"},
                "django.template": {"level": "INFO"},
                "celery": {"level": "WARNING"},
            },
        }
    )
