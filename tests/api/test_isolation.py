"""What belongs to one controller answers another's key or officer exactly as an id that was never given out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.test import Client

from dsar.models import SubjectRequest
from governance.access import grants
from governance.models import Controller, DataSubject, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import ALLOWED, Action, Role
from tests.api.calls import BODIES, IDS, NAMED, NO_IDS, RECORDS, call, ids_for, names_in, path_of
from tests.api.test_access import OPERATIONS
from tests.governance.conftest import signed_in, staff
from tests.test_conventions import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from tests.api.estate import Estate

pytestmark = pytest.mark.django_db


def made_up(ids: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each id alone replaced by one that was never given out, and all of them."""
    fresh = {name: (uuid4() if not isinstance(value, int) else 10**9) for name, value in ids.items()}
    yield fresh
    if len(ids) > 1:
        yield from ({**ids, name: fresh[name]} for name in ids)


WITH_IDS = [(route, pattern.name or "") for route, pattern in ROUTES if names_in(route) and route not in NO_IDS]
DOORS = [(route, pattern.name or "") for route, pattern in ROUTES if route.startswith("v1/") and not names_in(route)]

#: What a REST door asks for. In the console another controller is out of view, and nothing of it opens.
DECLARED = {(method, route): action for method, route, _name, action in OPERATIONS}

LISTS = [route for route, _pattern in ROUTES if not names_in(route) and route.startswith(("v1/", "console/"))]


def plain(answer: HttpResponse, *words: Any) -> tuple[int, str, str, str]:
    """An answer without what differs from call to call and without what the caller said itself."""
    text = getattr(answer, "content", b"").decode(errors="replace")
    where = answer.headers.get("Location", "")
    for word in words:
        for form in {str(word), str(word).replace("-", ""), quote(str(word), safe="")}:
            text, where = text.replace(form, "…"), where.replace(form, "…")
    text = re.sub(r'(csrfmiddlewaretoken" value=|urn:request:)"?[\w-]+', "", text)
    return answer.status_code, answer.headers.get("Content-Type", ""), where, text


def callers(estate: Estate, route: str) -> list[tuple[Client, dict[str, str]]]:
    """Who of this controller may try the route: the service with its key, the officer with a session."""
    if route.startswith("accounts/"):
        return [(estate.own_pages, {})]
    if "/glass/" in route:
        return [(estate.agent_desk, {}), (estate.desk, {})]
    if not route.startswith("v1/"):
        return [(estate.desk, {})]
    return [(Client(), estate.headers), (estate.desk, {})]


def test_every_id_of_another_controller_is_as_absent_as_a_made_up_one(acme: Estate, umbrella: Estate) -> None:
    before = traces(acme)
    differing = []
    for route, name in WITH_IDS:
        theirs = ids_for(route, acme)
        body = BODIES.get(name, lambda _estate: {})(acme)
        for client, headers in callers(umbrella, route):
            for method in ("GET", "POST", "PUT", "DELETE"):
                found = plain(call(client, method, path_of(route, theirs), body, headers), *theirs.values())
                for other in made_up(theirs):
                    absent = plain(
                        call(client, method, path_of(route, other), body, headers), *other.values(), *theirs.values()
                    )
                    if found != absent or found[0] < 400:
                        differing.append((method, route, found, absent))
    assert differing == []
    assert traces(acme) == before


def test_the_sweep_asks_for_things_that_are_there(acme: Estate, umbrella: Estate) -> None:
    """Without this the sweep could compare nothing with nothing: to their own people all these ids answer."""
    both = staff(acme.controller, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, email="both@staff.example")
    roles = [Role.PRIVACY_OFFICER, Role.ADMINISTRATOR]
    grants.serve(both, umbrella.controller, roles, principal=operator(umbrella.controller.pk.hex))
    silent = []
    for route, name in WITH_IDS:
        mine = ids_for(route, acme)
        body = BODIES.get(name, lambda _estate: {})(acme)
        clients = [(signed_in(both), {}), *callers(acme, route)]
        answers = set()
        for client, headers in clients:
            for method in ("GET", "POST"):
                found = plain(call(client, method, path_of(route, mine), body, headers), *mine.values())
                fresh = next(made_up(mine))
                absent = plain(call(client, method, path_of(route, fresh), body, headers), *fresh.values())
                answers.add(found != absent)
        if True not in answers:
            silent.append(route)
    assert silent == []


def test_an_officer_here_who_analyses_there_finds_there_what_an_analyst_may(acme: Estate, umbrella: Estate) -> None:
    """Roles are held at a controller: what opens there is what the table gives the role held there, and no more."""
    mixed = staff(umbrella.controller, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, email="mixed@staff.example")
    grants.serve(mixed, acme.controller, [Role.ANALYST], principal=operator(acme.controller.pk.hex))
    client, before = signed_in(mixed), traces(acme)
    switch = {"controller": umbrella.controller.pk.hex}
    assert client.post("/console/controller/", switch).status_code == 302
    opened, wrong = set(), []
    for route, name in WITH_IDS:
        if route.startswith("accounts/"):
            continue
        theirs = ids_for(route, acme)
        body, fresh = BODIES.get(name, lambda _estate: {})(acme), next(made_up(theirs))
        for method in ("GET", "POST"):
            found = plain(call(client, method, path_of(route, theirs), body, {}), *theirs.values())
            absent = plain(call(client, method, path_of(route, fresh), body, {}), *fresh.values(), *theirs.values())
            action = DECLARED.get((method, route))
            if found != absent:
                opened.add(action)
                wrong += [] if action in ALLOWED[Role.ANALYST] else [(method, route, found, absent)]
    assert wrong == []
    assert Action.REQUEST_READ in opened
    assert traces(acme) == before


def test_names_and_identifiers_of_another_controller_are_unknown(acme: Estate, umbrella: Estate) -> None:
    before = traces(acme)
    differing = []
    for route, name in DOORS:
        assert name in NAMED, f"say what /{route} is sent"
        for body in NAMED[name]:
            theirs, unknown = (
                shape(plain(call(Client(), "POST", f"/{route}", body(slug), umbrella.headers), slug))
                for slug in ("acme", "nobody")
            )
            if theirs != unknown:
                differing.append((route, theirs, unknown))
    assert differing == []
    assert traces(acme) == before


def test_no_list_shows_anything_of_another_controller(acme: Estate, umbrella: Estate) -> None:
    of_acme = [acme.slug, acme.slug.title(), *(value(acme) for name, value in IDS.items() if name != "pk")]
    of_acme += [value(acme) for name, value in RECORDS.items() if name != "changelogentry"]
    for route in LISTS:
        for client, headers in callers(umbrella, route):
            text = call(client, "GET", f"/{route}", {}, headers).content.decode()
            shown = [word for word in of_acme if str(word) in text or str(word).replace("-", "") in text]
            assert shown == [], route


def test_ids_in_forms_and_queries_are_unknown_too(acme: Estate, umbrella: Estate) -> None:
    desk = umbrella.desk
    for page, name, value in (
        ("/console/controller/", "controller", acme.controller.pk.hex),
        ("/console/people/", "value", acme.email),
        ("/console/consent/", "value", acme.email),
    ):
        fresh = uuid4().hex if name == "controller" else "nobody@example.org"
        answers = [plain(desk.post(page, {"type": "email", name: each}), each) for each in (value, fresh)]
        assert answers[0] == answers[1]
    for name, value in (("after", acme.event.pk.hex), ("object", f"request:{acme.request.pk.hex}")):
        fresh = value.replace(value[-32:], uuid4().hex)
        answers = [plain(desk.get("/console/ledger/", {name: each}), each) for each in (value, fresh)]
        assert answers[0] == answers[1]


def test_every_route_with_an_id_is_swept() -> None:
    assert len(WITH_IDS) >= 30
    assert set(NO_IDS) <= {route for route, _pattern in ROUTES}
    assert {name for _route, name in DOORS} == set(NAMED)
    assert set(BODIES) <= {name for _route, name in WITH_IDS}


def shape(answer: tuple[int, str, str, str]) -> tuple[int, str, Any]:
    """Status, kind and body, with ids, digests and times replaced: they are new for each thing made."""
    status, kind, _where, text = answer
    text = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "<time>", text)
    text = re.sub(r'"(reference|digest|sealed|token)":\s*"[^"]*"', r'"\1": "<made>"', text)
    return status, kind, re.sub(r'"(ruleset|version)":\s*\d+', r'"\1": 0', text)


def traces(estate: Estate) -> dict[str, Any]:
    """What another controller's calls must not change."""
    controller = estate.controller.pk
    return {
        "ledger": LedgerEntry.objects.filter(controller=controller).count(),
        "requests": list(SubjectRequest.objects.filter(controller=controller).values("pk", "status", "due_at")),
        "people": list(DataSubject.objects.filter(controller=controller).values("pk", "status")),
        "rules": Controller.objects.get(pk=controller).ruleset_version,
    }
