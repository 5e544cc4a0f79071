"""Turns a plan into plain JSON values and back, always the same way, so that what is approved is what is run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from enum import StrEnum
from functools import cache
from typing import Any

from governance.catalogue.planning.model import Plan


def to_dict(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON-able values."""
    encoded = _encode(plan)
    return typing.cast("dict[str, Any]", encoded)


def from_dict(value: dict[str, Any]) -> Plan:
    """Return the plan that `to_dict` wrote. Raises ValueError where it is anything else."""
    try:
        return typing.cast("Plan", _decode(Plan, value))
    except (KeyError, TypeError, AttributeError) as error:
        msg = "not a stored plan"
        raise ValueError(msg) from error


def digest(plan: Plan) -> str:
    """Return the SHA-256 of the plan's canonical JSON; an approval names it, an execution must match it."""
    text = json.dumps(to_dict(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {item.name: _encode(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _decode(next(each for each in arguments if each is not type(None)), value)
    if origin is tuple:
        return tuple(_decode(arguments[0], each) for each in value)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast("type", kind))
        if set(value) != set(hints):
            msg = "fields differ"
            raise ValueError(msg)
        return kind(**{name: _decode(hints[name], value[name]) for name in hints})  # type: ignore[operator]
    if not isinstance(value, str if issubclass(kind, StrEnum) else kind):
        msg = "a value has another type"
        raise TypeError(msg)
    return kind(value)
