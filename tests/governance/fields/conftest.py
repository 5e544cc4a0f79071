"""A ticket about a known person, and who may open it."""

import pytest

from governance.models import Controller, DataSubject
from governance.policy.principal import Principal, worker
from tests.shelf.models import Ticket


@pytest.fixture
def ticket(controller: Controller, person: DataSubject) -> Ticket:
    """Not saved yet, but it knows whose it is."""
    return Ticket(controller=controller, subject=person)


@pytest.fixture
def principal(controller: Controller) -> Principal:
    return worker(controller.pk.hex)
