"""Who works here: roles as they count now, since when and by whom, of this controller alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.access import grants
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.governance.conftest import signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller

URL = "/console/settings/staff/"


def test_each_role_is_listed_with_when_and_by_whom(house: Controller, desk: Client) -> None:
    agent = staff(house, Role.SUPPORT_AGENT, Role.ANALYST, email="ag.ent@staff.example")
    page = desk.get(URL)
    text = page.content.decode()
    assert text.count("ag.ent@staff.example") == 2
    assert "the command line" in text
    assert "Break the glass: see one person" in text
    assert Page(page).problems() == []
    grants.dismiss(agent, house, [Role.ANALYST], principal=operator(house.pk.hex))
    assert desk.get(URL).content.decode().count("ag.ent@staff.example") == 1


def test_who_left_or_works_elsewhere_is_not_listed(
    house: Controller, other_controller: Controller, desk: Client
) -> None:
    gone = staff(house, Role.AUDITOR, email="gone@staff.example")
    gone.is_active = False
    gone.save()
    staff(other_controller, Role.AUDITOR, email="far@staff.example")
    text = desk.get(URL).content.decode()
    assert "gone@staff.example" not in text
    assert "far@staff.example" not in text


def test_more_staff_cost_no_more_queries(house: Controller) -> None:
    client = signed_in(staff(house, Role.AUDITOR, email="reader@staff.example"))
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    for number in range(5):
        staff(house, Role.ANALYST, email=f"more{number}@staff.example")
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) <= len(few)
