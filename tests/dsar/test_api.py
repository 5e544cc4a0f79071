"""The REST doors of requests, systems and datasets: the whole way of a service, bad input, and isolation."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client

from dsar import services
from dsar.models import RequestPackage, SubjectRequest
from governance.models import Controller, Dataset, IdempotencyRecord, System
from governance.policy.vocabulary import Role
from governance.systems import runtime
from tests.dsar.conftest import ANN, NEWS_MAP, STORE_MAP, House, approve, fresh, last_code, work
from tests.governance.conftest import service, signed_in, staff

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.models import DataSubject

pytestmark = pytest.mark.django_db

BODY: dict[str, Any] = {"rights": ["access"], "identifiers": [{"type": "email", "value": ANN}]}


class Caller:
    """A service with its key, or staff with a session."""

    def __init__(self, key: str = "", client: Client | None = None) -> None:
        self.client, self.headers = client or Client(), {"Authorization": f"Bearer {key}"} if key else {}

    def post(self, path: str, body: object, kind: str = "application/json") -> HttpResponse:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(path, data, content_type=kind, headers=self.headers)

    def get(self, path: str) -> HttpResponse:
        return self.client.get(path, headers=self.headers)


@pytest.fixture
def integrator(house: House) -> Caller:
    return Caller(service(house.controller, Role.INTEGRATOR))


@pytest.fixture
def officer(house: House) -> Caller:
    return Caller(client=signed_in(house.officer))


def recorded(integrator: Caller, **more: object) -> dict[str, Any]:
    answer = integrator.post("/v1/requests", BODY | more)
    assert answer.status_code == 201, answer.content
    return answer.json()


def looked_at(integrator: Caller, here: str) -> HttpResponse:
    """What HEAD tells of a copy, without spending one of its downloads."""
    before = integrator.get(here).json()["package"]
    told = integrator.client.head(f"{here}/package", headers=integrator.headers)
    assert (told.status_code, told["Content-Type"], told.getvalue()) == (200, "application/zip", b"")
    assert integrator.get(here).json()["package"] == before
    return told


def test_the_whole_way_of_a_copy(house: House, ann: DataSubject, integrator: Caller, officer: Caller) -> None:
    made = recorded(integrator)
    assert made["status"] == "verifying"
    assert made["rights"][0]["rule"] == "gdpr.answer v1"
    assert made["due_at"].endswith("+00:00")
    here = f"/v1/requests/{made['id']}"
    verified = integrator.post(f"{here}/verify", {"code": last_code(house.controller)})
    assert verified.json()["status"] == "planning"
    work()
    plan = integrator.get(here).json()["plan"]
    assert plan["counts"]["store.customer"]["rows"] == 1
    assert any(sentence.startswith("Copy from store.customer") for sentence in plan["sentences"])
    assert integrator.post(f"{here}/approve", {"plan_digest": plan["digest"]}).status_code == 403
    assert officer.post(f"{here}/approve", {"plan_digest": plan["digest"]}).status_code == 202
    work()
    assert integrator.get(f"{here}/package").status_code == 404
    services.respond(fresh(SubjectRequest.objects.get()), principal=house.principal)
    assert integrator.get(f"{here}/package").status_code == 403  # no fresh code yet
    assert integrator.post(f"{here}/verify", {}).status_code == 202
    assert integrator.post(f"{here}/verify", {"code": last_code(house.controller)}).status_code == 200
    told = looked_at(integrator, here)
    package = integrator.get(f"{here}/package")
    assert all(package[name] == told[name] for name in ("Content-Type", "Content-Disposition", "Content-Length"))
    assert "no-store" in package["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(package.getvalue())) as archive:
        assert ANN in archive.read("data.json").decode()
    stranger = Caller(service(house.controller, Role.INTEGRATOR, name="other-service"))
    assert stranger.get(f"{here}/package").status_code == 404
    RequestPackage.objects.update(attempts_left=0)
    for look in (integrator.client.get, integrator.client.head):
        assert look(f"{here}/package", headers=integrator.headers).status_code == 410


def test_where_no_copy_was_asked_for_no_code_is_either(
    house: House, ann: DataSubject, integrator: Caller, officer: Caller
) -> None:
    """Another code and another would open nothing."""
    here = f"/v1/requests/{recorded(integrator, rights=['erasure'])['id']}"
    integrator.post(f"{here}/verify", {"code": last_code(house.controller)})
    work()
    digest = integrator.get(here).json()["plan"]["digest"]
    assert officer.post(f"{here}/approve", {"plan_digest": digest}).status_code == 202
    work()
    services.respond(fresh(SubjectRequest.objects.get()), principal=house.principal)
    answer = integrator.get(f"{here}/package")
    assert (answer.status_code, answer.json()["detail"]) == (404, "No copy was asked for")


def test_the_first_part_of_an_answer_is_fetched_like_the_whole(
    house: House, ann: DataSubject, integrator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    here = f"/v1/requests/{recorded(integrator)['id']}"
    integrator.post(f"{here}/verify", {"code": last_code(house.controller)})
    work()
    house.news.rename(house.news.with_suffix(".away"))
    request = SubjectRequest.objects.get()
    approve(house, request)
    work()
    services.go_without(fresh(request), "supplement", principal=house.principal)
    work()
    assert integrator.get(f"{here}/package").status_code == 404  # nobody has sent it yet
    services.respond(fresh(request), principal=house.principal)
    integrator.post(f"{here}/verify", {})
    integrator.post(f"{here}/verify", {"code": last_code(house.controller)})
    part = integrator.get(f"{here}/package")
    assert part.status_code == 200
    with zipfile.ZipFile(io.BytesIO(part.getvalue())) as archive:
        assert json.loads(archive.read("data.json"))["not_reached"] == ["News"]


def test_a_repeated_call_records_one_request(house: House, integrator: Caller) -> None:
    integrator.headers["Idempotency-Key"] = "order-4711"
    first, again = recorded(integrator), recorded(integrator)
    assert first == again
    assert SubjectRequest.objects.count() == 1
    # The process died after the work and before the answer was kept.
    IdempotencyRecord.objects.all().delete()
    assert recorded(integrator)["id"] == first["id"]
    assert SubjectRequest.objects.count() == 1
    other = integrator.post("/v1/requests", BODY | {"rights": ["erasure"]})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.mismatch")


def test_refuse_extend_withdraw_and_plan(house: House, ann: DataSubject, integrator: Caller, officer: Caller) -> None:
    first = f"/v1/requests/{recorded(integrator)['id']}"
    assert integrator.post(f"{first}/refuse", {"reason": "no_match"}).status_code == 403
    assert officer.post(f"{first}/extend", {"reason": "complexity"}).status_code == 409  # nobody has proven it yet
    integrator.post(f"{first}/verify", {"code": last_code(house.controller)})
    assert officer.post(f"{first}/extend", {"reason": "complexity"}).json()["rights"][0]["extended_until"]
    assert officer.post(f"{first}/extend", {"reason": "complexity"}).status_code == 409
    assert officer.post(f"{first}/refuse", {"reason": "no_match"}).json()["status"] == "refused"
    second = f"/v1/requests/{recorded(integrator)['id']}"
    integrator.post(f"{second}/verify", {"code": last_code(house.controller)})
    work()
    before = integrator.get(second).json()["plan"]["digest"]
    assert officer.post(f"{second}/plan", {}).status_code == 202
    work()
    assert integrator.get(second).json()["plan"]["digest"] == before  # the same map and rows, the same plan
    assert integrator.post(f"{second}/withdraw", {}).json()["status"] == "withdrawn"
    assert officer.post(f"{second}/approve", {"plan_digest": before}).status_code == 409


def test_only_the_plan_that_was_read_can_be_approved(house: House, integrator: Caller, officer: Caller) -> None:
    here = f"/v1/requests/{recorded(integrator)['id']}"
    assert officer.post(f"{here}/approve", {"plan_digest": "0" * 64}).status_code == 409
    integrator.post(f"{here}/verify", {"code": last_code(house.controller)})
    work()
    refused = officer.post(f"{here}/approve", {"plan_digest": "0" * 64})
    assert (refused.status_code, refused.json()["code"]) == (409, "state.conflict")


def test_staff_sessions_need_the_csrf_token(house: House, integrator: Caller) -> None:
    here = f"/v1/requests/{recorded(integrator)['id']}"
    client = signed_in(house.officer, Client(enforce_csrf_checks=True))
    assert Caller(client=client).post(f"{here}/refuse", {"reason": "other"}).status_code == 403


def test_a_foreign_request_is_as_absent_as_none(house: House, integrator: Caller) -> None:
    other = Controller.objects.create(slug="other", name="Other")
    stranger = Caller(service(other, Role.INTEGRATOR))
    foreign_officer = signed_in(staff(other, Role.PRIVACY_OFFICER, email="other@staff.example"))
    mine = recorded(integrator)["id"]
    for path, body in (("", None), ("/verify", {"code": "1"}), ("/withdraw", {}), ("/package", None)):
        answers = []
        for request_id in (mine, uuid4()):
            where = f"/v1/requests/{request_id}{path}"
            answer = stranger.get(where) if body is None else stranger.post(where, body)
            answers.append((answer.status_code, {k: v for k, v in answer.json().items() if k != "instance"}))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    for verb, body in (("approve", {"plan_digest": "0" * 64}), ("refuse", {"reason": "other"})):
        assert Caller(client=foreign_officer).post(f"/v1/requests/{mine}/{verb}", body).status_code == 404


@pytest.mark.parametrize("role", [Role.CHECKER, Role.COLLECTOR])
def test_other_roles_stay_outside(house: House, role: Role, integrator: Caller) -> None:
    caller = Caller(service(house.controller, role, name="outsider"))
    made = recorded(integrator)
    assert caller.post("/v1/requests", BODY).status_code == 403
    assert caller.get(f"/v1/requests/{made['id']}").status_code == 403
    assert Caller().get(f"/v1/requests/{made['id']}").status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/rights"),
        ({"rights": []}, "/rights"),
        ({"rights": ["everything"]}, "/rights/0"),
        ({"rights": "access"}, "/rights"),
        ({"identifiers": []}, "/identifiers"),
        ({"identifiers": [{"type": "shoe_size", "value": "43"}]}, "/identifiers/0/type"),
        ({"identifiers": [{"type": "customer_id", "value": "1"}]}, "/identifiers"),
        ({"identifiers": [{"type": "email", "value": "canary@x\x00"}]}, "/identifiers/0/value"),
        ({"regime": "MARTIAN"}, "/regime"),
        ({"language": "klingon!"}, "/language"),
        ({"received_at": "yesterday"}, "/received_at"),
        ({"received_at": "2999-01-01T00:00:00+00:00"}, "/received_at"),
        ({"received_at": "1999-01-01T00:00:00+00:00"}, "/received_at"),
        ({"surprise": 1}, "/surprise"),
    ],
    ids=str,
)
def test_bad_input_names_the_field_and_echoes_nothing(
    integrator: Caller, body: dict[str, object], pointer: str
) -> None:
    answer = integrator.post("/v1/requests", (BODY | body) if body else {})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert "canary" not in answer.content.decode()
    assert "klingon" not in answer.content.decode()
    assert not SubjectRequest.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'"text"', 422), (b"[]", 422), (b"\xff", 400), (b"x" * 2_000_000, 413)],
    ids=["broken", "text", "list", "not-utf8", "large"],
)
def test_bodies_that_are_no_object(integrator: Caller, body: bytes, status: int) -> None:
    assert integrator.post("/v1/requests", body).status_code == status


def test_an_address_that_is_none_is_refused(integrator: Caller) -> None:
    named = [{"type": "phone", "value": "as the person said it"}, {"type": "email", "value": "no"}]
    answer = integrator.post("/v1/requests", {"rights": ["access"], "identifiers": named})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/identifiers/1/value"]


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "2026-01-01", "0001-01-01T00:00:00+14:00"])
def test_the_moment_that_starts_the_clock_is_never_guessed(integrator: Caller, at: str) -> None:
    answer = integrator.post("/v1/requests", BODY | {"received_at": at})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/received_at")


def test_a_service_registers_a_system_and_describes_it(house: House, integrator: Caller) -> None:
    made = integrator.post("/v1/systems", {"key": "third", "name": "Third", "url": f"sqlite:///{house.news}"})
    assert made.status_code == 201
    assert "url" not in made.json()
    described = NEWS_MAP.replace("fides_key: news", "fides_key: third")
    answer = integrator.post("/v1/datasets", {"system": "third", "yaml": described})
    assert answer.status_code == 201, answer.content
    assert answer.json()["datasets"][0]["key"] == "third"
    as_yaml = integrator.post("/v1/datasets?system=third", described, kind="text/yaml")
    assert (as_yaml.status_code, as_yaml.json()["datasets"][0]["version"]) == (201, 1)  # unchanged
    taken = integrator.post("/v1/datasets", {"system": "news", "yaml": described})
    assert taken.status_code == 409


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataset: [", "not valid YAML"),
        ("{}", "describes nothing"),
        (STORE_MAP.replace("name: invoice", "name: bill").replace("invoice.", "bill."), "no table bill"),
        (STORE_MAP.replace("name: note", "name: remark"), "no column remark"),
        (STORE_MAP.replace("store, field: customer.id", "store, field: client.id"), "client"),
    ],
    ids=["broken", "empty", "table", "column", "reference"],
)
def test_a_bad_description_is_refused_with_the_place(house: House, integrator: Caller, text: str, said: str) -> None:
    before = Dataset.objects.get(key="store").digest
    answer = integrator.post("/v1/datasets", {"system": "store", "yaml": text})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Dataset.objects.get(key="store").digest == before


def test_a_system_that_does_not_answer_is_described_with_a_warning(house: House, integrator: Caller) -> None:
    house.store.unlink()
    answer = integrator.post("/v1/datasets", {"system": "store", "yaml": STORE_MAP + "\n"})
    assert answer.status_code == 201
    assert any("not compared" in warning for warning in answer.json()["warnings"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"key": "Not A Key"}, "/key"),
        ({"url": "gopher://canary:secret@host/db"}, "/url"),
        ({"url": ""}, "/url"),
        ({"name": ""}, "/name"),
    ],
    ids=str,
)
def test_a_bad_system_is_refused_by_field(integrator: Caller, body: dict[str, str], pointer: str) -> None:
    before = System.objects.count()
    answer = integrator.post("/v1/systems", {"key": "k", "name": "N", "url": "sqlite:////tmp/x.sqlite3"} | body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert "secret" not in answer.content.decode()
    assert System.objects.count() == before
