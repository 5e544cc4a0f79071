"""The breach register's pages: who opens, who decides, who reads; what is typed stays sealed; lists cost the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance import incidents
from governance.models import Incident, IncidentEntry
from governance.policy.principal import operator
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import Controller, DataSubject

SAID = "A list of Jane Canary went to a stranger"


def opened(controller: Controller, *, hours_ago: int = 1) -> Incident:
    at = timezone.now() - timedelta(hours=hours_ago)
    opening = incidents.Opening(kinds=["confidentiality"], noticed_by="staff", noticed_at=at, aware_at=at, what=SAID)
    return incidents.open_incident(controller, opening, principal=operator(controller.pk.hex))


def typed(**more: Any) -> dict[str, Any]:
    at = (timezone.now() - timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M")
    given = {"kinds": ["confidentiality"], "noticed_by": "staff", "noticed_at": at, "aware_at": at, "what": SAID}
    return {**given, **more}


def url(name: str, incident: Incident, *more: Any) -> str:
    return reverse(f"admin:{name}", args=[incident.pk, *more])


@pytest.mark.parametrize(
    ("who", "status"), [("officer", 302), ("administrator", 302), ("auditor", 403), ("no_role", 403)]
)
def test_who_opens(house: Controller, clients: dict[str, Client], who: str, status: int) -> None:
    answer = clients[who].post(reverse("admin:incident_new"), typed())
    assert answer.status_code == status
    assert Incident.objects.count() == (status == 302)


@pytest.mark.parametrize("who", ["administrator", "auditor", "superuser", "no_role"])
def test_only_officers_decide_and_open_texts(house: Controller, clients: dict[str, Client], who: str) -> None:
    incident = opened(house)
    entry = incident.entries.get()
    posted = {"choice": "do_not_tell:risk_unlikely", "why": "x"}
    for name, more in (
        ("incident_authority", ()),
        ("incident_people", ()),
        ("incident_tell", ()),
        ("incident_close", ()),
    ):
        assert clients[who].post(url(name, incident, *more), posted).status_code == 403
    answer = clients[who].post(url("incident_reveal", incident, entry.pk))
    assert answer.status_code == 403
    assert SAID not in answer.content.decode()
    incident.refresh_from_db()
    assert incident.authority_decision == ""
    assert clients["officer"].post(url("incident_authority", incident), posted).status_code == 302
    incident.refresh_from_db()
    assert incident.authority_decision == "do_not_tell"


@pytest.mark.parametrize("who", ["officer", "administrator", "auditor"])
def test_who_reads_sees_codes_and_sealed_texts(house: Controller, clients: dict[str, Client], who: str) -> None:
    incident = opened(house, hours_ago=80)
    shown = clients[who].get(url("incident", incident))
    text = shown.content.decode()
    assert shown.status_code == 200
    assert "overdue" in text
    assert "text · sealed" in text
    assert SAID not in text
    assert Page(shown).problems() == []
    listed = clients[who].get(reverse("admin:incidents"))
    assert incident.reference in listed.content.decode()
    assert Page(listed).problems() == []
    today = clients[who].get("/console/").content.decode()
    assert incident.reference in today
    assert "overdue" in today


def test_a_text_opens_for_an_officer_once(house: Controller, desk: Client) -> None:
    incident = opened(house)
    answer = desk.post(url("incident_reveal", incident, incident.entries.get().pk))
    assert SAID in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert Page(answer).problems() == []
    assert SAID not in desk.get(url("incident", incident)).content.decode()


def test_the_whole_way(house: Controller, desk: Client, person: DataSubject) -> None:
    assert Page(desk.get(reverse("admin:incident_new"))).problems() == []
    made = desk.post(reverse("admin:incident_new"), typed())
    incident = Incident.objects.get()
    assert made.headers["Location"] == url("incident", incident)
    assert desk.post(url("incident_note", incident), {"note": "called"}).status_code == 302
    assert desk.post(url("incident_count", incident), {"by": "everybody"}).status_code == 302
    posted = {"choice": "tell:risk", "why": "it matters"}
    assert desk.post(url("incident_authority", incident), posted).status_code == 302
    letter = {"to": "dpa@example.org", "what": "w", "consequences": "c", "measures": "m"}
    assert desk.post(url("incident_tell", incident), letter).status_code == 302
    posted = {"choice": "do_not_tell:unintelligible", "why": "sealed"}
    assert desk.post(url("incident_people", incident), posted).status_code == 302
    assert Page(desk.get(url("incident", incident))).problems() == []
    assert desk.post(url("incident_close", incident)).status_code == 302
    incident.refresh_from_db()
    assert (incident.persons, incident.closed_at is None) == (1, False)
    assert Page(desk.get(url("incident", incident))).problems() == []
    events = list(IncidentEntry.objects.order_by("at").values_list("event", flat=True))
    assert events == ["opened", "noted", "counted", "decided", "authority_told", "decided", "closed"]


@pytest.mark.parametrize(
    ("name", "posted", "says"),
    [
        ("incident_note", {"note": ""}, "Write something here"),
        ("incident_count", {"by": "reveals"}, "Needed for this way of counting"),
        ("incident_count", {"by": "system"}, "Needed for this way of counting"),
        ("incident_count", {"by": "system", "system": "elsewhere"}, "No system of this controller"),
        ("incident_count", {"by": "key", "key": "0" * 16}, "No living key"),
        ("incident_authority", {"choice": "", "why": ""}, "Choose a decision"),
        ("incident_people", {"choice": "tell:risk", "why": "x"}, "Select a valid choice"),
        ("incident_tell", {"to": "x"}, "valid email"),
    ],
)
def test_what_cannot_be_is_said(house: Controller, desk: Client, name: str, posted: dict[str, str], says: str) -> None:
    incident = opened(house)
    desk.post(url("incident_authority", incident), {"choice": "tell:risk", "why": "x"})
    response = desk.post(url(name, incident), posted)
    assert response.status_code == 200
    assert says in response.content.decode()
    assert Page(response).problems() == []


def test_two_missing_times_are_told_apart(house: Controller, desk: Client) -> None:
    text = desk.post(reverse("admin:incident_new"), typed(noticed_at="", aware_at="22.11.2026 10 Uhr")).content.decode()
    assert "When was it noticed? Give a day and a time" in text
    assert "When was it reasonably certain that personal data were touched? Give a day and a time" in text


def test_breaches_of_another_controller_do_not_exist(
    house: Controller, other_controller: Controller, desk: Client
) -> None:
    theirs = opened(other_controller)
    assert desk.get(url("incident", theirs)).status_code == 404
    assert desk.post(url("incident_note", theirs), {"note": "x"}).status_code == 404
    assert desk.post(url("incident_reveal", theirs, theirs.entries.get().pk)).status_code == 404
    assert theirs.reference not in desk.get(reverse("admin:incidents")).content.decode()


def test_a_long_list_costs_no_more_queries(house: Controller, desk: Client) -> None:
    opened(house)
    page = reverse("admin:incidents")
    desk.get(page)
    with CaptureQueriesContext(connection) as few:
        desk.get(page)
    for _number in range(12):
        opened(house)
    with CaptureQueriesContext(connection) as many:
        assert desk.get(page).content.decode().count("hours left") == 13
    assert len(many) == len(few)
