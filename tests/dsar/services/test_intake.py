"""From the first word to a proven address: what is recorded whatever happens, counted once, and let go in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from dsar import services
from dsar.models import SubjectRequest
from governance.errors import TooManyRequests
from governance.models import LedgerEntry
from tests.dsar.conftest import ANN, House, ask, fresh, letters, prove, work

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
