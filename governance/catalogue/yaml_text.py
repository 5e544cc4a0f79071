"""Reads untrusted YAML text into plain values within limits; knows nothing of what the text describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from governance.errors import FieldError, InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Hashable

    _Block = dict[Hashable, Any]

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 100_000


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
    """The safe loader, refusing a key written twice (PyYAML would silently keep the last)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> _Block:  # noqa: FBT001, FBT002
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(names) != len(set(names)):
            line = node.start_mark.line + 1
            _refuse(f"A key is written twice in the block that starts on line {line}; keep one.")
        result: _Block = super().construct_mapping(node, deep=deep)
        return result


def load(source: str | bytes) -> object:
    """Return the values in one YAML document. Raises InvalidDataset naming line and column, not the text."""
    data = source.encode("utf-8", errors="replace") if isinstance(source, str) else source
    if len(data) > MAX_BYTES:
        _refuse(f"The file is larger than {MAX_BYTES // 1_000_000} MB; import it in parts.")
    try:
        text = data.decode("utf-8")
        _measure(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except UnicodeDecodeError:
        _refuse("The file is not UTF-8 text.")
    except yaml.YAMLError as error:
        _refuse(_where(error))
    except (ValueError, OverflowError, RecursionError):  # such as the date 2024-13-45
        _refuse("A value in the file cannot be read; put dates and numbers in quotes.")


def _measure(text: str) -> None:
    """Walk the events without building anything, so that a small file cannot become a large structure.

    Aliases are refused outright: expanded, a few of them make billions of nodes ("billion laughs").
    """
    depth = 0
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    for nodes, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.AliasEvent):
            _refuse("The file uses a YAML alias (*name); write the block out where it is used.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            _refuse(f"The file is nested deeper than {MAX_DEPTH} levels or holds too many entries; split it.")


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return "The file is not valid YAML."
    return f"The file is not valid YAML at line {mark.line + 1}, column {mark.column + 1}."


def _refuse(detail: str) -> NoReturn:
    # From None: the parser's own message quotes the text around the fault.
    raise InvalidDataset(detail, errors=(FieldError("", detail),)) from None
