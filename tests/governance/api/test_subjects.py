"""The subject doors over HTTP: strict input, problem+json, no echo, the same shape for known and unknown."""

import json

import pytest
from django.test import Client

from governance.models import Controller, DataSubject
from governance.policy.vocabulary import Role
from tests.governance.conftest import service

CANARY = "canary.person@example.org"


@pytest.fixture
def door(controller: Controller) -> "Door":
    return Door(service(controller, Role.INTEGRATOR))


class Door:
    def __init__(self, key: str) -> None:
        self.headers = {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: object, **extra: object) -> object:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        kwargs = {"content_type": "application/json", "headers": self.headers} | extra
        return Client().post(path, data, **kwargs)


def who(value: str = CANARY, type_: str = "email") -> dict[str, object]:
    return {"identifiers": [{"type": type_, "value": value}]}


def test_a_restriction_is_placed_and_says_nothing_of_who_is_known(door: Door) -> None:
    person = door.post("/v1/subjects", who()).json()
    placed = door.post("/v1/subjects/restriction", who() | {"ground": "accuracy_contested"})
    nobody = door.post("/v1/subjects/restriction", who("nobody@example.org") | {"ground": "accuracy_contested"})
    assert (placed.status_code, placed.json()) == (200, person)
    assert (nobody.status_code, nobody.json()) == (200, {"subject": None})
    row = DataSubject.objects.get()
    assert (row.status, row.restriction) == ("restricted", "accuracy_contested")
    assert door.post("/v1/subjects/restriction", who() | {"ground": "because"}).status_code == 422


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/subjects/lookup"])
@pytest.mark.parametrize(
    ("type_", "value"),
    [("phone", "12"), ("email", "nobody"), ("email", "\u200b@\u200b"), ("email", "\u00ad@example.org")],
)
def test_an_identifier_nobody_can_be_found_by_is_named_in_its_place(
    door: Door, path: str, type_: str, value: str
) -> None:
    body = {"identifiers": [*who()["identifiers"], *who(value, type_)["identifiers"]]}
    answer = door.post(path, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/identifiers/1/value"]
    assert not DataSubject.objects.exists()


def test_register_then_look_up(door: Door) -> None:
    created = door.post("/v1/subjects", who())
    found = door.post("/v1/subjects/lookup", who(CANARY.upper()))
    unknown = door.post("/v1/subjects/lookup", who("nobody@example.org"))
    assert created.status_code == 201
    assert (found.status_code, unknown.status_code) == (200, 200)
    assert found.json() == created.json()
    assert unknown.json() == {"subject": None}
    assert found["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ("{", 400, None),
        (b"\xff\xfe", 400, None),
        ('{"identifiers": [], "identifiers": []}', 400, None),
        ('{"identifiers": NaN}', 400, None),
        ("[" * 100 + "]" * 100, 400, None),
        ("[]", 422, ""),
        ({}, 422, "/identifiers"),
        ({"identifiers": "x"}, 422, "/identifiers"),
        ({"identifiers": [{"type": "email"}]}, 422, "/identifiers/0/value"),
        ({"identifiers": [{"type": CANARY, "value": "x"}]}, 422, "/identifiers/0/type"),
        ({"identifiers": [{"type": "email", "value": CANARY, "note": CANARY}]}, 422, "/identifiers/0/note"),
        (who() | {"extra": CANARY}, 422, "/extra"),
        (who("not-an-address-canary"), 422, "/identifiers/0/value"),
    ],
)
def test_bad_bodies_are_named_and_not_echoed(door: Door, body: object, status: int, pointer: str | None) -> None:
    response = door.post("/v1/subjects", body)
    problem = response.json()
    assert response.status_code == status, problem
    assert response["Content-Type"] == "application/problem+json"
    assert pointer is None or pointer in [error["pointer"] for error in problem["errors"]]
    assert "canary" not in response.content.decode()
    assert DataSubject.objects.count() == 0


def test_large_bodies_and_other_media_types_are_refused(door: Door) -> None:
    assert door.post("/v1/subjects", "x" * 10_000_000).status_code == 413
    assert door.post("/v1/subjects", "a: b", content_type="text/yaml").status_code == 415


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}])
def test_without_a_key_the_door_stays_shut(controller: Controller, header: dict[str, str]) -> None:
    response = Client().post("/v1/subjects", "{}", content_type="application/json", headers=header)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Content-Type"] == "application/problem+json"


def test_a_key_without_the_right_is_refused(controller: Controller) -> None:
    door = Door(service(controller, Role.CHECKER))
    assert door.post("/v1/subjects", who()).status_code == 403
    assert DataSubject.objects.count() == 0


def test_people_of_another_controller_are_unknown(door: Door, other_controller: Controller) -> None:
    door.post("/v1/subjects", who())
    stranger = Door(service(other_controller, Role.INTEGRATOR))
    assert stranger.post("/v1/subjects/lookup", who()).json() == {"subject": None}
