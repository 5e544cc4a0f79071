"""Data keys at bad moments: a rollback, a lost race inside a transaction, a key table that was tampered with."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance import subjects, vault
from governance.crypto.envelope import header
from governance.errors import GovernanceError, KeyUnavailable
from governance.fields import Scope, sealed_fields
from governance.keys import data_keys
from governance.models import Controller, ControllerKey, DataKey, LedgerEntry, SubjectIdentifier
from governance.policy.principal import operator, worker

LABEL = "subject.identifier"


def _dangling() -> list[str]:
    """Name the columns that hold a ciphertext whose key is not in the key table."""
    known = set(DataKey.objects.values_list("key_id", flat=True))
    found: list[str] = []
    for field in sealed_fields():
        rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False})  # noqa: SLF001  # every row
        keys = {header(getattr(row, field.name).envelope).key_id.hex() for row in rows}
        found += [field.label] * bool(keys - known)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False], ids=["first key of the controller", "a later one"])
def test_a_rollback_takes_key_and_ciphertext_together(is_first: bool) -> None:
    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    principal = operator(controller.pk.hex)
    if not is_first:
        subjects.register(controller, [("email", "ben@example.org")], principal=principal)
    counts = [model.objects.count() for model in (ControllerKey, DataKey, SubjectIdentifier, LedgerEntry)]

    def fail() -> None:
        with transaction.atomic():
            scope = Scope(controller.pk.hex, "controller", controller.pk.hex)
            vault.seal("secret", label="system.url", scope=scope)
            data_keys.sealers([Scope(controller.pk.hex, "subject", uuid4().hex) for _ in range(3)])
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError, match="rolled back"):
        fail()
    assert [model.objects.count() for model in (ControllerKey, DataKey, SubjectIdentifier, LedgerEntry)] == counts
    assert _dangling() == []
    # What this process had opened for the lost rows is used for nothing.
    person = subjects.register(controller, [("email", "ann@example.org")], principal=principal)
    data_keys.forget()
    sealed = person.identifiers.get().value
    assert vault.reveal(sealed, principal=worker(controller.pk.hex), purpose="subject_request") == "ann@example.org"
    assert _dangling() == []


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(place=st.integers(0, 10_000), change=st.integers(1, 255), column=st.sampled_from(["wrapped", "commitment"]))
def test_a_changed_byte_of_the_key_table_opens_nothing(
    controller: Controller, place: int, change: int, column: str
) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    sealed = vault.seal("secret", label=LABEL, scope=scope)
    row = DataKey.objects.get(scope_id=scope.id)
    stored = bytes(getattr(row, column))
    at = place % len(stored)
    with transaction.atomic():
        changed = stored[:at] + bytes([stored[at] ^ change]) + stored[at + 1 :]
        DataKey.objects.filter(pk=row.pk).recorded().update(**{column: changed})
    data_keys.forget()
    with pytest.raises(KeyUnavailable):
        vault.reveal(sealed, principal=worker(scope.controller), purpose="subject_request")


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["scope_id", "controller_id", "scope_kind"])
def test_a_key_row_that_was_given_to_somebody_else_opens_nothing(
    controller: Controller, other_controller: Controller, column: str
) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    sealed = vault.seal("secret", label=LABEL, scope=scope)
    to = {"scope_id": uuid4(), "controller_id": other_controller.pk, "scope_kind": "request"}[column]
    with transaction.atomic():
        DataKey.objects.filter(scope_id=scope.id).recorded().update(**{column: to})
    data_keys.forget()
    moved = Scope(
        other_controller.pk.hex if column == "controller_id" else scope.controller,
        "request" if column == "scope_kind" else scope.kind,
        to.hex if column == "scope_id" else scope.id,
    )
    with pytest.raises(GovernanceError):
        vault.reveal(
            type(sealed)(sealed.envelope, LABEL, moved), principal=worker(moved.controller), purpose="subject_request"
        )
