"""Takes plain values apart, collecting every complaint instead of stopping at the first; knows no format by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governance.catalogue.elements import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_NAME_LIMIT = 200


def pointer(base: str, *steps: str | int) -> str:
    """Build a JSON pointer (RFC 6901) below another."""
    escaped = (str(step)[:_NAME_LIMIT].replace("~", "~0").replace("/", "~1") for step in steps)
    return "/".join((base, *escaped))


@dataclass
class Shapes:
    """Collects problems while values are taken out of a document of unknown shape."""

    problems: list[Problem] = field(default_factory=list)

    def refuse(self, at: str, detail: str) -> None:
        """Note an error."""
        self.problems.append(Problem(at, detail))

    def warn(self, at: str, detail: str) -> None:
        """Note something that is ignored or doubtful."""
        self.problems.append(Problem(at, detail, Severity.WARNING))

    def mapping(self, value: object, at: str) -> Mapping[str, object]:
        """Take a block of names and values; empty where it is anything else."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(at, "This must be a block of names and values.")
            return {}
        if not all(isinstance(key, str) for key in value):
            self.refuse(at, "Every name here must be text; put names such as no, yes or 1 in quotes.")
        return {key: item for key, item in value.items() if isinstance(key, str)}

    def items(self, value: object, at: str) -> Iterator[tuple[str, object]]:
        """Yield the entries of a list with their pointers; none where it is anything else."""
        if value is None:
            return
        if not isinstance(value, list):
            self.refuse(at, "This must be a list.")
            return
        for index, item in enumerate(value):
            yield pointer(at, index), item

    def text(self, block: Mapping[str, object], name: str, at: str, *, required: bool = False) -> str:
        """Take a piece of text; empty where it is missing."""
        value = block.get(name)
        if value is None or value == "":
            if required:
                self.refuse(pointer(at, name), f"{name} is missing; add it.")
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self.refuse(pointer(at, name), f"{name} must be text; put it in quotes.")
            return ""
        return value.strip()

    def flag(self, block: Mapping[str, object], name: str, at: str) -> bool:
        """Take a true or false; false where it is missing."""
        value = block.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.refuse(pointer(at, name), f"{name} must be true or false.")
        return False

    def number(self, block: Mapping[str, object], name: str, at: str) -> int | None:
        """Take a whole number above zero, or None."""
        value = block.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
            return value
        self.refuse(pointer(at, name), f"{name} must be a whole number above zero.")
        return None

    def texts(self, block: Mapping[str, object], name: str, at: str) -> list[tuple[str, str]]:
        """Take a list of pieces of text with their pointers."""
        found = []
        for where, item in self.items(block.get(name), pointer(at, name)):
            if isinstance(item, str) and item.strip():
                found.append((where, item.strip()))
            else:
                self.refuse(where, f"Every entry of {name} must be text.")
        return found

    def expect(self, block: Mapping[str, object], known: Collection[str], at: str) -> None:
        """Refuse a name that is nearly a known one: a typing mistake here would leave data unerased."""
        for name in block:
            if name in known:
                continue
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            if close:
                self.refuse(pointer(at, name), f"This name is not known here; did you mean {close[0]}?")
            else:
                self.warn(pointer(at, name), "This name is not known here and is ignored.")
