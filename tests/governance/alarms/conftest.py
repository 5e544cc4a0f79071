"""A ledger that can be filled at any hour, and the rules run over it; shared by the alarm tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.db import transaction

from governance import access, audit, subjects
from governance.alarms import raising, reading
from governance.audit import Occurrence, sequencer
from governance.models import AlarmCursor, AlarmRule, Alert, Controller, DataSubject, StaffUser
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import AuditType, Role
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A Wednesday, 11 o'clock in Berlin.
NOON = datetime(2026, 3, 4, 10, 15, tzinfo=UTC)


@dataclass
class Watch:
    """One controller under watch."""

    controller: Controller
    agent: StaffUser
    person: DataSubject

    @property
    def principal(self) -> Principal:
        return access.principal_of(self.agent)

    def does(
        self,
        type_: AuditType,
        count: int = 1,
        *,
        at: datetime = NOON,
        about: Sequence[DataSubject] = (),
        by: Principal | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        people = about or [self.person]
        made = [
            Occurrence(type=type_, subject_id=people[n % len(people)].pk, details=details or {})  # type: ignore[arg-type]
            for n in range(count)
        ]
        with time_machine.travel(at, tick=False), transaction.atomic():
            audit.record_many(made, actor=by or self.principal, controller_id=self.controller.pk)

    def alerts(self) -> list[tuple[str, str]]:
        """Run the sequencer and the rules; answer what was raised so far."""
        sequencer.sequence()
        raising.work()
        while AlarmCursor.objects.get().position < reading.size():
            raising.work()
        return list(Alert.objects.order_by("rule", "raised_at").values_list("rule", "basis"))

    def people(self, count: int) -> list[DataSubject]:
        by = operator(self.controller.pk.hex)
        return [subjects.register(self.controller, [("customer_id", f"W-{n}")], principal=by) for n in range(count)]

    def only(self, rule: str) -> None:
        """Switch every other rule off, so that a test is about one."""
        for other in raising.thresholds(self.controller):
            if other != rule:
                AlarmRule.objects.update_or_create(controller=self.controller, rule=other, defaults={"is_on": False})


def rules_of(found: Iterable[tuple[str, str]]) -> list[str]:
    return [rule for rule, _basis in found]


@pytest.fixture
def watch(controller: Controller, person: DataSubject, transactional_db: None) -> Watch:
    made = Watch(controller, staff(controller, Role.SUPPORT_AGENT), person)
    sequencer.sequence()
    raising.work()  # begins with what happens from now on
    return made
