"""A ledger with something in it: a controller, an officer, and recorded events; shared by the audit tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from governance import audit
from governance.models import Controller, DataSubject
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import AuditType, Role

if TYPE_CHECKING:
    from governance.models import LedgerEntry

Write = Callable[[int], list["LedgerEntry"]]


@pytest.fixture
def controller(db: None) -> Controller:
    return Controller.objects.create(slug=f"c-{uuid.uuid4().hex[:8]}", name="A company")


@pytest.fixture
def subject(controller: Controller) -> DataSubject:
    return DataSubject.objects.create(controller=controller)


@pytest.fixture
def officer(controller: Controller) -> Principal:
    return Principal(STAFF, uuid.uuid4().hex, frozenset({Role.PRIVACY_OFFICER}), frozenset({controller.id.hex}))


@pytest.fixture
def write(controller: Controller, officer: Principal) -> Write:
    """Record a number of events, each in its own transaction."""

    def write(count: int) -> list[LedgerEntry]:
        entries = []
        for number in range(count):
            with transaction.atomic():
                entries.append(
                    audit.record(
                        AuditType.PURPOSE_CHANGED,
                        actor=officer,
                        controller_id=controller.id,
                        object_ref=f"purpose:{number}",
                        details={"version": number, "fields": ["name", "channels"]},
                    )
                )
        return entries

    return write
