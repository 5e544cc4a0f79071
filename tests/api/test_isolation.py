"""What belongs to one controller answers another's key or officer exactly as an id that was never given out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client

from dsar.models import SubjectRequest
from governance.access import grants
from governance.models import ChangeLogEntry, Controller, DataSubject, LedgerEntry
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.api.estate import MAP, Estate
from tests.governance.conftest import signed_in, staff
from tests.test_conventions import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse

pytestmark = pytest.mark.django_db

#: Routes whose part in pointed brackets is no id of a controller's thing, each with the reason.
NO_IDS = {
    "accounts/link/<str:token>/": "a secret that signs somebody in: whoever has it is that person",
    "console/(?P<url>.*)$": "the console's page for addresses that do not exist",
}
#: Ids in an address, by the name that the route gives them.
IDS: dict[str, Callable[[Estate], Any]] = {
    "dataset_id": lambda estate: estate.dataset.pk,
    "event_id": lambda estate: estate.event.pk,
    "identifier_id": lambda estate: estate.identifier.pk,
    "request_id": lambda estate: estate.request.pk,
    "subject_id": lambda estate: estate.subject.pk,
    "system_id": lambda estate: estate.system.pk,
}
#: Rows that the console shows, by model.
RECORDS: dict[str, Callable[[Estate], Any]] = {
    "changelogentry": lambda _estate: ChangeLogEntry.objects.order_by("pk")[0].pk,
    "controller": lambda estate: estate.controller.pk,
    "dataset": lambda estate: estate.dataset.pk,
    "privacynotice": lambda estate: estate.notice.pk,
    "purpose": lambda estate: estate.purpose.pk,
    "serviceaccount": lambda estate: estate.account.pk,
    "system": lambda estate: estate.system.pk,
}
#: What a route with an id is sent, where an empty form or body would be refused before the id counts.
BODIES: dict[str, Callable[[Estate], dict[str, Any]]] = {
    "api_request_approve": lambda estate: {"plan_digest": estate.plan_digest},
    "api_request_extend": lambda _estate: {"reason": "complexity"},
    "api_request_refuse": lambda _estate: {"reason": "no_match"},
    "api_request_verify": lambda _estate: {"code": "123456"},
    "dataset_import": lambda estate: {"text": MAP.format(key=f"{estate.slug}_more")},
    "request_approve": lambda estate: {"plan_digest": estate.plan_digest},
    "request_extend": lambda _estate: {"reason": "complexity"},
    "request_refuse": lambda _estate: {"reason": "no_match"},
    "reveal_identifier": lambda _estate: {"purpose": "legal_claim"},
}

#: What a door that creates or looks something up is sent, around one name or identifier of a controller.
NAMED: dict[str, list[Callable[[str], dict[str, Any]]]] = {
    "api_requests": [lambda slug: {"rights": ["access"], "identifiers": [_email(slug)]}],
    "api_systems": [lambda slug: {"key": f"{slug}-db", "name": "Shop", "url": "sqlite:////tmp/none.sqlite3"}],
    "api_datasets": [
        lambda slug: {"system": f"{slug}-db", "yaml": MAP.format(key="any")},
        lambda slug: {"system": "umbrella-db", "yaml": MAP.format(key=f"{slug}_shop")},
    ],
    "consent_check": [
        lambda slug: {"subject": _email(slug), "purpose": "umbrella-news"},
        lambda slug: {"subject": _email("umbrella"), "purpose": f"{slug}-news"},
    ],
    "consent_check_batch": [
        lambda slug: {"checks": [{"subject": _email(slug), "purpose": each} for each in ("umbrella-news", "x")]},
    ],
    "consent_events": [
        lambda slug: _event(slug, "umbrella-news"),
        lambda slug: _event("umbrella", f"{slug}-news"),
        lambda slug: _event("umbrella", "umbrella-news") | {"notice": {"key": f"{slug}-notice", "version": 1}},
    ],
    "consent_history": [
        lambda slug: {"subject": _email(slug)},
        lambda slug: {"subject": _email("umbrella"), "purpose": f"{slug}-news"},
    ],
    "notices": [
        lambda slug: {"key": f"{slug}-notice", "title": "Notice", "text": "Text"},
        lambda slug: {"key": f"{slug}-notice", "title": "Notice", "text": "Text", "translation_of": 1},
    ],
    "purposes": [lambda slug: {"key": f"{slug}-news", "name": "News", "lawful_basis": "consent"}],
    "subject_lookup": [lambda slug: {"identifiers": [_email(slug)]}],
    "subjects": [lambda slug: {"identifiers": [_email(slug)]}],
}


def _email(slug: str) -> dict[str, str]:
    return {"type": "email", "value": f"{slug}.canary@example.org"}


def _event(slug: str, purpose: str) -> dict[str, Any]:
    return {"subject": _email(slug), "purpose": purpose, "state": "given"}


def names_in(route: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def ids_for(route: str, estate: Estate) -> dict[str, Any]:
    """Fill a route. A new kind of id fails here: say above where an estate has one."""
    if route in NO_IDS:
        return {}
    model = route.split("/")[-3] if "<path:object_id>" in route else ""
    known = IDS | ({"object_id": RECORDS[model]} if model else {})
    unknown = [name for name in names_in(route) if name not in known]
    assert not unknown, f"{route} takes ids that this sweep cannot fill: {unknown}"
    return {name: known[name](estate) for name in names_in(route)}


def made_up(ids: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each id alone replaced by one that was never given out, and all of them."""
    fresh = {name: (uuid4() if not isinstance(value, int) else 10**9) for name, value in ids.items()}
    yield fresh
    if len(ids) > 1:
        yield from ({**ids, name: fresh[name]} for name in ids)


def path_of(route: str, ids: dict[str, Any]) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), route)


WITH_IDS = [(route, pattern.name or "") for route, pattern in ROUTES if names_in(route) and route not in NO_IDS]
DOORS = [(route, pattern.name or "") for route, pattern in ROUTES if route.startswith("v1/") and not names_in(route)]


def plain(answer: HttpResponse, *words: Any) -> tuple[int, str, str, str]:
    """An answer without what differs from call to call and without what the caller said itself."""
    text = getattr(answer, "content", b"").decode()
    where = answer.headers.get("Location", "")
    for word in words:
        for form in {str(word), str(word).replace("-", "")}:
            text, where = text.replace(form, "…"), where.replace(form, "…")
    text = re.sub(r'(csrfmiddlewaretoken" value=|urn:request:)"?[\w-]+', "", text)
    return answer.status_code, answer.headers.get("Content-Type", ""), where, text


def call(client: Client, method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> HttpResponse:
    if path.startswith("/v1/"):
        return client.generic(method, path, json.dumps(body), content_type="application/json", headers=headers)
    return getattr(client, method.lower())(path, body, headers=headers)


def callers(estate: Estate, route: str) -> list[tuple[Client, dict[str, str]]]:
    """Who of this controller may try the route: the service with its key, the officer with a session."""
    if not route.startswith("v1/"):
        return [(estate.desk(), {})]
    return [(Client(), estate.headers), (estate.desk(), {})]


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
    grants.serve(both, umbrella.controller, [], principal=operator(umbrella.controller.pk.hex))
    silent = []
    for route, name in WITH_IDS:
        mine = ids_for(route, acme)
        body = BODIES.get(name, lambda _estate: {})(acme)
        clients = [(signed_in(both), {}), *(callers(acme, route) if route.startswith("v1/") else [])]
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


@pytest.mark.parametrize(("route", "name"), DOORS, ids=[route for route, _name in DOORS])
def test_names_and_identifiers_of_another_controller_are_unknown(
    acme: Estate, umbrella: Estate, route: str, name: str
) -> None:
    before = traces(acme)
    assert name in NAMED, f"say what /{route} is sent"
    for body in NAMED[name]:
        theirs, unknown = (
            plain(call(Client(), "POST", f"/{route}", body(slug), umbrella.headers), slug)
            for slug in ("acme", "nobody")
        )
        assert shape(theirs) == shape(unknown)
    assert traces(acme) == before


@pytest.mark.parametrize(
    "route", [route for route, _pattern in ROUTES if not names_in(route) and route.startswith(("v1/", "console/"))]
)
def test_no_list_shows_anything_of_another_controller(acme: Estate, umbrella: Estate, route: str) -> None:
    theirs = [acme.slug, *(value(acme) for value in (*IDS.values(), *list(RECORDS.values())[1:]))]
    for client, headers in callers(umbrella, route):
        text = call(client, "GET", f"/{route}", {}, headers).content.decode()
        assert [word for word in theirs if str(word) in text or str(word).replace("-", "") in text] == []


def test_ids_in_forms_and_queries_are_unknown_too(acme: Estate, umbrella: Estate) -> None:
    desk = umbrella.desk()
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
    text = re.sub(r'"(reference|digest|token)":\s*"[^"]*"', r'"\1": "<made>"', text)
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
