"""Problems: a database that does not answer shuts every door with 503, and unknown errors show nothing."""

import json

import pytest
from django.db import OperationalError, connection
from django.test import Client

from governance.api.problem import problem
from governance.errors import TooManyRequests
from governance.models import Controller
from governance.policy.vocabulary import Role
from tests.governance.conftest import service

CHECK = {"subject": {"type": "email", "value": "canary@example.org"}, "purpose": "news"}
LOOKUP = {"identifiers": [CHECK["subject"]]}


def _down(*_args: object) -> None:
    raise OperationalError("could not connect to canary-host")


@pytest.mark.parametrize(("path", "body"), [("/v1/consent/check", CHECK), ("/v1/subjects/lookup", LOOKUP)])
def test_a_database_that_is_down_allows_nothing(controller: Controller, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {service(controller, Role.INTEGRATOR)}"}
    call = {"content_type": "application/json", "headers": headers}
    assert Client().post(path, json.dumps(body), **call).status_code == 200
    with connection.execute_wrapper(_down):
        response = Client().post(path, json.dumps(body), **call)
    assert response.status_code == 503
    assert response.json()["code"] == "service.unavailable"
    assert response["Retry-After"] == "60"
    assert "canary" not in response.content.decode()


def test_whoever_asks_too_often_is_told_one_time_to_come_back() -> None:
    """The words of the limit on codes say an hour; a header that says a minute would be obeyed sixty times."""
    assert problem(TooManyRequests("Try again in an hour."))["Retry-After"] == "3600"
