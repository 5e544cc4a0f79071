"""Every console page for every kind of visitor, the policy that browsers enforce, and what never stands on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from governance.models import Alert, DataSubject, Incident, LedgerEntry, ServiceAccount, StaffUser
from tests.governance.console.conftest import PEOPLE, Page
from tests.governance.console.test_alarms import alert
from tests.governance.console.test_incidents import opened

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller

# page → status for: anonymous, no role, officer, auditor, administrator, superuser without a role
GET = {
    "index": (302, 403, 200, 200, 200, 403),
    "people": (302, 403, 200, 403, 403, 403),
    "person": (302, 403, 200, 403, 403, 403),
    "reveal_identifier": (302, 403, 405, 403, 403, 403),
    "verify_identifier": (302, 403, 200, 403, 403, 403),
    "systems": (302, 403, 200, 200, 200, 403),
    "own_systems": (302, 403, 403, 403, 403, 403),
    "system": (302, 403, 200, 200, 200, 403),
    "system_own": (302, 403, 405, 403, 405, 403),
    "system_disown": (302, 403, 405, 403, 405, 403),
    "system_new": (302, 403, 200, 403, 200, 403),
    "dataset": (302, 403, 200, 200, 200, 403),
    "dataset_import": (302, 403, 200, 403, 403, 403),
    "ledger": (302, 403, 200, 200, 200, 403),
    "ledger_find": (302, 403, 405, 405, 405, 403),
    "person_ledger": (302, 403, 200, 403, 403, 403),
    "event": (302, 403, 200, 200, 200, 403),
    "settings": (302, 403, 200, 200, 200, 403),
    "staff": (302, 403, 200, 200, 200, 403),
    "mailbox": (302, 403, 200, 403, 403, 403),
    "switch_controller": (302, 403, 405, 405, 405, 403),
    "turn_clock": (302, 403, 405, 405, 405, 403),
    "hold_place": (302, 403, 405, 403, 403, 403),
    "hold_release": (302, 403, 405, 403, 403, 403),
    "erasure_undo": (302, 403, 405, 403, 403, 403),
    "restriction_place": (302, 403, 405, 403, 403, 403),
    "restriction_lift": (302, 403, 405, 403, 403, 403),
    "glass_break": (302, 403, 403, 403, 403, 403),
    "glass_leave": (302, 403, 405, 403, 403, 403),
    "elevations": (302, 403, 200, 403, 403, 403),
    "elevation_end": (302, 403, 405, 403, 403, 403),
    "elevation_review": (302, 403, 405, 403, 403, 403),
    "alarms": (302, 403, 200, 200, 200, 403),
    "alarm": (302, 403, 200, 200, 200, 403),
    "alarm_rules": (302, 403, 200, 403, 403, 403),
    "incidents": (302, 403, 200, 200, 200, 403),
    "incident_new": (302, 403, 200, 403, 200, 403),
    "incident": (302, 403, 200, 200, 200, 403),
    "incident_note": (302, 403, 405, 403, 405, 403),
    "incident_count": (302, 403, 405, 403, 405, 403),
    "incident_authority": (302, 403, 405, 403, 403, 403),
    "incident_people": (302, 403, 405, 403, 403, 403),
    "incident_tell": (302, 403, 405, 403, 403, 403),
    "incident_close": (302, 403, 405, 403, 403, 403),
    "incident_reveal": (302, 403, 405, 403, 403, 403),
    "governance_controller_changelist": (302, 403, 200, 200, 200, 403),
    "governance_purpose_changelist": (302, 403, 200, 200, 200, 403),
    "governance_system_changelist": (302, 403, 200, 200, 200, 403),
    "governance_dataset_changelist": (302, 403, 200, 200, 200, 403),
    "governance_serviceaccount_changelist": (302, 403, 200, 200, 200, 403),
    "governance_changelogentry_changelist": (302, 403, 200, 200, 200, 403),
    "governance_controller_change": (302, 403, 200, 200, 200, 403),
    "governance_purpose_change": (302, 403, 200, 200, 200, 403),
    "governance_system_change": (302, 403, 200, 200, 200, 403),
    "governance_dataset_change": (302, 403, 200, 200, 200, 403),
    "governance_serviceaccount_change": (302, 403, 200, 200, 200, 403),
    "governance_changelogentry_change": (302, 403, 200, 200, 200, 403),
}


def url_of(name: str, house: Controller) -> str:
    """The address of a page, with the ids of what stands in the house."""
    person = DataSubject.objects.get()
    system = house.systems.get()
    arguments = {
        **_late_arguments(name, house, person),
        "person": [person.pk],
        "reveal_identifier": [person.pk, person.identifiers.get(type="email").pk],
        "verify_identifier": [person.pk, person.identifiers.get(type="customer_id").pk],
        "dataset": [house.datasets.get().pk],
        "dataset_import": [system.pk],
        "system": [system.pk],
        "system_own": [system.pk],
        "system_disown": [system.pk],
        "person_ledger": [person.pk],
        "event": [LedgerEntry.objects.order_by("-recorded_at").first().pk],
        "governance_controller_change": [house.pk],
        "governance_purpose_change": [house.purposes.get().pk],
        "governance_system_change": [system.pk],
        "governance_dataset_change": [house.datasets.get().pk],
        "governance_serviceaccount_change": [ServiceAccount.objects.get().pk],
        "governance_changelogentry_change": [admin.site._registry and _diary_id()],
    }
    return reverse(f"admin:{name}", args=arguments.get(name, []))


def _late_arguments(name: str, house: Controller, person: DataSubject) -> dict[str, list[Any]]:
    """What only the page that is asked for needs: a breach, an alarm, a hold."""
    if name.startswith("incident"):
        incident = Incident.objects.first() or opened(house)
        return {
            "incident_reveal": [incident.pk, incident.entries.first().pk],
            **({} if name in {"incidents", "incident_new", "incident_reveal"} else {name: [incident.pk]}),
        }
    if name == "alarm":
        return {name: [(Alert.objects.first() or alert(house, StaffUser.objects.first())).pk]}
    # Whatever the id: these pages answer no GET, and to nobody else anything at all.
    if name.startswith(("glass_", "elevation_", "restriction_")):
        return {name: [person.pk]}
    return {"hold_place": [person.pk], "hold_release": [person.pk, uuid4()], "erasure_undo": [person.pk, uuid4()]}


def _diary_id() -> int:
    from governance.models import ChangeLogEntry

    return ChangeLogEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]


@pytest.mark.parametrize("name", GET)
def test_each_page_opens_for_whom_it_is_meant(name: str, house: Controller, clients: dict[str, Client]) -> None:
    url = url_of(name, house)
    found = tuple(clients[who].get(url).status_code for who in PEOPLE)
    assert found == GET[name]


def test_every_kernel_page_of_the_console_is_in_the_table() -> None:
    names = set(_names(get_resolver().url_patterns))
    ours = {name for name in names if not name.startswith(("consent", "dsar", "request", "login", "logout"))}
    assert ours <= set(GET) | {"login", "logout"}


def _names(patterns: list[URLPattern | URLResolver], inside: bool = False) -> list[str]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _names(pattern.url_patterns, inside or pattern.namespace == "admin")
        elif inside and pattern.name:
            found.append(pattern.name)
    return found


@pytest.mark.parametrize("name", [name for name, statuses in GET.items() if statuses[2] == 200])
def test_no_page_needs_inline_style_or_script(name: str, house: Controller, desk: Client) -> None:
    response = desk.get(url_of(name, house))
    policy = response.headers["Content-Security-Policy"]
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    page = Page(response)
    assert page.problems() == []
    assert page.scripts == []  # not even a file: nothing in the console needs one


@pytest.mark.parametrize("name", [name for name, statuses in GET.items() if statuses[2] == 200])
def test_no_page_shows_a_sealed_value(name: str, house: Controller, desk: Client) -> None:
    text = desk.get(url_of(name, house)).content.decode()
    assert "jane.doe@example.org" not in text
    assert "shop.sqlite3" not in text


def test_strangers_come_back_after_sign_in(house: Controller, clients: dict[str, Client]) -> None:
    response = clients["anonymous"].get("/console/systems/")
    assert response.headers["Location"] == "/accounts/login/?next=/console/systems/"


def test_a_refused_page_is_noted_in_the_ledger(house: Controller, clients: dict[str, Client]) -> None:
    before = LedgerEntry.objects.filter(type="access.denied").count()
    assert clients["auditor"].get("/console/people/").status_code == 403
    assert clients["superuser"].get("/console/").status_code == 403
    assert LedgerEntry.objects.filter(type="access.denied").count() == before + 2


@pytest.mark.parametrize("name", [name for name in GET if name.startswith("governance_")])
@pytest.mark.parametrize("who", ["officer", "administrator", "superuser"])
def test_records_refuse_every_write(name: str, who: str, house: Controller, clients: dict[str, Client]) -> None:
    url = url_of(name, house)
    for method in ("post", "put", "patch", "delete"):
        assert getattr(clients[who], method)(url).status_code in {403, 405}


@pytest.mark.parametrize("path", ["add/", "1/delete/", "1/history/", "1/change/"])
def test_records_have_no_other_doors(path: str, house: Controller, desk: Client) -> None:
    assert desk.get(f"/console/records/governance/purpose/{path}").status_code == 404


def test_libraries_put_no_writable_pages_into_the_console() -> None:
    from governance.console.readonly import ReadOnlyAdmin

    assert admin.site._registry
    assert all(isinstance(each, ReadOnlyAdmin) for each in admin.site._registry.values())
