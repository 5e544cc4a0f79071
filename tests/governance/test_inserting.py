"""Many rows by one prepared statement: the same rows as bulk_create writes, and refused where that is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.errors import AuditRefused
from governance.models import Controller, DataSubject, OutboxEvent
from governance.models.inserting import insert_many

pytestmark = pytest.mark.django_db(transaction=True)


def events(controller: Controller, count: int) -> list[OutboxEvent]:
    now = timezone.now()
    return [
        OutboxEvent(
            controller_id=controller.pk,
            type=f"made.up.{number}",
            subject_id=controller.pk if number % 2 else None,
            payload={"number": number, "word": "ä'\"%s"},
            created_at=now,
        )
        for number in range(count)
    ]


def written() -> list[dict[str, Any]]:
    return [{**row, "id": 0} for row in OutboxEvent.objects.order_by("type", "id").values()]


@pytest.mark.parametrize("count", [1, 49, 50, 260])
def test_the_rows_are_those_of_bulk_create(count: int) -> None:
    controller = Controller.objects.create(slug="acme", name="Acme")
    rows = events(controller, count)
    with transaction.atomic():
        OutboxEvent.objects.bulk_create(rows)
    first = written()
    OutboxEvent.objects.all().delete()
    rows = [OutboxEvent(**{**row, "id": None}) for row in first]
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        insert_many(rows)
    assert written() == first
    assert not any(row._state.adding for row in rows)  # noqa: SLF001  # as bulk_create leaves them
    if count >= 50:
        assert len([each for each in queries if "INSERT" in each["sql"]]) == 1


def test_governed_rows_are_refused_unless_their_caller_records_them() -> None:
    controller = Controller.objects.create(slug="acme", name="Acme")
    people = [DataSubject(controller=controller) for _ in range(60)]
    with transaction.atomic(), pytest.raises(AuditRefused):
        insert_many(people)
    with pytest.raises(AuditRefused):
        insert_many(people, recorded=True)
    assert not DataSubject.objects.exists()
    with transaction.atomic():
        insert_many(people, recorded=True)
    assert set(DataSubject.objects.values_list("pk", flat=True)) == {each.pk for each in people}
