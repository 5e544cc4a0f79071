"""A request whose person is held by law, or erased after a grace: what is answered, and what follows by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from dsar import services
from dsar.models import SubjectRequest
from dsar.services import erasing as dsar_erasing
from governance import subjects
from governance.keys import signing
from governance.models import DataKey, DataSubject, Erasure, SystemStep
from governance.policy.vocabulary import Role
from governance.subjects import erasing
from governance.systems import runtime
from tests.dsar.conftest import ANN, approve, fresh, planned, work
from tests.governance.conftest import service, signed_in, staff

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

    from tests.dsar.conftest import House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("days", [None, 40])
def test_a_hold_keeps_every_field_in_every_system(house: House, ann: DataSubject, days: int | None) -> None:
    until = None if days is None else ann.controller.day_of() + timedelta(days=days)
    hold = subjects.place_hold(ann, reason="legal_claim", until=until, principal=house.principal)
    before = house.rows(house.store, "customer"), house.rows(house.news, "subscriber")
    request = planned(house, "erasure")
    approve(house, request)
    work()
    request = fresh(request)
    assert (request.status, request.erased_at) == ("reviewing", None)
    ends = list(request.outcomes.exclude(outcome="not_found").values_list("outcome", "reason", "citation", "until"))
    assert set(ends) == {("retained", "Needed for a legal claim", "GDPR Art. 17(3)(e)", until)}
    assert (house.rows(house.store, "customer"), house.rows(house.news, "subscriber")) == before
    assert not SystemStep.objects.filter(job=request.pk, kind="erase").exists()
    subjects.release_hold(hold.pk, ann, principal=house.principal)
    work()
    assert DataSubject.objects.get(pk=ann.pk).status == "active"  # nothing was asked for while it was held


def test_a_hold_placed_before_the_first_step_ran_keeps_every_row(house: House, ann: DataSubject) -> None:
    before = house.rows(house.store, "customer"), house.rows(house.news, "subscriber")
    request = planned(house, "erasure")
    approve(house, request)
    assert runtime.steps_of(request.pk, "erase")
    subjects.place_hold(ann, reason="legal_claim", until=None, principal=house.principal)
    work()
    assert (house.rows(house.store, "customer"), house.rows(house.news, "subscriber")) == before
    assert (fresh(request).status, DataSubject.objects.get(pk=ann.pk).status) == ("reviewing", "active")
    ends = request.outcomes.exclude(outcome="not_found").values_list("outcome", flat=True)
    assert set(ends) == {"retained"}


def test_a_hold_placed_between_two_steps_stops_the_second(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    runtime.run_due(limit=1)
    subjects.place_hold(ann, reason="legal_claim", until=None, principal=house.principal)
    work()
    ends = request.outcomes.exclude(outcome="not_found").values_list("outcome", flat=True)
    assert set(ends) == {"erased", "retained"}


def test_a_hold_committed_since_the_worker_looked_is_asked_for_again(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    runtime.clear(request.pk)
    until = ann.controller.day_of() + timedelta(days=9)
    services.hold(request, SubjectRequest.HoldReason.values[0], until, principal=house.principal)
    assert not dsar_erasing.erase_here(request)
    assert (fresh(request).erased_at, DataSubject.objects.get(pk=ann.pk).status) == (None, "active")


def test_a_hold_placed_while_systems_erase_keeps_the_person_here_until_it_ends(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    runtime.run_due()
    hold = subjects.place_hold(ann, reason="authority_order", until=None, principal=house.principal)
    work()
    request = fresh(request)
    assert (request.status, request.erased_at, DataSubject.objects.get(pk=ann.pk).status) == (
        "reviewing",
        None,
        "active",
    )
    assert Erasure.objects.get(subject=ann).state == "held"
    assert ANN not in str(house.rows(house.store, "customer"))
    subjects.release_hold(hold.pk, ann, principal=house.principal)
    erasing.carry_on()
    work()
    assert (fresh(request).erased_at is None, DataSubject.objects.get(pk=ann.pk).status) == (False, "erased")


def test_in_its_grace_the_request_goes_on_and_the_end_is_noted(
    house: House, ann: DataSubject, settings: SettingsWrapper
) -> None:
    settings.GOVERNANCE_ERASURE_GRACE_HOURS = 24
    request = planned(house, "erasure")
    approve(house, request)
    work()
    request = fresh(request)
    assert (request.status, request.erased_at) == ("reviewing", None)
    assert Erasure.objects.get(subject=ann).state == "disabled"
    with transaction.atomic():
        Erasure.objects.recorded().update(due_at=timezone.now() - timedelta(seconds=1))
    erasing.carry_on()
    work()
    request = fresh(request)
    assert request.erased_at == Erasure.objects.get(subject=ann).ended_at


def test_the_certificate_is_handed_out_where_somebody_was_erased(house: House, ann: DataSubject) -> None:
    request, other = planned(house, "erasure"), planned(house, "access", email="bob.canary@example.org")
    desk = signed_in(house.officer)
    key = service(house.controller, Role.INTEGRATOR)
    doors = {each.pk: f"/v1/requests/{each.pk}/certificate" for each in (request, other)}
    bearer = {"Authorization": f"Bearer {key}"}
    assert Client().get(doors[request.pk], headers=bearer).status_code == 409  # nothing is destroyed yet
    approve(house, request)
    work()
    answer = Client().get(doors[request.pk], headers=bearer)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert signing.open_text(answer.content.decode()).startswith("certificate-of-destruction/1\n")
    assert ANN not in answer.content.decode()
    page = f"/console/requests/{request.pk}/"
    assert "Download the certificate" in desk.get(page).content.decode()
    assert desk.post(f"{page}certificate/").content == answer.content
    assert Client().get(doors[other.pk], headers=bearer).status_code == 409
    agent = signed_in(staff(house.controller, Role.SUPPORT_AGENT))
    assert agent.post(f"{page}certificate/").status_code == 403
    with transaction.atomic():
        DataKey.objects.filter(scope_id=ann.pk).recorded().update(state="active", wrapped=bytes(92), destroyed_at=None)
    refused = Client().get(doors[request.pk], headers=bearer)
    assert refused.status_code == 409  # a key is back: nothing is certified
