"""Staff and controllers come and change with a ledger row each, which names fields and holds no value."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from governance.access import staffing
from governance.errors import BadInput, Conflict
from governance.models import LedgerEntry, StaffUser
from governance.policy.principal import operator
from tests.governance.conftest import signed_in

if TYPE_CHECKING:
    from governance.models import Controller

ADDRESS = "zebra@staff.example"


def payloads(type_: str) -> list[dict[str, object]]:
    return [json.loads(row.payload) for row in LedgerEntry.objects.filter(type=type_).order_by("id")]


def test_making_and_changing_somebody_is_recorded_without_a_value(controller: Controller) -> None:
    by = operator(controller.pk.hex)
    user = staffing.create("Zebra@Staff.example", name="Zebra Doe", principal=by)
    with pytest.raises(Conflict):
        staffing.create(ADDRESS, principal=by)
    assert staffing.change(user, principal=by, name="Quokka Doe", is_active=False) == ["is_active", "name"]
    assert staffing.change(user, principal=by, name="Quokka Doe") == []
    (made,), (changed,) = payloads("staff.created"), payloads("staff.changed")
    assert made["object"] == changed["object"] == f"staff:{user.pk.hex}"
    assert changed["details"] == {"fields": ["is_active", "name"], "active": False}
    assert "zebra" not in json.dumps([made, changed]).lower()
    assert "quokka" not in json.dumps([made, changed]).lower()
    assert StaffUser.objects.get(pk=user.pk).name == "Quokka Doe"


def test_a_changed_address_is_kept_as_sign_in_looks_for_it(controller: Controller) -> None:
    by = operator(controller.pk.hex)
    user, other = (staffing.create(each, principal=by) for each in (ADDRESS, "other@staff.example"))
    with pytest.raises(Conflict):
        staffing.change(other, principal=by, email="Zebra@Staff.example")
    assert staffing.change(user, principal=by, email="ZEBRA@staff.example") == []
    assert staffing.change(user, principal=by, email="Stripes@Staff.example ") == ["email"]
    assert StaffUser.objects.get(pk=user.pk).email == "stripes@staff.example"


@pytest.mark.parametrize("field", ["is_superuser", "password", "is_staff", "groups"])
def test_rights_and_secrets_are_not_changed_here(officer: StaffUser, controller: Controller, field: str) -> None:
    with pytest.raises(BadInput):
        staffing.change(officer, principal=operator(controller.pk.hex), **{field: True})
    assert payloads("staff.changed") == []


@pytest.mark.django_db(transaction=True)
def test_somebody_who_is_let_go_is_out_on_the_next_request(officer: StaffUser) -> None:
    client = signed_in(officer)
    assert client.get("/console/").status_code == 200
    told = StringIO()
    call_command("change_staff", officer.email, "--deactivate", stdout=told)
    assert "is_active" in told.getvalue()
    assert client.get("/console/").status_code == 302
    call_command("change_staff", officer.email, "--activate", stdout=told)
    with pytest.raises(CommandError, match="no member of staff"):
        call_command("change_staff", "nobody@staff.example", "--activate")
    assert [each["details"] for each in payloads("staff.changed")] == [
        {"fields": ["is_active"], "active": False},
        {"fields": ["is_active"], "active": True},
    ]


@pytest.mark.django_db(transaction=True)
def test_a_controller_that_is_made_is_recorded() -> None:
    call_command("create_controller", "zebra", "--name", "Zebra Ltd", stdout=StringIO())
    (made,) = payloads("controller.created")
    assert str(made["actor"]).startswith("operator:")
    assert "Zebra" not in json.dumps(made)
