"""By when the law asks for an answer, and why that date: rule packs as data, a calendar, a pure engine.

rule = rule_for(Regime.GDPR, Right.ACCESS, received_on)
deadline = compute(rule, received_at, Calendar(country="DE", zone="Europe/Berlin"))
deadline.due_at, [step.text for step in deadline.derivation]
"""

from dsar.deadlines.calendars import Calendar
from dsar.deadlines.deadline import Deadline, Extension, Pause, Step
from dsar.deadlines.engine import compute, extend, in_words, internal_target
from dsar.deadlines.rules import Rule, rule_by_id, rule_for, rules, rules_for, with_term
from dsar.deadlines.vocabulary import Clock, ExtensionReason, PauseEffect, PauseReason, Regime, Right, Unit

__all__ = [
    "Calendar",
    "Clock",
    "Deadline",
    "Extension",
    "ExtensionReason",
    "Pause",
    "PauseEffect",
    "PauseReason",
    "Regime",
    "Right",
    "Rule",
    "Step",
    "Unit",
    "compute",
    "extend",
    "in_words",
    "internal_target",
    "rule_by_id",
    "rule_for",
    "rules",
    "rules_for",
    "with_term",
]
