"""Roles are held at a controller: what is granted here counts here, in every reading, and each change is recorded."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection

from governance import access
from governance.access import grants
from governance.errors import AccessDenied, Conflict, NotFound
from governance.models import Controller, ControllerUserGrant, LedgerEntry, StaffUser, System
from governance.models.governed import recorded_memberships
from governance.policy.principal import operator
from governance.policy.vocabulary import ALLOWED, STAFF_ROLES, Action, Role
from governance.systems import registering
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.base_user import AbstractBaseUser

pytestmark = pytest.mark.django_db


def who(controller: Controller):  # type: ignore[no-untyped-def]
    return operator(controller.pk.hex)


@pytest.fixture
def both(controller: Controller, other_controller: Controller) -> StaffUser:
    """An officer here who is an analyst there."""
    user = staff(controller, Role.PRIVACY_OFFICER)
    grants.serve(user, other_controller, [Role.ANALYST], principal=who(other_controller))
    return user


@pytest.mark.parametrize("action", list(Action))
def test_an_officer_here_and_analyst_there_may_exactly_that(
    both: StaffUser, controller: Controller, other_controller: Controller, action: Action
) -> None:
    principal = access.principal_of(both)
    for place, role in ((controller, Role.PRIVACY_OFFICER), (other_controller, Role.ANALYST)):
        expected = action in ALLOWED[role]
        assert principal.may(action, place.pk.hex) is expected
        assert (place in access.visible_to(principal, action, Controller.objects.all())) is expected
        assert principal.at(place.pk.hex).may(action) is expected
        try:
            access.require(principal, action, place)
            passed = True
        except (AccessDenied, NotFound):
            passed = False
        assert passed is expected


def test_what_is_not_held_there_is_as_absent_there(both: StaffUser, other_controller: Controller) -> None:
    principal = access.principal_of(both)
    with pytest.raises(NotFound):  # it may, elsewhere; here it must not learn what there is
        access.require(principal, Action.SUBJECT_FIND, other_controller)
    with pytest.raises(AccessDenied):  # it may nowhere
        access.require(principal, Action.CONSENT_CHECK, other_controller)


def test_code_that_looks_at_roles_alone_grants_too_little(both: StaffUser) -> None:
    assert access.principal_of(both).roles == frozenset()


def test_dismissal_from_one_role_leaves_the_others(
    both: StaffUser, controller: Controller, other_controller: Controller
) -> None:
    grants.serve(both, controller, [Role.AUDITOR, Role.ANALYST], principal=who(controller))
    grants.dismiss(both, controller, [Role.ANALYST], principal=who(controller))
    principal = access.principal_of(both)
    assert principal.roles_at(controller.pk.hex) == {Role.PRIVACY_OFFICER, Role.AUDITOR}
    assert principal.roles_at(other_controller.pk.hex) == {Role.ANALYST}
    grants.dismiss(both, controller, principal=who(controller))
    assert access.principal_of(both).controllers == {other_controller.pk.hex}
    assert set(both.groups.values_list("name", flat=True)) == {"analyst"}


def test_leaving_the_group_ends_the_role_everywhere_and_joining_again_wakes_nothing(
    controller: Controller, other_controller: Controller
) -> None:
    user = staff(controller, Role.AUDITOR)
    grants.serve(user, other_controller, [Role.AUDITOR], principal=who(other_controller))
    with recorded_memberships():
        user.groups.clear()
    assert access.principal_of(user).controllers == frozenset()
    grants.serve(user, controller, [Role.AUDITOR], principal=who(controller))
    assert access.principal_of(user).controllers == {controller.pk.hex}


def test_each_change_is_one_row_with_role_and_controller(both: StaffUser, other_controller: Controller) -> None:
    grants.serve(both, other_controller, [Role.ANALYST], principal=who(other_controller))  # held already: no row
    grants.dismiss(both, other_controller, principal=who(other_controller))
    rows = LedgerEntry.objects.filter(type="grant.changed", controller=other_controller.pk).order_by("recorded_at")
    details = [json.loads(row.payload)["details"] for row in rows]
    assert details == [{"change": "granted", "role": "analyst"}, {"change": "removed", "role": "analyst"}]
    assert {row.object_ref for row in rows} == {f"staff:{both.pk.hex}"}


def test_a_superuser_and_an_inactive_person_hold_nothing(controller: Controller, both: StaffUser) -> None:
    root = StaffUser.objects.create_superuser("root@staff.example")
    assert access.principal_of(root).controllers == frozenset()
    with recorded_memberships():
        root.user_permissions.add(Permission.objects.get(codename="serve_as_privacy_officer"))
        root.groups.add(Group.objects.get(name=Role.PRIVACY_OFFICER.value))
    assert not access.principal_of(root).may(Action.CONSOLE_ENTER)
    both.is_active = False
    assert access.principal_of(both).controllers == frozenset()


def test_a_service_role_is_not_granted_to_staff(controller: Controller) -> None:
    with pytest.raises(ValueError, match="no role of staff"):
        grants.serve(staff(controller), controller, [Role.WORKER], principal=who(controller))


def test_grants_from_before_are_divided_once(controller: Controller, other_controller: Controller) -> None:
    user = staff(controller)
    for role in (Role.AUDITOR, Role.ANALYST):
        with recorded_memberships():
            user.groups.add(Group.objects.get(name=role.value))
    kind = Permission.objects.get(codename="serve_as_auditor").content_type
    old = Permission.objects.create(codename="serve_controller", name="Old", content_type=kind)
    for place in (controller, other_controller):
        ControllerUserGrant.objects.create(user=user, permission=old, content_object=place)
    assert access.principal_of(user).controllers == frozenset()
    for _time in range(2):
        grants.divide(ControllerUserGrant.objects, Permission.objects)
    assert access.principal_of(user).roles == {Role.AUDITOR, Role.ANALYST}
    assert access.principal_of(user).controllers == {controller.pk.hex, other_controller.pk.hex}
    grants.dismiss(user, controller, [Role.ANALYST], principal=who(controller))
    grants.divide(ControllerUserGrant.objects, Permission.objects)
    assert access.principal_of(user).roles_at(controller.pk.hex) == {Role.AUDITOR}
    assert not ControllerUserGrant.objects.filter(permission__codename="serve_controller").exists()


@pytest.mark.parametrize("own", [True, False])
def test_an_owner_sees_the_systems_given_to_them_and_nothing_else(controller: Controller, *, own: bool) -> None:
    mine, other = (
        registering.register(controller, key, key, "sqlite:////tmp/x.sqlite3", principal=who(controller))
        for key in ("mine", "other")
    )
    user = staff(controller, Role.SYSTEM_OWNER)
    grants.own(user, mine, principal=who(controller))
    system = mine if own else other
    principal = access.principal_of(user)
    assert (system in access.visible_to(principal, Action.SYSTEM_OWN, System.objects.all())) is own
    if own:
        access.require(principal, Action.SYSTEM_OWN, system)
    else:
        with pytest.raises(NotFound):
            access.require(principal, Action.SYSTEM_OWN, system)
    for action in set(Action) - {Action.SYSTEM_OWN, Action.CONSOLE_ENTER}:
        assert not principal.may(action), action
    assert grants.owners_of(mine) == [user]


def test_ownership_ends_with_the_role_and_needs_it(controller: Controller) -> None:
    system = registering.register(controller, "mine", "Mine", "sqlite:////tmp/x.sqlite3", principal=who(controller))
    user: AbstractBaseUser = staff(controller, Role.ANALYST)
    with pytest.raises(Conflict):
        grants.own(user, system, principal=who(controller))
    grants.serve(user, controller, [Role.SYSTEM_OWNER], principal=who(controller))
    for _time in range(2):
        grants.own(user, system, principal=who(controller))
    assert grants.staff_with(Role.SYSTEM_OWNER, controller) == [user]
    grants.dismiss(user, controller, [Role.SYSTEM_OWNER], principal=who(controller))
    assert grants.owners_of(system) == []
    details = [json.loads(row.payload)["details"] for row in LedgerEntry.objects.filter(type="grant.changed")]
    assert sum("system" in each for each in details) == 2


def test_every_role_of_staff_has_its_permission() -> None:
    kinds = set(Permission.objects.filter(codename__startswith="serve_as_").values_list("codename", flat=True))
    assert kinds == {f"serve_as_{role.value}" for role in STAFF_ROLES}
    assert apps.get_model("governance", "Controller")._meta.permissions


@pytest.mark.django_db(transaction=True)
def test_a_role_given_while_another_is_taken_is_not_lost(controller: Controller, other_controller: Controller) -> None:
    """Without the lock, the one that takes sees no grant, the other sees the group, and the group goes."""
    user = staff(controller, Role.AUDITOR)
    for _round in range(5):
        start = threading.Barrier(2)

        def run(change: Callable[[], None], start: threading.Barrier = start) -> None:
            start.wait(10)
            try:
                change()
            finally:
                connection.close()

        give = partial(grants.serve, user, other_controller, [Role.AUDITOR], principal=who(other_controller))
        take = partial(grants.dismiss, user, controller, [Role.AUDITOR], principal=who(controller))
        threads = [threading.Thread(target=run, args=(change,)) for change in (give, take)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert access.principal_of(user).roles_at(other_controller.pk.hex) == {Role.AUDITOR}
        assert access.principal_of(user).roles_at(controller.pk.hex) == frozenset()
        controller, other_controller = other_controller, controller
