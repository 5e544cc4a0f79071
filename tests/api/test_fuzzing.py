"""Made-up calls to every operation of the description: no failure of ours, and no answer that is not described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from tests.api.estate import MAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.estate import Estate

pytestmark = pytest.mark.django_db

CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 1,
        "generation": {
            "max-examples": 25,
            "deterministic": True,
            "database": "none",
            "no-shrink": True,
            "with-security-parameters": False,  # made-up keys are for test_access.py
        },
        "checks": {
            # The description cannot say that an address must be one, or that a purpose must exist.
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422],
            },
        },
    }
)
SCHEMA = schemathesis.openapi.from_wsgi("/schema/", get_wsgi_application(), config=CONFIG)


@pytest.fixture(autouse=True)
def _connections_are_closed_again() -> Iterator[None]:
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def session(acme: Estate) -> dict[str, dict[str, str]]:
    """The officer's session, as a browser's script would send it."""
    desk = acme.desk
    desk.get("/console/people/")  # a page with a form sets the token
    cookies = {name: morsel.value for name, morsel in desk.cookies.items()}
    token = next(value for name, value in cookies.items() if name.endswith("cxg_csrf"))
    return {"cookies": cookies, "headers": {"X-CSRFToken": token}}


def within_reach(case: Any, estate: Estate) -> None:
    """Let every second well-formed call name things that are there: otherwise nothing behind the reading is reached."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if "request_id" in case.path_parameters and case.path_parameters["request_id"][0] in "02468ace":
        case.path_parameters["request_id"] = str(estate.request.pk)
    body = case.body
    if isinstance(body, dict) and len(str(body)) % 2:
        known = {
            "plan_digest": estate.plan_digest,
            "purpose": estate.purpose.key,
            "system": estate.system.key,
            "url": "sqlite:////tmp/none.sqlite3",
            "yaml": MAP.format(key="fuzzed"),
        }
        body |= {name: value for name, value in known.items() if name in body}
        for person in [body.get("subject"), *body.get("identifiers", [])]:
            if isinstance(person, dict) and person.get("type") == "email":
                # Not one address for all: codes to one are limited.
                person["value"] = estate.email if "subject" in body else f"{len(str(body))}@example.org"


def check(case: Any, **more: dict[str, str]) -> None:
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # as Django's own test client: the connection is the test's
    response = case.call(**more)
    # Its second call without credentials would still carry the cookies of the first.
    unfit = [ignored_auth] if "cookies" in more else []
    case.validate_response(response, headers=more["headers"], excluded_checks=unfit)


@SCHEMA.parametrize()
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_a_service_gets_described_answers_to_any_call(case: Any, acme: Estate) -> None:
    within_reach(case, acme)
    check(case, headers=acme.headers)


@SCHEMA.include(path_regex="^/v1/requests/").parametrize()
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_an_officer_gets_described_answers_to_any_call(
    case: Any, acme: Estate, session: dict[str, dict[str, str]]
) -> None:
    within_reach(case, acme)
    check(case, **session)
