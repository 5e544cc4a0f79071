"""Descriptions and systems that cannot be used, over HTTP: a problem that names the place and the remedy, no echo."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from django.test import Client
from sqlalchemy import event

from dsar import tasks
from governance.models import Dataset, LedgerEntry, LegalHold, System
from governance.policy.principal import operator
from governance.subjects import release_hold
from tests.api.calls import call
from tests.api.estate import MAP, address_of
from tests.dsar.conftest import last_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.http import HttpResponse

    from tests.api.estate import Estate

pytestmark = pytest.mark.django_db

CANARY = "canary.person@example.org"
GOOD = MAP.format(key="umbrella_shop")
ALIASES = f"a: &a [{CANARY}]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\ndataset: [*c, *c]\n"
NESTED = "dataset: " + "[" * 60 + "]" * 60
TAGGED = f"dataset: !!python/object/apply:os.system ['echo {CANARY}']"
MANY = "dataset: [" + "1," * 120_000 + "1]"
WIDE = f"dataset: # {CANARY}\n" + "#" * 1_000_001


def send(estate: Estate, path: str, body: Any, kind: str = "application/json") -> HttpResponse:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(path, data, content_type=kind, headers=estate.headers)


def require_problem(answer: HttpResponse, status: int, pointer: str = "") -> dict[str, Any]:
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"urn:governance:error:{problem['code']}"
    assert problem["status"] == status
    assert problem.get("detail") or problem.get("errors")
    assert not pointer or pointer in [error["pointer"] for error in problem["errors"]], problem
    assert "canary" not in answer.content.decode()
    return problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"dataset: [{CANARY}", "not valid YAML at line"),
        (f"dataset:\n\t- {CANARY}", "not valid YAML at line"),
        (ALIASES, "alias"),
        (NESTED, "nested deeper"),
        (TAGGED, "not valid YAML"),
        (MANY, "too many entries"),
        (f"dataset: []\ndataset: [{CANARY}]", "written twice"),
        (f"{CANARY}", ""),
        ("dataset: 2024-13-45", "cannot be read"),
        ("{}", "describes nothing"),
        (GOOD.replace("- name: customer", "- name: buyer"), "no table buyer"),
        (GOOD.replace("name: name,", "name: nickname,"), "no column nickname"),
        (GOOD.replace("identity: email", f"identity: '{CANARY}'"), ""),
        (GOOD.replace("user.name", CANARY), ""),
    ],
    ids=[
        "unclosed", "tab", "aliases", "deep", "tag", "many", "twice", "text", "date", "empty", "table", "column",
        "identity", "category",
    ],
)  # fmt: skip
def test_a_description_that_cannot_be_used(umbrella: Estate, text: str, said: str) -> None:
    before = list(Dataset.objects.order_by("pk").values("pk", "digest", "version"))
    here = "/v1/datasets?system=umbrella-db"
    for answer in (
        send(umbrella, "/v1/datasets", {"system": "umbrella-db", "yaml": text}),
        send(umbrella, here, text, "application/yaml"),
        send(umbrella, here, text, "text/yaml"),
    ):
        problem = require_problem(answer, 422)
        assert said in json.dumps(problem)
        assert all(error["detail"] for error in problem["errors"])
    assert list(Dataset.objects.order_by("pk").values("pk", "digest", "version")) == before


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "pointer"),
    [
        ("/v1/datasets", {"system": "umbrella-db"}, "", 422, "/yaml"),
        ("/v1/datasets", {"system": "umbrella-db", "yaml": {"dataset": []}}, "", 422, "/yaml"),
        ("/v1/datasets", {"system": CANARY, "yaml": GOOD}, "", 422, "/system"),
        ("/v1/datasets", {"system": "umbrella-db", "yaml": GOOD, "note": CANARY}, "", 422, "/note"),
        ("/v1/datasets", GOOD, "text/yaml", 422, "/system"),
        ("/v1/datasets?system=nowhere", GOOD, "text/yaml", 422, "/system"),
        ("/v1/datasets?system=umbrella-db", b"\xff\xfe" + CANARY.encode(), "text/yaml", 422, ""),
        ("/v1/datasets?system=umbrella-db", WIDE, "application/yaml", 413, ""),
        ("/v1/datasets", {"system": "umbrella-db", "yaml": WIDE}, "", 422, "/yaml"),
        ("/v1/datasets", CANARY * 500_000, "", 413, ""),
        ("/v1/datasets", f"<{CANARY}/>", "application/xml", 415, ""),
        ("/v1/datasets", f'{{"system": "{CANARY}"', "", 400, ""),
        ("/v1/systems", {"key": "shop", "name": 7, "url": "sqlite:////tmp/x.sqlite3"}, "", 422, "/name"),
        ("/v1/systems", {"key": CANARY, "name": "Shop", "url": "sqlite:////tmp/x.sqlite3"}, "", 422, "/key"),
        ("/v1/systems", {"key": "shop", "name": " ", "url": "sqlite:////tmp/x.sqlite3"}, "", 422, "/name"),
        ("/v1/systems", {"key": "shop", "name": "Shop", "url": f"gopher://u:{CANARY}@h/d"}, "", 422, "/url"),
        ("/v1/systems", {"key": "shop", "name": "Shop", "url": f"postgresql://u:{CANARY}@h:port/d"}, "", 422, "/url"),
        ("/v1/systems", {"key": "shop", "name": "Shop", "url": CANARY}, "", 422, "/url"),
        ("/v1/systems", {"key": "shop", "name": "Shop", "url": ":memory:"}, "", 422, "/url"),
        ("/v1/systems", [CANARY], "", 422, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_call_that_does_not_fit(umbrella: Estate, path: str, body: Any, kind: str, status: int, pointer: str) -> None:
    before = System.objects.count()
    require_problem(send(umbrella, path, body, kind or "application/json"), status, pointer)
    assert System.objects.count() == before


def test_a_system_that_is_down_is_described_without_comparison(umbrella: Estate) -> None:
    url = f"postgresql://reader:{CANARY}@127.0.0.1:1/shop"
    made = send(umbrella, "/v1/systems", {"key": "down", "name": "Down", "url": url})
    assert made.status_code == 201
    answer = send(umbrella, "/v1/datasets", {"system": "down", "yaml": MAP.format(key="down")})
    assert answer.status_code == 201
    assert any("did not answer" in warning for warning in answer.json()["warnings"])
    assert "canary" not in (made.content + answer.content).decode()


@pytest.fixture
def _read_only() -> Iterator[None]:
    """Make every connected SQLite file refuse to be written, for root too."""

    def refuse(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(sa.Engine, "connect", refuse)
    yield
    event.remove(sa.Engine, "connect", refuse)


def rows(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "umbrella.sqlite3")) as connection:
        return connection.execute("SELECT email, name FROM customer").fetchall()


def erasure(estate: Estate) -> str:
    """Have an erasure approved and tried, over HTTP; answers the address of the request."""
    # It would wait for the copy that the person asked for before.
    assert send(estate, f"/v1/requests/{estate.request.pk}/withdraw", {}).status_code == 200
    for hold in LegalHold.objects.filter(subject__controller=estate.controller, released_at=None):
        release_hold(hold.pk, hold.subject, principal=operator(estate.controller.pk.hex))
    body = {"rights": ["erasure"], "identifiers": [{"type": "email", "value": address_of(estate.slug)}]}
    here = f"/v1/requests/{send(estate, '/v1/requests', body).json()['id']}"
    assert send(estate, f"{here}/verify", {"code": last_code(estate.controller)}).status_code == 200
    tasks.work()
    digest = Client().get(here, headers=estate.headers).json()["plan"]["digest"]
    assert call(estate.desk, "POST", f"{here}/approve", {"plan_digest": digest}, {}).status_code == 202
    tasks.work()
    return here


@pytest.mark.usefixtures("_read_only")
def test_a_read_only_system_fails_in_the_open_and_keeps_its_rows(umbrella: Estate, tmp_path: Path) -> None:
    here = erasure(umbrella)
    shown = Client().get(here, headers=umbrella.headers)
    failed = [each for each in shown.json()["outcomes"] if each["outcome"] == "failed"]
    assert failed, shown.json()["outcomes"]
    assert {each["reason"] for each in failed} == {"system.refused"}
    assert "canary" not in shown.content.decode()
    request_id = here.rsplit("/", 1)[1]
    refused = umbrella.desk.post(f"/console/requests/{request_id}/respond/")
    assert refused.status_code in {302, 409}
    assert Client().get(here, headers=umbrella.headers).json()["status"] not in {"responded", "closed"}
    assert rows(tmp_path) == [(address_of("umbrella"), "Canary")]


def test_a_system_that_went_away_is_tried_again_and_loses_nothing(umbrella: Estate, tmp_path: Path) -> None:
    (tmp_path / "umbrella.sqlite3").rename(tmp_path / "away.sqlite3")
    body = {"rights": ["erasure"], "identifiers": [{"type": "email", "value": address_of(umbrella.slug)}]}
    here = f"/v1/requests/{send(umbrella, '/v1/requests', body).json()['id']}"
    send(umbrella, f"{here}/verify", {"code": last_code(umbrella.controller)})
    tasks.work()
    shown = Client().get(here, headers=umbrella.headers)
    assert shown.status_code == 200
    assert shown.json()["plan"] is None
    early = call(umbrella.desk, "POST", f"{here}/approve", {"plan_digest": "0" * 64}, {})
    require_problem(early, 409)
    (tmp_path / "away.sqlite3").rename(tmp_path / "umbrella.sqlite3")
    assert rows(tmp_path) == [(address_of("umbrella"), "Canary")]


def test_nothing_personal_is_in_the_ledger_after_bad_input(umbrella: Estate) -> None:
    send(umbrella, "/v1/datasets", {"system": CANARY, "yaml": ALIASES})
    send(umbrella, "/v1/systems", {"key": "shop", "name": "Shop", "url": f"gopher://u:{CANARY}@h/d"})
    assert not [row for row in LedgerEntry.objects.values_list("payload", flat=True) if "canary" in row]
