"""Writes down how every targeted field ended, from the steps and the plan; it erases nothing and judges nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dsar.models import FieldOutcome
from governance.catalogue.elements import CollectionRef, is_within
from governance.catalogue.planning import REASONS, FieldAction, Reason, RowAction
from governance.models import SystemStep
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dsar.models import RequestPlan, SubjectRequest
    from governance.catalogue.planning import FieldErasure, Node, Plan

#: Kept although it is the person's: they are told. Keys and record numbers are not theirs to miss.
_TOLD: Final = frozenset({Reason.PRESERVED, Reason.READ_ONLY, Reason.NO_PRIMARY_KEY})
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Withholding:
    """Why a whole erasure is withheld, and until when."""

    reason: str
    citation: str
    until: date | None


def keep_outcomes(
    request: SubjectRequest, row: RequestPlan, made: Plan, withheld: Withholding | None = None
) -> dict[str, int]:
    """Replace the field outcomes of a request, in the caller's transaction; answers how many ended how.

    After a second plan, what the first one erased is not there any more: then its own outcome stands.
    """
    if "erasure" not in made.rights:
        return {}
    earlier = _earlier(request)
    request.outcomes.all().delete()
    steps = {(step.dataset, step.collection): step for step in runtime.steps_of(request.pk, "erase")}
    homes = runtime.systems_of(request.pk)
    rows: dict[tuple[str, ...], FieldOutcome] = {}
    again: list[FieldOutcome] = []
    for node in made.nodes:
        if node.erase is None or node.at.dataset not in homes:
            continue
        place = {"request": request, "system": homes[node.at.dataset]}
        place |= {"dataset": node.at.dataset, "collection": node.at.collection}
        step = steps.get((node.at.dataset, node.at.collection))
        found = row.counts.get(str(node.at), {})
        for end in _ends(node, step, found, withheld):
            before = earlier.get((node.at.dataset, node.at.collection, end["field"]), [])
            if before and end["outcome"] == "not_found":
                again += before
            else:
                _add(rows, FieldOutcome(**place, **end))
    for each in again:
        rows.setdefault(_place(each), each)
    FieldOutcome.objects.bulk_create(rows.values())
    return dict(Counter(each.outcome for each in rows.values()))


def renew(request: SubjectRequest, made: Plan, step: SystemStep) -> int:
    """Tell anew how what waited for its date in one place ended, after a later step; answers how many rows were erased.

    Whatever else is on record stands. What is not there any more, or is not what stayed, waits no longer.
    """
    node = made.node(CollectionRef(step.dataset, step.collection))
    place = {"request": request, "system": step.system, "dataset": step.dataset, "collection": step.collection}
    erased = 0
    for item in _targeted(node):
        mine = request.outcomes.filter(dataset=step.dataset, collection=step.collection, field=item.field)
        waited = mine.filter(outcome="retained", until__isnull=False)
        if not waited.exists():
            continue
        waited.delete()
        ends = [end for end in _ends_of_step(item, step) if end["outcome"] != "not_found"]
        erased = max(erased, sum(end["rows"] for end in ends if end["outcome"] == "erased"))
        rows = {_place(row): row for row in mine}
        mine.delete()
        for end in ends if ends or rows else [_end(item, "not_found")]:
            _add(rows, FieldOutcome(**place, **end))
        for row in rows.values():
            row.pk = None
        FieldOutcome.objects.bulk_create(rows.values())
    return erased


def _place(row: FieldOutcome) -> tuple[str, ...]:
    return row.dataset, row.collection, row.field, row.outcome, row.reason


def _add(rows: dict[tuple[str, ...], FieldOutcome], row: FieldOutcome) -> None:
    """Add up ends that are told the same way: some rows two people share, and some that others point at."""
    first = rows.setdefault(_place(row), row)
    if first is not row:
        first.rows += row.rows
        first.citation = first.citation or row.citation
        first.until = max(first.until, row.until) if first.until and row.until else None


def _earlier(request: SubjectRequest) -> dict[tuple[str, str, str], list[FieldOutcome]]:
    found: dict[tuple[str, str, str], list[FieldOutcome]] = {}
    for row in request.outcomes.filter(outcome__in=["erased", "retained"]):
        row.pk = None
        found.setdefault((row.dataset, row.collection, row.field), []).append(row)
    return found


def _ends(
    node: Node, step: SystemStep | None, found: Mapping[str, Any], withheld: Withholding | None
) -> Iterator[dict[str, Any]]:
    for item in _targeted(node):
        if found.get("error"):
            yield _end(item, "failed", reason=found["error"])
        elif not found.get("rows"):
            yield _end(item, "not_found")
        elif withheld is not None and (step is None or not runtime.has_ended(step)):
            end = _end(item, "retained", reason=withheld.reason, until=withheld.until, rows=found["rows"])
            yield end | {"citation": withheld.citation, "by_hold": True}
        elif step is None or step.state != SystemStep.State.DONE:
            yield _end(item, "failed", reason=(step.error if step else "") or "step.open", rows=found["rows"])
        else:
            yield from _ends_of_step(item, step)


def _ends_of_step(item: FieldErasure, step: SystemStep) -> Iterator[dict[str, Any]]:
    told = [each for each in step.outcome if each["field"] == item.field]
    for each in told:
        until = date.fromisoformat(each["until"][:10]) if each["until"] else None
        rule = next((rule for rule in item.retentions if rule.rule == each["reason"]), None)
        reason = rule.reason if rule else _why(each["reason"])
        end = _end(item, each["outcome"], reason=reason, until=until, rows=each["rows"])
        yield end | {"citation": rule.citation[:_LONGEST] if rule else ""}
    if not told:
        # Nothing said about a field that was to be erased is no proof that it is erased.
        yield _end(item, "failed", reason="step.no_outcome", rows=step.rows or 0)


def _targeted(node: Node) -> list[FieldErasure]:
    """List the fields whose end is told: all of a deleted row, else those to be erased and those kept from it."""
    if node.erase is None:
        return []
    if node.erase.row is RowAction.DELETE:
        return list(node.erase.fields)
    return [each for each in node.erase.fields if each.action is not FieldAction.KEEP or _is_told(each)]


def _is_told(item: FieldErasure) -> bool:
    if item.reason is Reason.KEY:
        # A number that means nothing outside its table is not missed; an address that serves as key is.
        return bool(item.category) and not is_within(item.category, "user.unique_id")
    return item.reason in _TOLD


def _why(code: str) -> str:
    return REASONS[Reason(code)] if code in list(Reason) else code


def _end(
    item: FieldErasure, outcome: str, *, reason: str = "", until: date | None = None, rows: int = 0
) -> dict[str, Any]:
    if outcome in {"retained", "failed"}:
        reason = reason or "not said"
    return {
        "field": item.field,
        "category": item.category,
        "outcome": outcome,
        "reason": reason[:_LONGEST],
        "citation": "",
        "until": until,
        "rows": rows,
    }
