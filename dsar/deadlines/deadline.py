"""What a deadline is: the date, its derivation, and what may move it; shapes only, no arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from dsar.deadlines.vocabulary import ExtensionReason, PauseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The controller asked the person on one day and was answered on another, or not yet."""

    reason: PauseReason
    started_on: date
    ended_on: date | None = None

    def __post_init__(self) -> None:
        if self.ended_on is not None and self.ended_on < self.started_on:
            raise ValueError("a pause ends before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A decision to take longer, and when the person was told so."""

    reason: ExtensionReason
    decided_at: date | datetime
    notice_sent_at: date | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a derivation: a code for machines, a sentence for people, the date reached, the source."""

    code: str
    text: str
    on: date
    citation: str = ""
    data: Mapping[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "text": self.text,
            "on": self.on.isoformat(),
            "citation": self.citation,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A due date with everything it was derived from. `nominal_on` is the date before any roll-over."""

    rule_id: str
    version: int
    calendar_id: str
    received_on: date
    started_on: date
    nominal_on: date
    due_on: date
    due_at: datetime
    is_extended: bool
    clock_runs: bool
    derivation: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": {"id": self.rule_id, "version": self.version},
            "calendar": self.calendar_id,
            "received_on": self.received_on.isoformat(),
            "started_on": self.started_on.isoformat(),
            "nominal_on": self.nominal_on.isoformat(),
            "due_on": self.due_on.isoformat(),
            "due_at": self.due_at.astimezone(UTC).isoformat(),
            "is_extended": self.is_extended,
            "clock_runs": self.clock_runs,
            "derivation": [step.as_json() for step in self.derivation],
        }
