"""Masks: what they leave, that they leave no more, and that the policy alone says which one is worn."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import vault
from governance.access import principal_of
from governance.errors import AccessDenied, BadInput
from governance.fields import Scope
from governance.models import Controller, LedgerEntry, StaffUser
from governance.policy.forms import FORMS, Form, form_of
from governance.policy.principal import worker
from governance.policy.vocabulary import ALLOWED, Action, AuditType, Role
from governance.vault.masks import MASKS, masked
from tests.governance.conftest import staff

LABEL = "subject.identifier"


@pytest.mark.parametrize(
    ("form", "value", "left"),
    [
        (Form.EMAIL, "jane.doe@example.org", "j••••@••••.org"),
        (Form.EMAIL, "jane@localhost", "j••••@••••"),
        (Form.EMAIL, "a@b.de", "••••@••••.de"),
        (Form.EMAIL, "jo@example.org", "••••@••••.org"),
        (Form.EMAIL, "not an address", "••••"),
        (Form.EMAIL, "@example.org", "••••"),
        (Form.EMAIL, 7, "••••"),
        (Form.IDENTIFIER, "jane.doe@example.org", "j••••@••••.org"),
        (Form.IDENTIFIER, "+49 30 12345678", "••••5678"),
        (Form.LAST_FOUR, "4111 1111 1111 4711", "••••4711"),
        (Form.LAST_FOUR, "1234567", "••••"),
        (Form.LAST_FOUR, 123456784711, "••••4711"),
        (Form.LAST_FOUR, "", "••••"),
        (Form.PARTIAL, "Jane Doe", "J•••• D••••"),
        (Form.PARTIAL, "王 伟", "•••• ••••"),
        (Form.PARTIAL, "王伟", "••••"),
        (Form.PARTIAL, "Bo Lee", "•••• L••••"),
        (Form.PARTIAL, "", "••••"),
        (Form.PARTIAL, ["Jane"], "••••"),
        (Form.YEAR, date(1985, 3, 14), "1985"),
        (Form.YEAR, datetime(1985, 3, 14, tzinfo=UTC), "1985"),
        (Form.YEAR, "1985-03-14", "1985"),
        (Form.YEAR, "14 March 1985", "••••"),
        (Form.RANGE, 37, "30–39"),
        (Form.RANGE, -3, "-10–-1"),
        (Form.RANGE, Decimal("39.99"), "30–39"),
        (Form.RANGE, 999, "990–999"),
        (Form.RANGE, 10115, "10••••"),
        (Form.RANGE, 19850412, "19••••"),
        (Form.RANGE, -10115, "-1••••"),
        (Form.RANGE, Decimal("1999.50"), "••••"),
        (Form.RANGE, "10 115", "10••••"),
        (Form.RANGE, "NL", "••••"),
        (Form.RANGE, True, "••••"),
    ],
)
def test_what_a_mask_leaves(form: Form, value: object, left: str) -> None:
    shown = masked(value, form)
    assert (shown, shown.form) == (left, form)


@given(st.text() | st.binary() | st.integers() | st.dates() | st.booleans() | st.lists(st.text()))
def test_no_mask_shows_more_than_eight_signs_of_a_value(value: object) -> None:
    for form in MASKS:
        shown = masked(value, form)
        if isinstance(value, str) and form is not Form.PARTIAL and form not in {Form.EMAIL, Form.IDENTIFIER}:
            assert len(shown.replace("•", "")) <= 8
        if isinstance(value, list | bytes):
            assert shown == "••••"


@given(st.from_regex(r"[a-z]{3,20}@[a-z]{2,20}\.[a-z]{2,6}", fullmatch=True))
def test_of_an_address_one_letter_and_the_ending_remain(address: str) -> None:
    local, domain = address.split("@")
    assert masked(address, Form.EMAIL) == f"{local[0]}••••@••••.{domain.rsplit('.')[-1]}"


def test_every_mask_that_the_table_names_is_there_and_every_role_of_it_may_view() -> None:
    assert set(MASKS) == set(Form) - {Form.CLEAR}
    assert all(Action.SUBJECT_VIEW in ALLOWED[role] for role in FORMS)


@pytest.mark.parametrize("role", list(Role))
def test_what_no_row_names_is_denied_and_the_right_to_reveal_is_clear(role: Role) -> None:
    clear = Action.SUBJECT_REVEAL in ALLOWED[role]
    for label in ("request.contact", "userland.email", "", "outgoing_mail.body"):
        assert form_of({role}, label) is (Form.CLEAR if clear else None)
    expected = Form.CLEAR if clear or role is Role.VAULT_READER else None
    expected = Form.EMAIL if role is Role.SUPPORT_AGENT else expected
    assert form_of({role}, "user.contact.email") is expected
    assert form_of({role}, "user.contact.email.work") is expected  # the closest beginning speaks for it
    assert form_of({role, Role.PRIVACY_OFFICER}, "user.contact.email") is Form.CLEAR


def test_an_agent_sees_behind_the_mask_what_an_officer_sees_clear(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    held = vault.seal_many([("jane.doe@example.org", LABEL, scope), ("C-1002003", LABEL, scope)])
    shown = {}
    for role in (Role.PRIVACY_OFFICER, Role.SUPPORT_AGENT):
        who = principal_of(staff(controller, role, email=f"{role}@staff.example"))
        values = vault.reveal_many(held, principal=who, purpose="customer_support")
        entry = LedgerEntry.objects.filter(type=AuditType.SUBJECT_REVEALED).latest("id")
        payload = json.loads(entry.payload)
        shown[role] = (values, payload["details"]["forms"], payload["rules"])
    assert shown == {
        Role.PRIVACY_OFFICER: (["jane.doe@example.org", "C-1002003"], ["clear"], ["role:privacy_officer"]),
        Role.SUPPORT_AGENT: (["j••••@••••.org", "••••2003"], ["identifier"], ["role:support_agent"]),
    }


def test_of_other_kinds_an_agent_sees_nothing_and_a_superuser_is_not_exempt(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    held = vault.seal("a diagnosis", label="user.health", scope=scope)
    officer, agent = (
        principal_of(staff(controller, role, email=f"{role}@staff.example"))
        for role in (Role.PRIVACY_OFFICER, Role.SUPPORT_AGENT)
    )
    root = principal_of(StaffUser.objects.create_superuser("root@staff.example"))
    assert vault.reveal(held, principal=officer, purpose="legal_claim") == "a diagnosis"
    for refused in (agent, root):
        with pytest.raises(AccessDenied):
            vault.reveal(held, principal=refused, purpose="customer_support")
        denied = LedgerEntry.objects.latest("id")
        assert denied.type == AuditType.ACCESS_DENIED


def test_what_a_mask_left_is_never_sealed_as_the_value(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    agent = principal_of(staff(controller, Role.SUPPORT_AGENT))
    held = vault.seal("jane.doe@example.org", label=LABEL, scope=scope)
    shown = vault.reveal(held, principal=agent, purpose="customer_support")
    with pytest.raises(BadInput):
        vault.seal(shown, label=LABEL, scope=scope)
    assert vault.reveal(held, principal=worker(scope.controller), purpose="subject_request") == "jane.doe@example.org"
