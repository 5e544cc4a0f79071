"""Structured logs without personal data: the last processor removes what looks like an address, number or key."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_PHONE = re.compile(r"\+\d[\d\s().-]{6,}\d")
_TOKEN = re.compile(r"\b[a-z]{2,12}_[0-9a-f]{16}_[A-Za-z0-9_-]{16,}\b")
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
