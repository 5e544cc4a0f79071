"""Rule packs: the law's terms as dated, cited data; reads and finds them, and must not compute a date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dsar.deadlines.vocabulary import Clock, ExtensionReason, PauseEffect, PauseReason, Regime, Right, Unit
from dsar.errors import DeadlineRefused, RightNotCovered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRule:
    """How long the term may be at most, extended, counted from its start in the unit of its rule."""

    total: int
    reasons: frozenset[ExtensionReason]
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRule:
    """What one reason for waiting does to the clock. A reason without a rule does nothing."""

    reason: PauseReason
    effect: PauseEffect
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One term of one law, in force between two dates of receipt (both included)."""

    id: str
    version: int
    regime: Regime
    clock: Clock
    rights: frozenset[Right]
    amount: int
    unit: Unit
    rolls: bool
    effective_from: date
    citation: str
    counting_citation: str
    rolling_citation: str = ""
    effective_to: date | None = None
    extension: ExtensionRule | None = None
    pauses: tuple[PauseRule, ...] = ()

    def is_in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    def pause_rule(self, reason: PauseReason) -> PauseRule | None:
        """Return what waiting for this reason does, or None: the clock runs on."""
        return next((pause for pause in self.pauses if pause.reason == reason), None)


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of the packs that come with the service."""
    packs = sorted((files("dsar.deadlines") / "packs").iterdir(), key=lambda path: path.name)
    loaded = [rule for pack in packs if pack.name.endswith(".toml") for rule in read_pack(pack.read_text("utf-8"))]
    require_consistent(loaded)
    return tuple(loaded)


def read_pack(text: str) -> tuple[Rule, ...]:
    """Read one pack; an unknown key, word or missing citation raises instead of being passed over."""
    pack = tomllib.loads(text)
    regime = Regime(pack["regime"])
    return tuple(_rule(regime, row) for row in pack["rules"])


def require_consistent(candidates: Iterable[Rule]) -> None:
    """Raise ValueError where two rules would answer the same question or a rule could not be counted."""
    seen: list[Rule] = []
    for rule in candidates:
        fault = _fault(rule) or ("another rule covers this" if any(_collide(rule, other) for other in seen) else None)
        if fault is not None:
            message = f"{rule.id} v{rule.version}: {fault}"
            raise ValueError(message)
        seen.append(rule)


def rules_for(regime: Regime, right: Right, received_on: date) -> dict[Clock, Rule]:
    """Return the clocks that a request received that day starts; raises RightNotCovered if none asks for an answer."""
    found = {
        rule.clock: rule
        for rule in rules()
        if rule.regime == regime and right in rule.rights and rule.is_in_force(received_on)
    }
    if Clock.ANSWER not in found:
        detail = f"{regime} has no rule for {right} on the day of receipt. Choose another regime or right."
        raise RightNotCovered(detail)
    return found


def rule_for(regime: Regime, right: Right, received_on: date) -> Rule:
    """Return the rule for the answer; raises RightNotCovered."""
    return rules_for(regime, right, received_on)[Clock.ANSWER]


def rule_by_id(rule_id: str, version: int) -> Rule:
    """Return the rule that a stored deadline names; raises LookupError."""
    for rule in rules():
        if (rule.id, rule.version) == (rule_id, version):
            return rule
    message = f"no rule {rule_id} v{version}"
    raise LookupError(message)


def with_term(rule: Rule, *, amount: int, unit: Unit) -> Rule:
    """Return the rule with the controller's own term and no extension; raises DeadlineRefused for a law's rule."""
    if rule.regime is not Regime.VOLUNTARY:
        raise DeadlineRefused("Only the voluntary regime has a term that can be chosen.")
    changed = replace(rule, amount=amount, unit=unit, extension=None)
    require_consistent([changed])
    return changed


def _rule(regime: Regime, row: Mapping[str, Any]) -> Rule:
    fields = dict(row)
    extension = fields.pop("extension", None)
    pauses = fields.pop("pauses", [])
    fields |= {
        "clock": Clock(fields["clock"]),
        "rights": frozenset(map(Right, fields["rights"])),
        "unit": Unit(fields["unit"]),
    }
    return Rule(
        regime=regime,
        extension=_extension(extension) if extension is not None else None,
        pauses=tuple(map(_pause, pauses)),
        **fields,
    )


def _extension(row: Mapping[str, Any]) -> ExtensionRule:
    return ExtensionRule(**{**row, "reasons": frozenset(map(ExtensionReason, row["reasons"]))})


def _pause(row: Mapping[str, Any]) -> PauseRule:
    return PauseRule(**{**row, "reason": PauseReason(row["reason"]), "effect": PauseEffect(row["effect"])})


def _fault(rule: Rule) -> str | None:
    if rule.amount < 1 or (rule.extension is not None and rule.extension.total <= rule.amount):
        return "a term must be positive and its extension longer"
    if not (rule.citation and rule.counting_citation) or (rule.rolls and not rule.rolling_citation):
        return "every step of a term needs its citation"
    if rule.effective_to is not None and rule.effective_to < rule.effective_from:
        return "ends before it begins"
    return None


def _collide(one: Rule, other: Rule) -> bool:
    if (one.id, one.version) == (other.id, other.version):
        return True
    return (
        (one.regime, one.clock) == (other.regime, other.clock)
        and not one.rights.isdisjoint(other.rights)
        and one.effective_from <= (other.effective_to or date.max)
        and other.effective_from <= (one.effective_to or date.max)
    )
