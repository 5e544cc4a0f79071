"""Says a plan in plain sentences for the officer who approves it; it decides nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.catalogue.planning.model import FieldAction, Ownership, Reason, Right, RowAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from governance.catalogue.planning.model import Erasing, Excluded, Lookup, Node, Plan


def gettext_noop(text: str) -> str:
    """Mark a text that is translated where people read it; this room knows no framework."""
    return text


REASONS: dict[Reason, str] = {
    Reason.ANOTHER_PERSON: gettext_noop("it is about another person"),
    Reason.BEHIND_SHARED: gettext_noop("it is only reached through rows shared with other people"),
    Reason.CREDENTIAL: gettext_noop("held, but such values are never disclosed"),
    Reason.KEY: gettext_noop("it is the record's key"),
    Reason.NO_CATEGORY: gettext_noop("the data map gives it no data category"),
    Reason.NO_PATH: gettext_noop("no reference in the data map leads there"),
    Reason.NO_PRIMARY_KEY: gettext_noop("the data map names no primary key, so rows cannot be told apart safely"),
    Reason.NOT_PERSONAL: gettext_noop("it is not personal data"),
    Reason.PRESERVED: gettext_noop("the data map preserves it"),
    Reason.READ_ONLY: gettext_noop("the data map marks it read-only"),
    Reason.REFERENCE: gettext_noop("it is only the number of another record"),
    Reason.SHARED: gettext_noop("it is shared with another person"),
    Reason.SKIPPED: gettext_noop("the data map takes it out of processing"),
    Reason.STILL_REFERENCED: gettext_noop("rows that stay point at it"),
}
_SIMPLE_PERIOD = re.compile(r"P(\d+)([YMWD])")
_UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day"}


@dataclass(frozen=True, slots=True)
class Passage:
    """What a plan does with one collection: in a few words, and sentence by sentence."""

    at: str
    summary: str
    sentences: tuple[str, ...]


def passages(plan: Plan) -> list[Passage]:
    """Return the plan collection by collection: those it works on, then those it leaves alone."""
    worked = [Passage(str(node.at), _summary(node), tuple(_node_sentences(node))) for node in plan.nodes]
    alone = [Passage(str(each.at), "left alone", (_excluded_sentence(each),)) for each in plan.excluded]
    return worked + alone


def closing(plan: Plan) -> list[str]:
    """Return what is said of the plan as a whole, after its collections."""
    order = []
    if Right.ERASURE in plan.rights and plan.erase_order:
        order.append(f"Erasure goes in this order: {_listed(map(str, plan.erase_order))}.")
    return [*order, *(f"Note: {note}" for note in plan.notes)]


def describe(plan: Plan) -> list[str]:
    """Return the plan as sentences, in the order things happen."""
    return [*(sentence for passage in passages(plan) for sentence in passage.sentences), *closing(plan)]


def _summary(node: Node) -> str:
    parts = []
    if node.read is not None:
        parts.append(f"copy {_fields(len(node.read.fields))}")
    if node.erase is not None and node.erase.row is RowAction.DELETE:
        parts.append("delete the rows")
    elif node.erase is not None:
        actions = [each.action for each in node.erase.fields]
        masked, retained = actions.count(FieldAction.MASK), actions.count(FieldAction.RETAIN)
        parts += [f"erase {_fields(masked)}"] if masked else []
        parts += [f"keep {_fields(retained)} that must be kept"] if retained else []
    return "; ".join(parts) or "look only"


def _fields(count: int) -> str:
    return _counted(count, "field")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def period_in_words(period: str) -> str:
    """Say an ISO 8601 period in words where it has one part, as nearly all have; others stay as they are."""
    simple = _SIMPLE_PERIOD.fullmatch(period)
    return _counted(int(simple[1]), _UNITS[simple[2]]) if simple else period


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _how(lookup: Lookup) -> str:
    if lookup.identity is not None:
        return f"{lookup.field} is the person's {lookup.identity}"
    return f"{lookup.field} is found in {lookup.source}"


def _node_sentences(node: Node) -> Iterator[str]:
    ways = " or ".join(map(_how, node.lookups))
    shared = " They may belong to other people as well." if node.ownership is Ownership.SHARED else ""
    yield f"Find the rows of {node.at} where {ways}.{shared}"
    for each in node.withheld:
        yield f"Do not follow {node.at}.{each.field} to {each.target}: {REASONS[each.reason]}."
    if node.read is not None:
        yield f"Copy from {node.at}: {_listed(node.read.fields)}."
        for each in node.read.withheld:
            yield f"Withhold {node.at}.{each.field}: {REASONS[each.reason]}."
    if node.erase is not None:
        yield from _erase_sentences(node, node.erase)


def _erase_sentences(node: Node, erase: Erasing) -> Iterator[str]:
    condition = ", unless another person's record points at the row" if node.ownership is Ownership.SHARED else ""
    if erase.row is RowAction.DELETE:
        yield f"Delete the rows of {node.at}{condition}."
        return
    if erase.reason is not None:
        yield f"Rows of {node.at} are not deleted: {REASONS[erase.reason]}."
    masked = [each.field for each in erase.fields if each.action is FieldAction.MASK]
    if masked:
        yield f"Erase in {node.at}: {_listed(masked)}{condition}."
    for each in erase.fields:
        for rule in each.retentions:
            cited = f" ({rule.citation})" if rule.citation else ""
            after = f", counted from {rule.start.field}" if rule.start else ""
            last = " unless another rule keeps it longer" if len(each.retentions) > 1 else ""
            then = f"then erase it{last}" if each.masking else "then nothing more is done"
            why = f"{rule.reason.rstrip('.')}{cited}"
            yield f"Keep {node.at}.{each.field} for {period_in_words(rule.period)}{after}: {why}; {then}."
        if each.action is FieldAction.KEEP and each.reason is not None:
            yield f"Keep {node.at}.{each.field}: {REASONS[each.reason]}."


def _excluded_sentence(excluded: Excluded) -> str:
    via = f" (reached through {excluded.via})" if excluded.via else ""
    return f"Leave {excluded.at} alone{via}: {REASONS[excluded.reason]}."
