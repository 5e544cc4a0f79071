"""Roles × actions, grants and controllers: the point check and the list filter give the same answer."""

import json

import pytest

from governance import access
from governance.access import grants
from governance.access.enforcement import permitting
from governance.errors import AccessDenied, NotFound
from governance.models import Controller, DataSubject, LedgerEntry
from governance.policy import fingerprint
from governance.policy.principal import DATA_SUBJECT, SERVICE, Principal, operator
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


def test_a_denial_says_what_refused_and_under_which_rules(
    person: DataSubject, controller: Controller, other_controller: Controller
) -> None:
    served = frozenset({controller.pk.hex})
    without = Principal(SERVICE, "0" * 32, frozenset({Role.CHECKER}), served)
    elsewhere = Principal(SERVICE, "0" * 32, frozenset({Role.INTEGRATOR}), frozenset({other_controller.pk.hex}))
    somebody = Principal(DATA_SUBJECT, "1" * 32, frozenset({Role.DATA_SUBJECT}), served)
    for principal, action, rule in (
        (without, Action.SUBJECT_FIND, "refuse:no_role"),
        (elsewhere, Action.SUBJECT_FIND, "refuse:other_controller"),
        (somebody, Action.CONSENT_READ, "refuse:other_person"),
    ):
        with pytest.raises((AccessDenied, NotFound)):
            access.require(principal, action, person)
        payload = json.loads(LedgerEntry.objects.filter(type="access.denied").latest("id").payload)
        assert (payload["rules"], payload["ruleset"]) == ([rule], fingerprint.roles())
    assert permitting(elsewhere, Action.SUBJECT_FIND, other_controller.pk.hex) == ["role:integrator"]
    assert permitting(elsewhere, Action.SUBJECT_FIND, controller.pk.hex) == []
    assert permitting(without, Action.SUBJECT_FIND, controller.pk.hex) == []
