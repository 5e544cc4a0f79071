"""The personal-data canary: after everything a request does, no table of ours and no log line holds it in the clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from dsar import services
from dsar.models import SubjectRequest
from governance.audit import sequencer
from tests.dsar.conftest import ANN, House, approve, fresh, last_code, work

if TYPE_CHECKING:
    from django.test import Client

    from governance.models import DataSubject

pytestmark = pytest.mark.django_db

#: What must not be found: parts of the address, the name in the connected system, and what it says of her.
CANARIES = (b"ann.canary", b"Ann Canary", b"416-canary-number")


def everything() -> bytes:
    """Every value of every table of the service's database, as the driver gives it."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # names from the database
            for row in cursor.fetchall():
                found += [
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row
                ]
    return b"\n".join(found)


def leaks(text: bytes) -> list[bytes]:
    return [canary for canary in CANARIES if canary.lower() in text.lower()]


def test_nothing_personal_lies_open_on_the_whole_way(
    client: Client, house: House, ann: DataSubject, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    assert leaks(b"x ANN.CANARY x") == [b"ann.canary"]  # the search itself works
    client.post("/privacy/request/submit/", {"ask": "both", "email": ANN, "customer_number": "416-canary-number"})
    client.post("/privacy/code/", {"code": "123"})
    client.post("/privacy/code/", {"code": last_code(house.controller)})
    client.post("/privacy/return/", {"reference": ANN[:20], "email": ANN})
    request = SubjectRequest.objects.get()
    work()
    assert leaks(everything()) == []  # located: findings are sealed
    approve(house, fresh(request))
    work()
    assert leaks(everything()) == []  # collected, packed, erased
    services.respond(fresh(request), principal=house.principal)
    services.close(fresh(request), principal=house.principal)
    services.purge(fresh(request), principal=house.principal)
    sequencer.sequence()
    assert leaks(everything()) == []
    said = "".join([*caplog.messages, *capfd.readouterr()]).encode()
    assert leaks(said) == []


def test_models_show_ids_only(house: House, ann: DataSubject, client: Client) -> None:
    client.post("/privacy/request/submit/", {"ask": "copy", "email": ANN, "customer_number": ""})
    request = SubjectRequest.objects.get()
    assert "canary" not in f"{request} {request!r} {request.contact} {request.contact!r} {vars(request)}"
