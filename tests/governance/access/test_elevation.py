"""Break-glass: one agent, one person, a while; each refusal shares its setup with what is allowed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance import access, subjects, vault
from governance.access import elevation, grants
from governance.errors import AccessDenied, BadInput, Conflict, NotFound
from governance.models import DataSubject, Elevation, LedgerEntry, StaffUser
from governance.policy.forms import Form, form_of
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import STAFF_ROLES, Action, Role, permits
from governance.vault.masks import Masked
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from governance.models import Controller

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "jane.doe@example.org"
NOON = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)


@pytest.fixture
def agent(controller: Controller) -> StaffUser:
    return staff(controller, Role.SUPPORT_AGENT)


def who(user: StaffUser) -> Principal:
    return access.principal_of(user)


def take(subject: DataSubject, user: StaffUser, reason: str = "danger", *, fresh: bool = True) -> Elevation:
    return elevation.break_glass(subject, reason=reason, principal=who(user), is_factor_fresh=fresh)


def seen(subject: DataSubject, principal: Principal) -> object:
    sealed = subject.identifiers.get(type="email").value
    return vault.reveal(sealed, principal=principal, purpose="customer_support")


def is_clear(subject: DataSubject, user: StaffUser) -> bool:
    value = seen(subject, who(user))
    assert value == ADDRESS or isinstance(value, Masked)
    return value == ADDRESS


def payloads(type_: str) -> list[dict[str, object]]:
    return [json.loads(row.payload) for row in LedgerEntry.objects.filter(type=type_).order_by("id")]


def another(controller: Controller, address: str) -> DataSubject:
    return subjects.register(controller, [("email", address)], principal=operator(controller.pk.hex))


def test_that_person_in_clear_and_nobody_else(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    other = another(controller, "john@example.org")
    assert not is_clear(person, agent)
    row = take(person, agent)
    held = [each.identifiers.get(type="email").value for each in (other, person)]
    masked, clear = vault.reveal_many(held, principal=who(agent), purpose="customer_support")
    assert isinstance(masked, Masked)
    assert clear == ADDRESS
    colleague = staff(controller, Role.SUPPORT_AGENT, email="colleague@staff.example")
    assert not is_clear(person, colleague)
    assert row.until - row.taken_at == timedelta(minutes=30)


def test_each_opening_under_it_carries_its_id(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    other = another(controller, "john@example.org")
    seen(person, who(agent))
    row = take(person, agent)
    held = [each.identifiers.get(type="email").value for each in (other, person)]
    vault.reveal_many(held, principal=who(agent), purpose="customer_support")
    before, *during = payloads("subject.revealed")
    assert (before["object"], before["rules"], before["details"]["forms"]) == (
        "",
        ["role:support_agent"],
        ["identifier"],
    )
    ref = f"elevation:{row.pk.hex}"
    under = [each for each in during if each["object"] == ref]
    assert [each["rules"] for each in under] == [[ref, "role:support_agent"]]
    assert under[0]["details"]["forms"] == ["clear"]
    assert [each["rules"] for each in during if each not in under] == [["role:support_agent"]]
    (taken,) = payloads("access.elevated")
    assert taken["object"] == ref
    assert taken["subject"] == under[0]["subject"]
    assert taken["details"] == {"reason": "danger", "minutes": 30}
    assert taken["rules"] == ["role:support_agent"]


@pytest.mark.parametrize(("after", "clear"), [(0, True), (29 * 60 + 59, True), (30 * 60, False), (86_400, False)])
def test_it_ends_by_itself(agent: StaffUser, person: DataSubject, after: int, clear: bool) -> None:
    with time_machine.travel(NOON, tick=False):
        row = take(person, agent)
    with time_machine.travel(NOON + timedelta(seconds=after), tick=False):
        assert is_clear(person, agent) is clear
        assert elevation.work() == (0 if clear else 1)
        assert elevation.work() == 0
    ended = payloads("access.elevation_ended")
    assert [each["details"] for each in ended] == ([] if clear else [{"how": "expired"}])
    row.refresh_from_db()
    assert row.ended_at == (None if clear else row.until)


@pytest.mark.parametrize(("minutes", "lasts"), [(5, 5), (60, 60), (600, 60), (0, 1)])
def test_an_hour_is_the_most(agent: StaffUser, person: DataSubject, settings: Any, minutes: int, lasts: int) -> None:
    settings.GOVERNANCE_BREAK_GLASS_MINUTES = minutes
    row = take(person, agent)
    assert row.until - row.taken_at == timedelta(minutes=lasts)


@pytest.mark.parametrize("by_officer", [False, True])
def test_it_is_ended_before_its_time(
    agent: StaffUser, officer: StaffUser, person: DataSubject, *, by_officer: bool
) -> None:
    row = take(person, agent)
    assert is_clear(person, agent)
    elevation.end(row.pk, principal=who(officer if by_officer else agent))
    assert not is_clear(person, agent)
    assert payloads("access.elevation_ended")[0]["details"] == {"how": "by_officer" if by_officer else "by_taker"}
    with pytest.raises(Conflict):
        elevation.end(row.pk, principal=who(agent))


def test_it_ends_with_the_role(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    by = operator(controller.pk.hex)
    take(person, agent)
    assert is_clear(person, agent)
    grants.serve(agent, controller, [Role.AUDITOR], principal=by)  # an auditor never, whatever else they are
    assert not is_clear(person, agent)
    grants.dismiss(agent, controller, [Role.AUDITOR], principal=by)
    assert is_clear(person, agent)
    grants.dismiss(agent, controller, [Role.SUPPORT_AGENT], principal=by)
    with pytest.raises(AccessDenied):
        seen(person, who(agent))


@pytest.mark.parametrize("role", [role for role in STAFF_ROLES if role is not Role.SUPPORT_AGENT])
def test_no_other_role_takes_one(controller: Controller, agent: StaffUser, person: DataSubject, role: Role) -> None:
    other = staff(controller, role)
    with pytest.raises(AccessDenied):
        take(person, other)
    assert payloads("access.denied")[-1]["details"] == {"action": "access:elevate"}
    assert not Elevation.objects.exists()
    assert take(person, agent).pk


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_a_forbid_beats_the_permit(controller: Controller, agent: StaffUser, person: DataSubject, role: Role) -> None:
    grants.serve(agent, controller, [role], principal=operator(controller.pk.hex))
    with pytest.raises(AccessDenied):
        take(person, agent)
    grants.dismiss(agent, controller, [role], principal=operator(controller.pk.hex))
    assert take(person, agent).pk


def test_who_sees_clear_has_no_glass_to_break(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    grants.serve(agent, controller, [Role.PRIVACY_OFFICER], principal=operator(controller.pk.hex))
    with pytest.raises(Conflict, match="already"):
        take(person, agent)


def test_a_superuser_takes_none(person: DataSubject) -> None:
    with pytest.raises(AccessDenied):
        take(person, StaffUser.objects.create_superuser("root@staff.example"))


def test_a_stale_factor_a_made_up_reason_and_an_erased_person(
    controller: Controller, agent: StaffUser, person: DataSubject
) -> None:
    with pytest.raises(AccessDenied):
        take(person, agent, fresh=False)
    assert payloads("access.denied")[-1]["rules"] == ["refuse:stale_factor"]
    with pytest.raises(BadInput):
        take(person, agent, "jane asked me to")
    gone = another(controller, "gone@example.org")
    subjects.erase(gone, principal=operator(controller.pk.hex))
    with pytest.raises(Conflict):
        take(gone, agent)
    assert not Elevation.objects.exists()
    assert take(person, agent).pk


def test_another_controllers_person_and_elevation_do_not_exist(
    controller: Controller, other_controller: Controller, agent: StaffUser, officer: StaffUser, person: DataSubject
) -> None:
    stranger = another(other_controller, "far@example.org")
    far = staff(other_controller, Role.SUPPORT_AGENT, email="far@staff.example")
    with pytest.raises(NotFound):
        take(stranger, agent)
    row = take(stranger, far)
    for principal in (who(agent), who(officer)):
        for pk in (row.pk, uuid4()):
            with pytest.raises(NotFound):
                elevation.end(pk, principal=principal)
            with pytest.raises(NotFound):
                elevation.review(pk, finding="justified", principal=principal)
    row.refresh_from_db()
    assert (row.ended_at, row.reviewed_at) == (None, None)
    # Somebody who works at both: what is taken there counts there.
    grants.serve(far, controller, [Role.SUPPORT_AGENT], principal=operator(controller.pk.hex))
    assert not is_clear(person, far)
    assert take(person, far).controller_id == controller.pk


def test_a_colleague_ends_nothing_of_mine(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    row = take(person, agent)
    colleague = staff(controller, Role.SUPPORT_AGENT, email="colleague@staff.example")
    with pytest.raises(NotFound):
        elevation.end(row.pk, principal=who(colleague))
    with pytest.raises(NotFound):
        elevation.review(row.pk, finding="justified", principal=who(agent))
    assert is_clear(person, agent)


def test_a_second_person_reviews_and_only_then_there_is_another(
    controller: Controller, agent: StaffUser, officer: StaffUser, person: DataSubject
) -> None:
    row = take(person, agent)
    with pytest.raises(Conflict, match="still runs"):
        elevation.review(row.pk, finding="justified", principal=who(officer))
    elevation.end(row.pk, principal=who(agent))
    with pytest.raises(Conflict, match="not reviewed"):
        take(person, agent)
    # Made an officer since: still not the one who reviews it.
    grants.serve(agent, controller, [Role.PRIVACY_OFFICER], principal=operator(controller.pk.hex))
    with pytest.raises(Conflict, match="somebody else"):
        elevation.review(row.pk, finding="justified", principal=who(agent))
    grants.dismiss(agent, controller, [Role.PRIVACY_OFFICER], principal=operator(controller.pk.hex))
    with pytest.raises(BadInput):
        elevation.review(row.pk, finding="jane was glad", principal=who(officer))
    reviewed = elevation.review(row.pk, finding="not_justified", principal=who(officer))
    assert (reviewed.reviewed_by_id, reviewed.finding) == (officer.pk, "not_justified")
    assert payloads("access.elevation_reviewed")[0]["details"] == {"finding": "not_justified"}
    with pytest.raises(Conflict, match="reviewed"):
        elevation.review(row.pk, finding="justified", principal=who(officer))
    assert not is_clear(person, agent)
    assert take(person, agent).pk != row.pk


def test_the_database_itself_refuses_a_review_by_the_same_person(agent: StaffUser, person: DataSubject) -> None:
    row = elevation.end(take(person, agent).pk, principal=who(agent))
    row.reviewed_at, row.reviewed_by, row.finding = row.ended_at, agent, "justified"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_one_that_ran_out_is_closed_by_its_review(agent: StaffUser, officer: StaffUser, person: DataSubject) -> None:
    with time_machine.travel(NOON, tick=False):
        row = take(person, agent)
    with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
        with pytest.raises(Conflict):
            elevation.end(row.pk, principal=who(officer))
        reviewed = elevation.review(row.pk, finding="justified", principal=who(officer))
    assert reviewed.ended_at == row.until
    assert [each["details"] for each in payloads("access.elevation_ended")] == [{"how": "expired"}]


def test_of_two_at_the_same_moment_one_is_taken(controller: Controller, agent: StaffUser, person: DataSubject) -> None:
    """Without the lock both would find nothing that waits for its review."""
    people = [person, another(controller, "john@example.org")]
    start, outcomes = threading.Barrier(2), []

    def run(subject: DataSubject) -> None:
        principal = who(agent)
        start.wait(10)
        try:
            elevation.break_glass(subject, reason="danger", principal=principal, is_factor_fresh=True)
            outcomes.append("taken")
        except Conflict:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused", "taken"]
    assert Elevation.objects.count() == len(payloads("access.elevated")) == 1


def test_the_vault_asks_one_thing_more_of_an_agent_alone(
    officer: StaffUser, agent: StaffUser, person: DataSubject
) -> None:
    take(person, agent)
    sealed = list(person.identifiers.all())
    counts = {}
    for user in (officer, agent):
        principal = who(user)
        with CaptureQueriesContext(connection) as queries:
            vault.reveal_many([each.value for each in sealed], principal=principal, purpose="customer_support")
        counts[user.pk] = sum("governance_elevation" in each["sql"] for each in queries)
    assert counts == {officer.pk: 0, agent.pk: 1}
    assert elevation.running(replace(who(agent), kind="service"), [person.pk]) == {}


@given(roles=st.frozensets(st.sampled_from(list(Role))), label=st.sampled_from(["subject.identifier", "user.content"]))
def test_being_elevated_gives_nothing_to_whom_it_is_not_for(roles: frozenset[Role], label: str) -> None:
    usual, elevated = form_of(roles, label), form_of(roles, label, is_elevated=True)
    may = Role.SUPPORT_AGENT in roles and not roles & {Role.ADMINISTRATOR, Role.AUDITOR}
    assert permits(roles, Action.ACCESS_ELEVATE) is may
    assert elevated is (Form.CLEAR if may else usual)


def test_no_pair_of_staff_roles_slips_past_the_forbid() -> None:
    for some in combinations(STAFF_ROLES, 2):
        if set(some) & {Role.ADMINISTRATOR, Role.AUDITOR}:
            assert not permits(frozenset(some), Action.ACCESS_ELEVATE)
