"""Roles of staff: made by every migration, described as they are, and an administrator who reads no personal data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from governance.policy.vocabulary import ALLOWED, STAFF_ROLES, Action, Role

OPERATING = Path(__file__).resolve().parents[3] / "docs" / "operating.md"


@pytest.mark.django_db
def test_every_role_is_a_group_after_migrating() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {role.value for role in STAFF_ROLES}


@pytest.mark.django_db
def test_migrating_again_adds_what_is_missing_and_nothing_twice() -> None:
    Group.objects.get(name=Role.AUDITOR.value).delete()
    kept = Group.objects.create(name="our_own")
    for _time in range(2):
        call_command("migrate", verbosity=0)
    names = sorted(Group.objects.values_list("name", flat=True))
    assert names == sorted([kept.name, *(role.value for role in STAFF_ROLES)])


def test_the_table_of_rights_is_the_policy() -> None:
    section = OPERATING.read_text().split("\n## Staff\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in section.splitlines() if line[:1] == "|"]
    roles = [Role(name) for name in rows[0][1:]]
    assert roles == list(STAFF_ROLES)
    assert {cell for row in rows[2:] for cell in row[1:]} == {"yes", ""}
    written: dict[Role, set[Action]] = {role: set() for role in roles}
    for name, *cells in rows[2:]:
        for role, cell in zip(roles, cells, strict=True):
            if cell:
                written[role].add(Action(re.sub("`", "", name)))
    assert written == {role: set(ALLOWED[role]) for role in STAFF_ROLES}


def test_an_administrator_neither_finds_nor_opens_people() -> None:
    personal = {Action.SUBJECT_FIND, Action.SUBJECT_REVEAL, Action.CONSENT_READ, Action.REQUEST_READ}
    assert not ALLOWED[Role.ADMINISTRATOR] & personal
    assert Action.CONSOLE_ENTER in ALLOWED[Role.ADMINISTRATOR]
