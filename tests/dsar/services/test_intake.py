"""From the first word to a proven address: what is recorded whatever happens, counted once, and let go in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from governance.errors import CodeRefused, TooManyRequests
from governance.models import LedgerEntry
from governance.subjects import proving
from tests.dsar.conftest import ANN, House, ask, fresh, last_code, letters, prove, work

if TYPE_CHECKING:
    from dsar.models import SubjectRequest

pytestmark = pytest.mark.django_db


def from_an_officer(house: House, **more: object) -> SubjectRequest:
    intake = services.Intake(rights=("access",), email=ANN, manner="officer", **more)  # type: ignore[arg-type]
    return services.receive(house.controller, intake, principal=house.principal)


def test_what_staff_heard_is_recorded_when_codes_run_short_and_its_code_follows(house: House) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _turn in range(5):
            ask(house, "access")
        with pytest.raises(TooManyRequests):
            ask(house, "access")
        heard = from_an_officer(house)
        assert (heard.status, heard.proof_id) == ("received", None)
        work()
        assert fresh(heard).status == "received"
        tried = LedgerEntry.objects.filter(type="subject.revealed").count()
        work()
        assert LedgerEntry.objects.filter(type="subject.revealed").count() == tried  # not with every tick
        clock.shift(timedelta(hours=1, minutes=1))
        before = len(letters(house.controller))
        work()
        assert len(letters(house.controller)) == before + 1
        assert fresh(heard).status == "verifying"
        assert prove(fresh(heard)).status == "planning"


def test_a_request_that_lay_elsewhere_is_let_go_a_fortnight_after_its_last_code_and_the_person_told(
    house: House,
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        heard = from_an_officer(house, received_at=timezone.now() - timedelta(days=20))
        work()
        assert fresh(heard).status == "verifying"  # its clock began 20 days ago, the wait for the code just now
        clock.shift(timedelta(days=10))
        services.send_code(fresh(heard), principal=house.principal)
        clock.shift(timedelta(days=13))
        work()
        assert fresh(heard).status == "verifying"
        clock.shift(timedelta(days=2))
        work()
        assert fresh(heard).status == "lapsed"
        told = letters(house.controller)[-1]
        assert heard.reference in told
        assert "could not be sure" in told


def test_a_wrong_code_is_noted_as_often_as_it_is_counted(house: House) -> None:
    request = ask(house, "access")
    for _turn in range(8):
        with pytest.raises(CodeRefused):
            services.verify(request, "000000", principal=house.principal)
    assert LedgerEntry.objects.filter(type="request.code_failed").count() == proving.ATTEMPTS


def test_coming_back_opens_no_request_that_is_not_ones_own(house: House) -> None:
    request = prove(ask(house, "access"))
    opened = LedgerEntry.objects.filter(type="subject.revealed", object_ref=f"request:{request.pk.hex}").exclude(
        actor_ref__startswith="worker"  # the letters that this test reads
    )
    before = opened.count()
    for address in ("stranger@example.org", ANN.upper()):
        proof_id = services.start_again(house.controller, address)
        code = last_code(house.controller)
        if address == ANN.upper():
            assert services.find_again(house.controller, request.reference, proof_id, code) == request
        else:
            with pytest.raises(CodeRefused):
                services.find_again(house.controller, request.reference, proof_id, code)
    assert opened.count() == before
    assert b"ann" not in bytes(fresh(request).contact_digest)
    services.withdraw(fresh(request), principal=house.principal)
    services.purge(fresh(request), principal=house.principal)
    assert fresh(request).contact_digest is None
