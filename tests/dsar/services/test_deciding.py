"""What people decide: only where it is possible, with an owner from then on, and an end that stops the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dsar import services
from dsar.errors import IllegalTransition
from dsar.services import advancing
from governance.models import Controller, OutgoingMessage, SystemStep
from governance.policy.principal import data_subject
from tests.dsar.conftest import ANN, BOB, House, approve, ask, fresh, letters, planned, prove, work

if TYPE_CHECKING:
    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def test_a_deadline_moves_only_while_a_proven_request_is_open(house: House, ann: DataSubject) -> None:
    unproven, refused = ask(house, "access"), planned(house, "erasure")
    services.refuse(refused, "no_match", principal=house.principal)
    for request in (unproven, refused):
        before, sent = request.rights.get().due_on, OutgoingMessage.objects.count()
        with pytest.raises(IllegalTransition):
            services.extend(fresh(request), "complexity", principal=house.principal)
        assert request.rights.get().due_on == before
        assert OutgoingMessage.objects.count() == sent
    assert services.extend(planned(house, "access"), "complexity", principal=house.principal)


@pytest.mark.parametrize("end", ["withdraw", "refuse"])
def test_an_end_stops_what_is_queued(house: House, ann: DataSubject, end: str) -> None:
    request = prove(ask(house, "access"))
    advancing.advance()
    assert SystemStep.objects.filter(job=request.pk).exists()
    if end == "withdraw":
        services.withdraw(fresh(request), principal=data_subject(request.pk.hex, house.controller.pk.hex))
    else:
        services.refuse(fresh(request), "no_match", principal=house.principal)
    assert not SystemStep.objects.filter(job=request.pk).exists()


def test_a_request_belongs_to_the_first_officer_who_acts(house: House, ann: DataSubject) -> None:
    request = planned(house, "access")
    assert request.owner is None
    assert approve(house, request).owner_id == house.officer.pk
    other = planned(house, "access", email=BOB)
    services.extend(other, "complexity", principal=house.principal)
    assert fresh(other).owner_id == house.officer.pk


def test_requests_that_wait_hold_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advancing, "_BATCH", 2)
    stuck = [prove(ask(house, "access", email=f"person{number}@example.org")) for number in range(3)]
    advancing.advance()
    assert all(SystemStep.objects.filter(job=each.pk).exists() for each in stuck)
    last = prove(ask(house, "access", email=ANN))
    advancing.advance()
    assert SystemStep.objects.filter(job=last.pk).exists()


def test_letters_lead_to_the_portal_of_their_own_controller(house: House) -> None:
    prove(ask(house, "access"))
    assert "http://testserver/privacy" in letters(house.controller)[-1]
    house.controller.host = "privacy.umbrella.example"
    house.controller.save()
    prove(ask(house, "access", email=BOB))
    assert "://privacy.umbrella.example" in letters(Controller.objects.get())[-1]
    assert "/privacy/return/" in letters(Controller.objects.get())[-1]
    work()
