"""Reads the plain conditions a table sets its columns (CHECK), so that a mask keeps them; it reads no rows.

Only what is said of one column in words, bounds or lengths is understood. The rest is the database's to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from governance.systems.sql import postgresql
from governance.systems.strategies import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine.interfaces import ReflectedColumn

    from governance.systems.sql.shapes import Column
    from governance.systems.strategies import ColumnShape

_MARIADB: Final = sa.text(
    "SELECT check_clause FROM information_schema.check_constraints"
    " WHERE constraint_schema = COALESCE(:home, DATABASE()) AND table_name = :name"
)
_CAST: Final = re.compile(
    r"::\s*\"?\w+\"?( varying| precision| with(out)? time zone)?(\(\d+(, ?\d+)?\))?(\[\])*", re.IGNORECASE
)
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'")
_LIST: Final = re.compile(r"\bin\s*\(([^()]*)\)|=\s*any\s*\(+\s*array\s*\[([^\]]*)\]", re.IGNORECASE)
_BOUND: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*\(?(-?\d+)\b(?!\.)")
_BETWEEN: Final = re.compile(r"\bbetween\s+(-?\d+)\s+and\s+(-?\d+)", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\b(char_|character_|octet_)?length\s*\(", re.IGNORECASE)
_OR_NOTHING: Final = re.compile(r"\bor\s+\(?\W*\w+\W*\s+is\s+null|\w+\W*\s+is\s+null\W*\s+or\b", re.IGNORECASE)
_WIDEST: Final = (1 - 2**31, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column allows: a few words, numbers from least to most, or text of at least so many characters."""

    words: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    of_length: bool = False


def conditions_of(
    connection: sa.Connection, bare: str, schema: str | None, columns: Iterable[ReflectedColumn]
) -> Mapping[str, tuple[Condition, ...]]:
    """Return the conditions of a table that we understand, by column."""
    reflected = tuple(columns)
    names = tuple(each["name"] for each in reflected)
    found: dict[str, tuple[Condition, ...]] = {}
    for text in (*_texts(connection, bare, schema), *map(postgresql.domain_check, reflected)):
        for name, condition in _read(text, names):
            found[name] = (*found.get(name, ()), condition)
    return found


def _texts(connection: sa.Connection, bare: str, schema: str | None) -> Iterator[str]:
    if getattr(connection.dialect, "is_mariadb", False):
        # Reflection reads those of the table and overlooks those written at a column.
        yield from map(str, connection.execute(_MARIADB, {"home": schema, "name": bare}).scalars())
        return
    for each in sa.inspect(connection).get_check_constraints(bare, schema=schema):
        yield str(each["sqltext"])


def _read(text: str, names: tuple[str, ...]) -> Iterator[tuple[str, Condition]]:
    plain = _OR_NOTHING.sub(" ", _CAST.sub("", text))
    words = set(re.findall(r"\w+", _TEXT.sub("", plain).casefold()))
    about = [name for name in names if name.casefold() in words]
    if len(about) == 1 and not words & {"or", "not", "case"} and (condition := _understood(plain)):
        yield about[0], condition


def _understood(plain: str) -> Condition | None:
    if listed := _LIST.search(plain):
        inside = listed[1] or listed[2] or ""
        words = tuple(each.replace("''", "'") for each in _TEXT.findall(inside)) or tuple(re.findall(r"-?\d+", inside))
        return Condition(words) if words else None
    if "json_valid" in plain.casefold():
        return Condition(("{}",))
    return _bounds(plain)


def _bounds(plain: str) -> Condition | None:
    least: list[int] = []
    most: list[int] = []
    for low, high in _BETWEEN.findall(plain):
        least.append(int(low))
        most.append(int(high))
    for sign, number in _BOUND.findall(_TEXT.sub("", plain)):
        if sign in (">", ">=", "="):
            least.append(int(number) + (sign == ">"))
        if sign in ("<", "<=", "="):
            most.append(int(number) - (sign == "<"))
    if not least and not most:
        return None
    return Condition((), max(least, default=None), min(most, default=None), bool(_LENGTH.search(plain)))


def within(column: Column, conditions: Iterable[Condition]) -> Column:
    """Return a column that allows a mask only what keeps its conditions."""
    for condition in conditions:
        column = replace(column, allowed=replace(column.allowed, **_changes(column.allowed, condition)))
    return column


def _changes(shape: ColumnShape, condition: Condition) -> dict[str, Any]:
    if shape.kind is Kind.TEXT and condition.words:
        return {"kind": Kind.CHOICE, "choices": condition.words}
    if shape.kind is Kind.TEXT and condition.of_length:
        longest = min(each for each in (shape.length, condition.most, 2**31) if each is not None)
        return {"shortest": max(shape.shortest, condition.least or 0), "length": longest if longest < 2**31 else None}
    if shape.kind in (Kind.INTEGER, Kind.NUMBER) and not condition.of_length:
        return {"span": _span(shape.span, condition)}
    return {}


def _span(span: tuple[int, int] | None, condition: Condition) -> tuple[int, int] | None:
    numbers = [int(each) for each in condition.words if re.fullmatch(r"-?\d+", each)]
    low, high = span or _WIDEST
    least = max(low, min(numbers) if numbers else low if condition.least is None else condition.least)
    most = min(high, max(numbers) if numbers else high if condition.most is None else condition.most)
    return (least, most) if least <= most and (numbers or not condition.words) else span
