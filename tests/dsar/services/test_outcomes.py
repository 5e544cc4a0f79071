"""How fields ended is written down once each, however the steps told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dsar.services.carrying_out import approved_plan
from dsar.services.outcomes import keep_outcomes
from governance.catalogue import datasets
from governance.models import SystemStep
from tests.dsar.conftest import STORE_MAP, House, approve, fresh, planned, work

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db
SHARED = "shared_with_another_person"


def told(outcome: str, rows: int, reason: str = "", until: str | None = None) -> dict[str, Any]:
    return {"field": "name", "outcome": outcome, "rows": rows, "reason": reason, "until": until}


def test_ends_told_twice_are_added_up_and_earlier_ones_are_kept_once(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    request = fresh(request)
    step = SystemStep.objects.filter(job=request.pk, kind="erase", collection="customer")

    def ends(*outcomes: dict[str, Any]) -> set[tuple[str, int, str]]:
        step.update(outcome=list(outcomes))
        keep_outcomes(request, *approved_plan(request))
        rows = request.outcomes.filter(collection="customer", field="name")
        return set(rows.values_list("outcome", "rows", "reason"))

    shared = "it is shared with another person"
    once = {("retained", 5, shared), ("erased", 1, "")}
    assert ends(told("retained", 2, SHARED), told("retained", 3, SHARED), told("erased", 1)) == once
    # After a second plan: what is kept is told anew, what is gone was erased by the first.
    assert ends(told("retained", 5, SHARED), told("not_found", 1)) == once
    long = "x" * 250
    assert ends(told("failed", 1, long + "a"), told("failed", 1, long + "b")) == {("failed", 2, "x" * 200)}


def test_of_two_rules_the_one_that_keeps_longer_counts(house: House, ann: DataSubject) -> None:
    short = """retention_rule:
  - key: complaint
    dataset: store
    reason: Complaints are answered within a year
    citation: Terms 4
    period: P1Y
    from: invoice.billed_on
    fields: [invoice.bill_to]
"""
    store = datasets.systems_of(house.controller)["store"]
    text = STORE_MAP.replace("retention_rule:\n", short)
    datasets.import_text(house.controller, store, text, principal=house.principal)
    request = planned(house, "erasure")
    approve(house, request)
    work()
    kept = request.outcomes.get(field="bill_to", outcome="retained")
    assert (kept.reason, kept.citation, kept.until.isoformat(), kept.rows) == (
        "Invoices are kept for bookkeeping",
        "AO § 147",
        "2036-01-05",
        1,
    )
    assert [row[2] for row in house.rows(house.store, "invoice")] == ["Ann Canary", None, "Bob"]


def test_a_rule_whose_end_nobody_can_tell_keeps_longest(house: House, ann: DataSubject) -> None:
    endless = """retention_rule:
  - {key: dispute, dataset: store, reason: A dispute is open, period: P1D, fields: [invoice.bill_to]}
"""
    store = datasets.systems_of(house.controller)["store"]
    text = STORE_MAP + endless.removeprefix("retention_rule:\n")
    datasets.import_text(house.controller, store, text, principal=house.principal)
    request = planned(house, "erasure")
    approve(house, request)
    work()
    kept = request.outcomes.get(field="bill_to")
    assert (kept.outcome, kept.reason, kept.until, kept.rows) == ("retained", "A dispute is open", None, 2)
