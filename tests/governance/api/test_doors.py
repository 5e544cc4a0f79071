"""Unknown addresses, probes and insecure calls: problems for services, pages for people, nothing in the clear."""

import json

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from governance.models import Controller
from governance.policy.vocabulary import Role
from tests.governance.conftest import service


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1/nonsense", "/v1/requests/not-a-uuid", "/v1/subjects/"])
def test_an_unknown_address_under_v1_is_a_problem(path: str) -> None:
    response = Client().get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert Client().get("/nonsense")["Content-Type"].startswith("text/html")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer_by_address(path: str) -> None:
    assert Client(headers={"host": "10.1.2.3"}).get(path).status_code == 200


def test_a_key_is_not_taken_over_http_where_https_is_asked_for(controller: Controller, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    headers = {"Authorization": f"Bearer {service(controller, Role.CHECKER)}"}
    body = json.dumps({"subject": {"type": "email", "value": "a@example.org"}, "purpose": "news"})
    call = {"content_type": "application/json", "headers": headers}
    insecure = Client().post("/v1/consent/check", body, **call)
    assert (insecure.status_code, insecure.json()["code"]) == (403, "request.insecure")
    assert Client().post("/v1/consent/check", body, secure=True, **call).status_code == 200


def test_a_foreign_host_is_refused_at_the_lean_doors_too(controller: Controller) -> None:
    headers = {"Authorization": f"Bearer {service(controller, Role.CHECKER)}", "host": "evil.example"}
    response = Client().post("/v1/consent/check", "{}", content_type="application/json", headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "request.host")
