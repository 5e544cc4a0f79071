"""Roles × actions, grants and controllers: the point check and the list filter give the same answer."""

import pytest

from governance import access
from governance.access import grants
from governance.errors import AccessDenied, NotFound
from governance.models import Controller, DataSubject, LedgerEntry
from governance.policy.principal import SERVICE, Principal, operator
from governance.policy.vocabulary import ALLOWED, Action, Role
from tests.governance.conftest import staff


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_the_role_table_is_what_require_enforces(controller: Controller, role: Role, action: Action) -> None:
    principal = Principal(SERVICE, "0" * 32, frozenset({role}), frozenset({controller.pk.hex}))
    if action in ALLOWED[role]:
        access.require(principal, action, controller)
    else:
        with pytest.raises(AccessDenied):
            access.require(principal, action, controller)
        assert LedgerEntry.objects.get().type == "access.denied"


def test_an_administrator_cannot_read_personal_data() -> None:
    assert not ALLOWED[Role.ADMINISTRATOR] & {Action.SUBJECT_REVEAL, Action.SUBJECT_FIND, Action.REQUEST_READ}


@pytest.mark.parametrize("own", [True, False])
def test_the_list_filter_equals_the_point_check(
    person: DataSubject, controller: Controller, other_controller: Controller, *, own: bool
) -> None:
    principal = access.principal_of(staff(controller if own else other_controller, Role.PRIVACY_OFFICER))
    visible = person in access.visible_to(principal, Action.SUBJECT_FIND, DataSubject.objects.all())
    try:
        access.require(principal, Action.SUBJECT_FIND, person)
        passed = True
    except NotFound:
        passed = False
    assert visible is passed is own


def test_a_dismissal_counts_at_once(controller: Controller) -> None:
    user = staff(controller, Role.PRIVACY_OFFICER)
    assert access.principal_of(user).controllers == {controller.pk.hex}
    grants.dismiss(user, controller, principal=operator(controller.pk.hex))
    assert access.principal_of(user).controllers == frozenset()


def test_without_a_role_nothing_is_visible(person: DataSubject, controller: Controller) -> None:
    principal = access.principal_of(staff(controller))
    assert not access.visible_to(principal, Action.SUBJECT_FIND, DataSubject.objects.all())
