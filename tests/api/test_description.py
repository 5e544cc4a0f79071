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


def test_it_says_what_a_client_generator_needs() -> None:
    raw = SCHEMA.raw_schema
    assert raw["info"]["license"]["identifier"] == "Apache-2.0"
    assert [each["url"] for each in raw["servers"]] == ["/"]
    for operation in operations():
        described = operation.definition.raw
        assert described["summary"], operation.label
        for status, name in {"401": "WWW-Authenticate", "429": "Retry-After", "5XX": "Retry-After"}.items():
            assert status not in described["responses"] or name in described["responses"][status]["headers"]


def test_what_is_one_of_few_words_is_described_so() -> None:
    """What an answer says is as much a promise as what is read: a client branches on it."""
    schemas = SCHEMA.raw_schema["components"]["schemas"]
    closed = {
        "OutcomeOutput": {"outcome"},
        "PastEvent": {"consent_type", "method", "state"},
        "RequestOutput": {"hold_reason", "pause_reason", "refusal_reason", "regime", "status"},
        "RightOutput": {"outcome", "right"},
    }
    for name, fields in closed.items():
        described = schemas[name]["properties"]
        assert all({"$ref", "allOf", "oneOf"} & described[field].keys() for field in fields), name
    assert "enum" in schemas["RequestOutputStatusEnum"]


def test_what_is_always_answered_is_described_so() -> None:
    schemas = SCHEMA.raw_schema["components"]["schemas"]
    for name in ("PublishedPurpose", "ShownNotice", "DatasetOutput"):
        assert set(schemas[name]["required"]) == schemas[name]["properties"].keys()


def test_no_schema_is_named_as_one_of_its_fields() -> None:
    """Generators make a variable of each: in the code of some, one of the two hides the other."""
    schemas = SCHEMA.raw_schema["components"]["schemas"]
    assert not {name for name, each in schemas.items() if name.lower() in each.get("properties", ())}


@pytest.mark.django_db
def test_a_recorded_request_says_where_it_is_read(umbrella: Estate) -> None:
    body = NAMED["api_requests"][0]("fresh")
    headers = umbrella.headers | {"Idempotency-Key": "once"}
    first, again = (call(Client(), "POST", "/v1/requests", body, headers) for _ in range(2))
    assert first["Location"] == again["Location"] == f"/v1/requests/{first.json()['id']}"
    assert Client().get(first["Location"], headers=umbrella.headers).json()["id"] == first.json()["id"]


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
