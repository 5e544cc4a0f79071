"""Plans: what they are made from, what changes their digest, and what may be approved."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from dsar.errors import IllegalTransition
from dsar.models import RequestPlan
from dsar.services.carrying_out import approved_plan
from governance import subjects
from governance.catalogue import datasets
from governance.errors import AccessDenied, Conflict
from governance.models import SystemStep
from governance.policy.principal import data_subject, operator, worker
from tests.dsar.conftest import ANN, BOB, STORE_MAP, House, approve, ask, fresh, planned, prove, work

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def test_only_proven_identifiers_are_searched_by(house: House) -> None:
    """Whoever types somebody else's customer number beside their own address finds nothing with it."""
    intake = services.Intake(
        rights=("access",), email="mallory@example.net", manner="portal", claimed=(("customer_id", "2"),)
    )
    request = services.receive(house.controller, intake, principal=data_subject(intake.id.hex, house.controller.pk.hex))
    prove(request)
    work()
    assert {count["rows"] for count in request.plans.get().counts.values()} == {0}


def test_other_identifiers_of_the_registered_person_are(house: House) -> None:
    """An address known to us and not to the store still finds the store's rows through the customer number."""
    subjects.register(
        house.controller,
        [("email", "new@example.net"), ("customer_id", "2")],
        principal=operator(house.controller.pk.hex),
        verified=True,
    )
    request = planned(house, "access", email="new@example.net")
    counts = request.plans.get().counts
    assert counts["store.customer"]["rows"] == 1
    assert counts["store.invoice"]["rows"] == 1


@pytest.mark.parametrize("order", ["her_address_first", "his_number_first"])
@pytest.mark.parametrize("verified", [(), ("his",), ("hers",)])
def test_a_link_nobody_verified_leads_to_nobody(house: House, order: str, verified: tuple[str, ...]) -> None:
    """A service passed on what a form said: Mallory's address beside Bob's number. She proves the address."""
    hers, his = ("email", "mallory@example.net"), ("customer_id", "2")
    machine = operator(house.controller.pk.hex)
    first, then = (hers, his) if order == "her_address_first" else (his, hers)
    is_first_verified = ("hers" if first is hers else "his") in verified
    subjects.register(house.controller, [first], principal=machine, verified=is_first_verified)
    is_then_verified = ("hers" if then is hers else "his") in verified
    person = subjects.register(house.controller, [first, then], principal=machine, verified=is_then_verified)
    request = planned(house, "access", "erasure", email=hers[1])
    assert {count["rows"] for count in request.plans.get().counts.values()} == {0}
    assert request.subject == (person if verified == ("hers",) else None)
    told = " ".join(request.plans.get().plan["notes"])
    assert ("customer_id" in told) is (request.subject is not None)
    assert "2" not in told


def test_an_address_that_is_all_we_know_needs_no_other_proof(house: House) -> None:
    person = subjects.register(
        house.controller, [("email", "new@example.net")], principal=operator(house.controller.pk.hex)
    )
    assert planned(house, "access", email="new@example.net").subject == person


def test_the_same_facts_give_the_same_digest_and_others_another(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    first = request.plans.get().digest
    services.plan(request, principal=house.principal)
    work()
    assert request.plans.order_by("-pk")[0].digest == first
    changed = STORE_MAP.replace("P10Y", "P5Y")
    store = datasets.systems_of(house.controller)["store"]
    datasets.import_text(house.controller, store, changed, principal=house.principal)
    services.plan(fresh(request), principal=house.principal)
    work()
    assert request.plans.order_by("-pk")[0].digest != first
    assert request.plans.count() == 3


def test_a_worker_that_was_slower_does_not_take_the_plan_back(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    shown = request.plans.get()
    assert services.plan(request, principal=worker(house.controller.pk.hex)) == shown
    assert fresh(request).status == "awaiting_approval"
    services.approve(fresh(request), shown.digest, principal=house.principal)


def test_a_plan_is_approved_by_staff_only(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    with pytest.raises(AccessDenied):
        services.approve(
            request, request.plans.get().digest, principal=data_subject(request.pk.hex, house.controller.pk.hex)
        )
    assert fresh(request).status == "awaiting_approval"


def test_a_plan_that_is_still_counted_is_not_approved(house: House, ann: DataSubject) -> None:
    request = prove(ask(house, "erasure"))
    services.advance()
    assert request.plans.get().digest == ""
    with pytest.raises(Conflict):
        services.approve(fresh(request), "", principal=house.principal)


def test_nothing_is_erased_before_approval(house: House, ann: DataSubject) -> None:
    planned(house, "erasure")
    for _ in range(3):
        work()
    assert house.rows(house.store, "customer")[0][1] == ANN
    assert not SystemStep.objects.filter(kind="erase").exists()


def test_a_plan_changed_in_the_database_after_approval_is_not_run(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    approve(house, request)
    row = RequestPlan.objects.get()
    row.plan["erase_order"] = []
    RequestPlan.objects.filter(pk=row.pk).update(plan=row.plan)
    with pytest.raises(Conflict):
        approved_plan(fresh(request))
    work()
    assert fresh(request).status == "executing"
    assert house.rows(house.store, "customer")[0][1] == ANN


def test_withdrawing_after_approval_is_too_late(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    with pytest.raises(IllegalTransition):
        services.withdraw(request, principal=data_subject(request.pk.hex, house.controller.pk.hex))


def test_a_map_that_changed_after_approval_changes_nothing(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    store = datasets.systems_of(house.controller)["store"]
    datasets.import_text(
        house.controller, store, STORE_MAP.replace("[user.content]", "[system.operations]"), principal=house.principal
    )
    work()
    assert fresh(request).status == "reviewing"
    assert house.rows(house.store, "invoice")[0][4] is None  # note: erased, as approved


def test_a_second_plan_keeps_what_the_first_one_erased(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    first = set(request.outcomes.values_list("collection", "field", "outcome", "rows"))
    assert ("customer", "email", "erased", 1) in first
    services.plan(fresh(request), principal=house.principal)
    work()
    approve(house, fresh(request))
    work()
    assert fresh(request).status == "reviewing"
    assert set(request.outcomes.values_list("collection", "field", "outcome", "rows")) == first


def test_nothing_is_erased_before_all_is_collected_and_no_plan_made_after_it(house: House, ann: DataSubject) -> None:
    request = planned(house, "access", "erasure")
    approve(house, request)
    away = house.store.rename(house.store.with_suffix(".away"))
    moved = timezone.now()
    for _ in range(10):
        with time_machine.travel(moved):
            work()
        moved += timedelta(hours=2)
    assert fresh(request).status == "reviewing"  # nothing could be collected, so nothing was erased
    assert house.rows(house.news, "subscriber")[0][0] == ANN
    away.rename(house.store)
    services.retry(fresh(request), principal=house.principal)
    work()
    assert ("customer", "email", "erased", 1) in request.outcomes.values_list("collection", "field", "outcome", "rows")
    with pytest.raises(Conflict, match="erased by now"):
        services.plan(fresh(request), principal=house.principal)
    services.respond(fresh(request), principal=house.principal)
    assert request.packages.get().size > 0  # the copy made before the erasure is still there


def test_a_person_without_systems_gets_a_plan_too(house: House) -> None:
    house.controller.datasets.all().recorded().delete()
    request = planned(house, "access", email=BOB)
    assert request.status == "awaiting_approval"
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    assert fresh(request).status == "responded"


def test_of_two_workers_that_plan_at_once_one_searches(
    house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one had read the data map already; what the faster one queued and found is not thrown away."""
    request = prove(ask(house, "erasure"))
    machine = worker(house.controller.pk.hex)
    faster: list[object] = []
    data_map = datasets.data_map

    def slowly(controller: object) -> object:
        if not faster:
            faster.append(None)
            faster[0] = services.plan(fresh(request), principal=machine)
        return data_map(controller)

    monkeypatch.setattr(datasets, "data_map", slowly)
    assert services.plan(fresh(request), principal=machine) == faster[0]
    assert request.plans.count() == 1
