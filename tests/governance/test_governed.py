"""Bulk writes on governed models are refused, unless their caller says that it records them (invariant 13)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from governance.errors import AuditRefused
from governance.fields import SealedField
from governance.models import Controller, DataSubject
from governance.models.governed import GovernedRows

CALLS: list[Callable[[Any, Controller], object]] = [
    lambda rows, _controller: rows.update(status="restricted", restricted_at=timezone.now()),
    lambda rows, _controller: rows.filter(status="active").delete(),
    lambda rows, controller: rows.bulk_create([DataSubject(controller=controller)]),
    lambda rows, _controller: rows.bulk_update(list(rows), ["status"]),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_bulk_write_is_refused_unless_it_is_recorded(controller: Controller, call: Callable[..., object]) -> None:
    DataSubject.objects.create(controller=controller)
    with pytest.raises(AuditRefused):
        call(DataSubject.objects.all(), controller)
    assert DataSubject.objects.filter(status="active").count() == 1
    call(DataSubject.objects.all().recorded(), controller)


@pytest.mark.django_db(transaction=True)
def test_a_recorded_bulk_write_needs_the_transaction_of_its_audit_row(controller: Controller) -> None:
    with pytest.raises(AuditRefused, match="outside a transaction"):
        DataSubject.objects.all().recorded().update(status="active")


def test_models_that_hold_a_persons_sealed_data_are_governed() -> None:
    sealed = {
        model
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedField) and field.scope_kind == "subject"
    }
    # One is written by audit.record alone, the other is a queue that letters.py claims row by row.
    sealed = {model for model in sealed if model.__name__ not in {"AuditBody", "OutgoingMessage"}}
    assert sealed
    assert all(isinstance(model.objects.all(), GovernedRows) for model in sealed)
