"""The description at /schema/ holds every consent door, and what the lean doors answer fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from django.test import Client

from consent.api import parsing

if TYPE_CHECKING:
    from tests.consent.conftest import Caller


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client().get("/schema/")
    assert response.status_code == 200
    return yaml.safe_load(response.content)


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [
        ("/v1/consent/check", "post", "check_consent"),
        ("/v1/consent/check/batch", "post", "check_consents"),
        ("/v1/consent/events", "post", "record_consent_event"),
        ("/v1/consent/history", "post", "read_consent_history"),
        ("/v1/purposes", "get", "list_purposes"),
        ("/v1/purposes", "post", "create_purpose"),
        ("/v1/notices", "get", "list_notices"),
        ("/v1/notices", "post", "publish_notice"),
    ],
)
def test_every_consent_door_is_described(schema: dict[str, Any], path: str, method: str, operation: str) -> None:
    described = schema["paths"][path][method]
    assert described["operationId"] == operation
    assert described["security"] == [{"serviceKey": []}]
    assert {"401", "403", "5XX"} <= described["responses"].keys()
    assert schema["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    found = references(schema)
    assert found
    assert {each.rsplit("/", 1)[1] for each in found} <= schema["components"]["schemas"].keys()


def test_questions_and_answers_fit_their_description(schema: dict[str, Any], caller: Caller) -> None:
    schemas = schema["components"]["schemas"]
    assert schemas["Check"]["properties"].keys() == parsing._READERS.keys()  # noqa: SLF001  # the door's own list
    assert set(schemas["Check"]["required"]) == parsing._REQUIRED  # noqa: SLF001  # likewise
    for name, pattern in (("purpose", parsing._SLUG), ("channel", parsing._CHANNEL)):  # noqa: SLF001  # likewise
        assert schemas["Check"]["properties"][name]["pattern"] == f"^{pattern.pattern}$"
    for name in ("fields", "signals"):
        assert schemas["Check"]["properties"][name]["items"]["pattern"] == f"^{parsing._WORD.pattern}$"  # noqa: SLF001
    caller.record()
    for answer in (caller.check(), caller.check("nobody@example.org")):
        assert (
            set(schemas["ConsentDecision"]["required"])
            <= answer.keys()
            <= schemas["ConsentDecision"]["properties"].keys()
        )
    problem = caller.post("/v1/consent/check", {}).json()
    assert set(schemas["Problem"]["required"]) <= problem.keys() <= schemas["Problem"]["properties"].keys()
