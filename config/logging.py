"""Structured logs without personal data: the last processor removes what looks like an address, number or key."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

import structlog

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


def logging_config(level: str) -> None:
    """Send everything, the standard library's records too, through one chain to one JSON line on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
            "loggers": {"django.db.backends": {"level": "INFO"}, "celery": {"level": "WARNING"}},
        }
    )
