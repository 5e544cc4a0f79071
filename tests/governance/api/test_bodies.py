"""Bodies as foreign clients send them: of unstated length, announced too large, or compressed. None is lost."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from governance.api import bodies
from governance.policy.vocabulary import Role
from tests.governance.conftest import service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.models import Controller

CHECK = json.dumps({"subject": {"type": "email", "value": "a@example.org"}, "purpose": "news"}).encode()
LOOKUP = json.dumps({"identifiers": [{"type": "email", "value": "a@example.org"}]}).encode()
DOORS = [("/v1/consent/check", CHECK), ("/v1/subjects/lookup", LOOKUP)]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _the_connection_is_the_tests_own() -> Iterator[None]:
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Stream(BytesIO):
    """What a server hands on; it counts what is taken of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def sent(controller: Controller, path: str, body: Stream, **environ: Any) -> tuple[int, dict[str, Any]]:
    """Answer what a WSGI server would get for a call."""
    statuses: list[str] = []
    key = service(controller, Role.INTEGRATOR, name=uuid4().hex)
    asked = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "testserver", "SERVER_PORT": "80",
        "HTTP_HOST": "testserver", "HTTP_AUTHORIZATION": f"Bearer {key}",
        "CONTENT_TYPE": "application/json", "wsgi.input": body, "wsgi.input_terminated": True,
        "wsgi.url_scheme": "http",
    }  # fmt: skip
    told = bodies.measured(WSGIHandler())(asked | environ, lambda status, _headers: statuses.append(status))
    return int(statuses[0].split()[0]), json.loads(b"".join(told))


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_a_body_of_unstated_length_is_read(controller: Controller, path: str, body: bytes) -> None:
    assert sent(controller, path, Stream(body), HTTP_TRANSFER_ENCODING="chunked")[0] == 200
    assert sent(controller, path, Stream(body), CONTENT_LENGTH="")[0] == 200


def test_no_more_of_it_is_taken_than_a_door_reads(controller: Controller, settings: Any) -> None:
    for path, _body in DOORS:
        stream = Stream(b" " * 5_000_000)
        assert sent(controller, path, stream)[0] == 413
        assert stream.taken == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1


def test_a_server_that_does_not_end_the_stream_is_not_waited_for(controller: Controller) -> None:
    stream = Stream(LOOKUP)
    assert sent(controller, "/v1/subjects/lookup", stream, **{"wsgi.input_terminated": False})[0] == 422
    assert stream.taken == 0


@pytest.mark.parametrize(("path", "body"), DOORS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"CONTENT_LENGTH": "99999999999"}, 413), ({"HTTP_CONTENT_ENCODING": "gzip"}, 415)],
    ids=["large", "compressed"],
)
def test_what_its_headers_rule_out_is_not_read(
    controller: Controller, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    stream = Stream(body)
    answered, problem = sent(controller, path, stream, **({"CONTENT_LENGTH": str(len(body))} | headers))
    assert (answered, problem["status"], stream.taken) == (status, status, 0)


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_identity_is_no_encoding(controller: Controller, path: str, body: bytes) -> None:
    assert sent(controller, path, Stream(body), HTTP_CONTENT_ENCODING="Identity")[0] == 200


@pytest.mark.parametrize("length", [None, "15"], ids=["unstated", "cut off"])
def test_yaml_is_taken_only_where_its_end_is_certain(controller: Controller, length: str | None) -> None:
    """Half of it is YAML too, and a lost connection ends the stream as the end of the body does."""
    stated = {} if length is None else {"CONTENT_LENGTH": length}
    kind = {"CONTENT_TYPE": "text/yaml", "QUERY_STRING": "system=shop"}
    status, problem = sent(controller, "/v1/datasets", Stream(b"dataset: []\n"), **kind, **stated)
    assert (status, "Content-Length" in problem["detail"]) == (422, True)
    _, problem = sent(controller, "/v1/datasets", Stream(b"dataset: []\n"), **kind, CONTENT_LENGTH="12")
    assert "Content-Length" not in problem["detail"]  # it was read
