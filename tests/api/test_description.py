"""The published description: complete, valid, without warnings, and true of what the doors answer."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from requests import Request

from dsar import services, tasks
from dsar.models import SubjectRequest
from governance import subjects
from governance.access import principal_of
from tests.api.calls import BODIES, NAMED, call, ids_for, newest_size, path_of
from tests.api.test_access import OPERATIONS
from tests.api.test_fuzzing import SCHEMA

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.api.estate import Estate

ADDRESSED = [(method, route, name) for method, route, name, _action in OPERATIONS]


def template(route: str) -> str:
    """The route as the description writes it."""
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)


def test_it_is_generated_without_a_warning() -> None:
    said = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null", stderr=said)
    assert said.getvalue() == ""


def test_it_describes_every_door_and_no_other() -> None:
    described = {(operation.method.upper(), operation.path) for operation in operations()}
    assert described == {(method, template(route)) for method, route, _name in ADDRESSED}
    assert SCHEMA.raw_schema["openapi"].startswith("3.1")
    assert set(SCHEMA.raw_schema["components"]["securitySchemes"]) == {"serviceKey", "staffSession"}


@pytest.mark.parametrize(("method", "route", "name"), ADDRESSED)
def test_it_names_the_problems_that_can_happen(method: str, route: str, name: str) -> None:
    raw = SCHEMA.raw_schema["paths"][template(route)][method.lower()]
    expected = {"400", "401", "403", "5XX"}
    expected |= {"413", "415", "422"} if method == "POST" else set()
    expected |= {"404"} if "<" in route else set()
    expected |= {"429"} if name in {"api_requests", "api_request_verify"} else set()
    assert expected <= raw["responses"].keys()
    refusals = {status: answer for status, answer in raw["responses"].items() if status >= "4"}
    assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals.values())
    assert {"serviceKey": []} in raw["security"]


def operations() -> list[Any]:
    return [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "route", "name"), ADDRESSED)
def test_what_is_accepted_is_answered_as_described(umbrella: Estate, method: str, route: str, name: str) -> None:
    client, headers = prepared(umbrella, name)
    body = NAMED[name][0]("fresh") if name in NAMED else BODIES.get(name, lambda _estate: {})(umbrella)
    body = {} if name == "api_request_verify" else body
    answer = call(client, method, path_of(route, ids_for(route, umbrella)), body, headers)
    assert 200 <= answer.status_code < 300, answer.content
    described = SCHEMA.raw_schema["paths"][template(route)][method.lower()]["responses"]
    (kind,) = described[str(answer.status_code)]["content"]
    assert answer["Content-Type"].split(";")[0] == kind
    if kind == "application/json":
        SCHEMA[template(route)][method].validate_response(as_sent(answer))


def as_sent(answer: HttpResponse) -> schemathesis.Response:
    """Django's answer in the form that the checker reads."""
    headers = {name: [value] for name, value in answer.headers.items()}
    asked = Request("POST", "http://testserver/").prepare()
    return schemathesis.Response(answer.status_code, headers, answer.content, request=asked, elapsed=0, verify=False)


def prepared(estate: Estate, name: str) -> tuple[Client, dict[str, str]]:
    """Whoever may call, with the request brought to where this call is in order."""
    if name in {"api_request_package", "api_request_receipt"}:
        approved = services.approve(estate.request, estate.plan_digest, principal=principal_of(estate.officer))
        tasks.work()
        found = SubjectRequest.objects.select_related("controller", "brand", "subject").get(pk=approved.pk)
        services.respond(found, principal=principal_of(estate.officer))
        services.open_package(found, until=timezone.now() + timedelta(minutes=5))
    if name == "api_certificate":
        subjects.release_hold(estate.hold.pk, estate.subject, principal=principal_of(estate.officer))
        reference = f"request:{estate.request.pk.hex}"
        subjects.erase(estate.subject, principal=principal_of(estate.officer), object_ref=reference)
    if name.startswith("audit_"):
        newest_size()
        return estate.desk, {}
    people_only = {"api_request_approve", "api_request_extend", "api_request_plan", "api_request_refuse"}
    return (estate.desk, {}) if name in people_only else (Client(), estate.headers)
