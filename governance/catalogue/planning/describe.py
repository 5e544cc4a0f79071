"""Says a plan in plain sentences for the officer who approves it; it decides nothing, and is told how to translate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.catalogue.planning.model import FieldAction, Ownership, Reason, Right, RowAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from governance.catalogue.planning.model import Erasing, Excluded, FieldErasure, Lookup, Node, Plan


@dataclass(frozen=True, slots=True)
class Tongue:
    """How texts are translated where people read them: this room knows no framework. As it stands, English."""

    gettext: Callable[[str], str] = str
    ngettext: Callable[[str, str, int], str] = lambda one, many, count: one if count == 1 else many


ENGLISH = Tongue()


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


@dataclass(frozen=True, slots=True)
class Passage:
    """What a plan does with one collection: in a few words, and sentence by sentence."""

    at: str
    summary: str
    sentences: tuple[str, ...]


def passages(plan: Plan, tongue: Tongue = ENGLISH) -> list[Passage]:
    """Return the plan collection by collection: those it works on, then those it leaves alone."""
    worked = [
        Passage(str(node.at), _summary(node, tongue), tuple(_node_sentences(node, tongue))) for node in plan.nodes
    ]
    left = tongue.gettext("left alone")
    alone = [Passage(str(each.at), left, (_excluded_sentence(each, tongue),)) for each in plan.excluded]
    return worked + alone


def closing(plan: Plan, tongue: Tongue = ENGLISH) -> list[str]:
    """Return what is said of the plan as a whole, after its collections."""
    order = []
    if Right.ERASURE in plan.rights and plan.erase_order:
        places = {"places": _listed(map(str, plan.erase_order))}
        order.append(tongue.gettext("Erasure goes in this order: %(places)s.") % places)
    return [*order, *(tongue.gettext("Note: %(note)s") % {"note": note} for note in plan.notes)]


def describe(plan: Plan, tongue: Tongue = ENGLISH) -> list[str]:
    """Return the plan as sentences, in the order things happen."""
    said = (sentence for passage in passages(plan, tongue) for sentence in passage.sentences)
    return [*said, *closing(plan, tongue)]


def _summary(node: Node, tongue: Tongue) -> str:
    parts = []
    if node.read is not None:
        count = len(node.read.fields)
        parts.append(tongue.ngettext("copy %d field", "copy %d fields", count) % count)
    if node.erase is not None and node.erase.row is RowAction.DELETE:
        parts.append(tongue.gettext("delete the rows"))
    elif node.erase is not None:
        actions = [each.action for each in node.erase.fields]
        if masked := actions.count(FieldAction.MASK):
            parts.append(tongue.ngettext("erase %d field", "erase %d fields", masked) % masked)
        if kept := actions.count(FieldAction.RETAIN):
            words = tongue.ngettext("keep %d field that must be kept", "keep %d fields that must be kept", kept)
            parts.append(words % kept)
    return "; ".join(parts) or tongue.gettext("look only")


def period_in_words(period: str, tongue: Tongue = ENGLISH) -> str:
    """Say an ISO 8601 period in words where it has one part, as nearly all have; others stay as they are."""
    simple = _SIMPLE_PERIOD.fullmatch(period)
    if simple is None:
        return period
    count = int(simple[1])
    words = {
        "Y": tongue.ngettext("%d year", "%d years", count),
        "M": tongue.ngettext("%d month", "%d months", count),
        "W": tongue.ngettext("%d week", "%d weeks", count),
        "D": tongue.ngettext("%d day", "%d days", count),
    }
    return words[simple[2]] % count


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _how(lookup: Lookup, tongue: Tongue) -> str:
    if lookup.identity is not None:
        facts = {"field": lookup.field, "identity": lookup.identity}
        return tongue.gettext("%(field)s is the person's %(identity)s") % facts
    return tongue.gettext("%(field)s is found in %(source)s") % {"field": lookup.field, "source": lookup.source}


def _because(text: str, reason: Reason, tongue: Tongue, **facts: object) -> str:
    return text % {**facts, "reason": tongue.gettext(REASONS[reason])}


def _node_sentences(node: Node, tongue: Tongue) -> Iterator[str]:
    ways = tongue.gettext(" or ").join(_how(each, tongue) for each in node.lookups)
    found = tongue.gettext("Find the rows of %(place)s where %(ways)s.") % {"place": node.at, "ways": ways}
    is_shared = node.ownership is Ownership.SHARED
    yield f"{found} {tongue.gettext('They may belong to other people as well.')}" if is_shared else found
    for each in node.withheld:
        text = tongue.gettext("Do not follow %(place)s.%(field)s to %(target)s: %(reason)s.")
        yield _because(text, each.reason, tongue, place=node.at, field=each.field, target=each.target)
    if node.read is not None:
        facts = {"place": node.at, "fields": _listed(node.read.fields)}
        yield tongue.gettext("Copy from %(place)s: %(fields)s.") % facts
        for held in node.read.withheld:
            text = tongue.gettext("Withhold %(place)s.%(field)s: %(reason)s.")
            yield _because(text, held.reason, tongue, place=node.at, field=held.field)
    if node.erase is not None:
        yield from _erase_sentences(node, node.erase, tongue)


def _erase_sentences(node: Node, erase: Erasing, tongue: Tongue) -> Iterator[str]:
    is_shared = node.ownership is Ownership.SHARED
    unless = tongue.gettext(", unless another person's record points at the row") if is_shared else ""
    if erase.row is RowAction.DELETE:
        yield tongue.gettext("Delete the rows of %(place)s%(unless)s.") % {"place": node.at, "unless": unless}
        return
    if erase.reason is not None:
        text = tongue.gettext("Rows of %(place)s are not deleted: %(reason)s.")
        yield _because(text, erase.reason, tongue, place=node.at)
    masked = [each.field for each in erase.fields if each.action is FieldAction.MASK]
    if masked:
        facts = {"place": node.at, "fields": _listed(masked), "unless": unless}
        yield tongue.gettext("Erase in %(place)s: %(fields)s%(unless)s.") % facts
    for each in erase.fields:
        yield from _kept_sentences(node, each, tongue)


def _kept_sentences(node: Node, item: FieldErasure, tongue: Tongue) -> Iterator[str]:
    for rule in item.retentions:
        facts = {
            "place": node.at,
            "field": item.field,
            "period": period_in_words(rule.period, tongue),
            "after": tongue.gettext(", counted from %(field)s") % {"field": rule.start.field} if rule.start else "",
            "why": rule.reason.rstrip(".") + (f" ({rule.citation})" if rule.citation else ""),
            "then": _then(item, tongue),
        }
        yield tongue.gettext("Keep %(place)s.%(field)s for %(period)s%(after)s: %(why)s; %(then)s.") % facts
    if item.action is FieldAction.KEEP and item.reason is not None:
        text = tongue.gettext("Keep %(place)s.%(field)s: %(reason)s.")
        yield _because(text, item.reason, tongue, place=node.at, field=item.field)


def _then(item: FieldErasure, tongue: Tongue) -> str:
    if not item.masking:
        return tongue.gettext("then nothing more is done")
    if len(item.retentions) > 1:
        return tongue.gettext("then erase it unless another rule keeps it longer")
    return tongue.gettext("then erase it")


def _excluded_sentence(excluded: Excluded, tongue: Tongue) -> str:
    via = tongue.gettext(" (reached through %(via)s)") % {"via": excluded.via} if excluded.via else ""
    text = tongue.gettext("Leave %(place)s alone%(via)s: %(reason)s.")
    return _because(text, excluded.reason, tongue, place=excluded.at, via=via)
