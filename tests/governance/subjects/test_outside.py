"""The file of erasures outside the database: each line once, chained and signed; no database older than it serves."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from django.core.checks import run_checks
from django.db import transaction
from django.test import Client
from django.utils import timezone

from governance import subjects
from governance.errors import ErasuresMissing, KeyUnavailable, LedgerBroken
from governance.keys import providers, signing
from governance.models import DataSubject, ErasureLine
from governance.policy.principal import operator
from governance.subjects import outside
from governance.tasks import work_once

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller

pytestmark = pytest.mark.django_db(transaction=True)


def erase(controller: Controller, number: int) -> DataSubject:
    who = operator(controller.pk.hex)
    person = subjects.register(controller, [("email", f"p{number}@example.org")], principal=who)
    subjects.erase(person, principal=who)
    return person


def rows() -> list[dict[str, object]]:
    return [json.loads(line) for line in outside.path().read_bytes().splitlines()]


def test_each_erasure_is_one_line_of_opaque_ids(controller: Controller) -> None:
    people = [erase(controller, number) for number in range(3)]
    assert [row["position"] for row in rows()] == [1, 2, 3]
    assert [row["subject"] for row in rows()] == [person.pk.hex for person in people]
    assert [len(row["keys"]) for row in rows()] == [1, 1, 1]
    assert b"example.org" not in outside.path().read_bytes()
    assert outside.path().stat().st_mode & 0o777 == 0o600
    assert [line.position for line in outside.verified()] == [1, 2, 3]
    assert list(ErasureLine.objects.order_by("position").values_list("digest", flat=True)) == [
        line.digest for line in outside.lines()
    ]
    outside.require_current()
    assert outside.write_waiting() == 0


def test_the_chain_and_the_signatures_verify_without_this_code(controller: Controller) -> None:
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    erase(controller, 1)
    erase(controller, 2)
    public = base64.b64decode(signing.verifier_key().split("+", 2)[2])[1:]
    previous = "0" * 64
    for row in rows():
        signature = base64.b64decode(row.pop("signature").splitlines()[0].split(" ")[2])[4:]
        body = json.dumps(row, sort_keys=True, separators=(",", ":"))
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"erasure/1\n{body}\n".encode())
        assert row["previous"] == previous
        previous = sha256(body.encode()).hexdigest()


def test_what_a_crash_kept_from_the_file_is_written_by_the_tick(controller: Controller) -> None:
    erase(controller, 1)
    ErasureLine.objects.create(
        controller_ref=controller.pk, subject_ref=controller.pk, key_ids=["00"], destroyed_at="2026-01-01T00:00:00Z"
    )
    work_once()
    assert [row["position"] for row in rows()] == [1, 2]
    assert not ErasureLine.objects.filter(written_at=None).exists()


def test_a_line_that_a_crash_left_unmarked_is_not_written_twice(controller: Controller) -> None:
    erase(controller, 1)
    erase(controller, 2)
    last = ErasureLine.objects.filter(position=2).recorded()
    with transaction.atomic():
        last.update(position=None, digest="", written_at=None)
    outside.require_current()
    assert outside.write_waiting() == 0
    assert len(rows()) == 2
    assert ErasureLine.objects.filter(position=2).count() == 1


def test_a_torn_last_line_is_dropped_and_written_whole(controller: Controller) -> None:
    erase(controller, 1)
    whole = outside.path().read_bytes()
    with outside.path().open("ab") as file:
        file.write(whole[:40])
    outside.require_current()
    erase(controller, 2)
    assert [row["position"] for row in rows()] == [1, 2]
    assert outside.path().read_bytes().startswith(whole)


def forget_last() -> None:
    """What a restored older copy looks like."""
    with transaction.atomic():
        ErasureLine.objects.filter(position=2).recorded().delete()


def lose_end(path: Path) -> None:
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


@pytest.mark.parametrize("case", ["older database", "shorter file", "no file", "other file"])
def test_nobody_is_served_when_file_and_database_do_not_agree(controller: Controller, case: str) -> None:
    erase(controller, 1)
    erase(controller, 2)
    assert "erasures" not in Client().get("/readyz").json()["failed"]
    if case == "older database":
        forget_last()
    elif case == "shorter file":
        lose_end(outside.path())
    elif case == "no file":
        outside.path().unlink()
    else:
        with transaction.atomic():
            ErasureLine.objects.filter(position=2).recorded().update(digest="1" * 64)
    with pytest.raises(ErasuresMissing):
        outside.require_current()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["failed"]) == (503, ["erasures"])
    assert [message.id for message in run_checks(databases=["default"], tags=["database"])] == ["governance.E006"]
    ErasureLine.objects.create(
        controller_ref=controller.pk, subject_ref=controller.pk, key_ids=["00"], destroyed_at="2026-01-01T00:00:00Z"
    )
    assert work_once() == 0
    with pytest.raises(ErasuresMissing):
        outside.write_waiting()


def test_the_server_does_not_start_on_an_older_database(controller: Controller) -> None:
    from governance.api import operations

    erase(controller, 1)
    erase(controller, 2)
    operations.require_startable()
    forget_last()
    with pytest.raises(ErasuresMissing, match=r"restore --replay"):
        operations.require_startable()


@pytest.mark.parametrize("is_older", [True, False])
def test_without_its_keys_the_server_still_sees_that_its_database_is_older(
    controller: Controller, settings: SettingsWrapper, tmp_path: Path, is_older: bool
) -> None:
    from governance.api import operations

    erase(controller, 1)
    erase(controller, 2)
    if is_older:
        forget_last()
    settings.GOVERNANCE_KEY_FILE = str(tmp_path / "gone")
    providers.start_anew()
    try:
        with pytest.raises(ErasuresMissing if is_older else KeyUnavailable):
            outside.require_current()
        if is_older:
            with pytest.raises(ErasuresMissing, match=r"restore --replay"):
                operations.require_startable()
        else:
            operations.require_startable()
    finally:
        providers.start_anew()


def test_an_erasure_that_cannot_be_written_outside_is_an_alarm(
    controller: Controller, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.GOVERNANCE_ERASURE_LEDGER = str(tmp_path / "gone" / "ledger")
    erase(controller, 1)
    assert Client().get("/readyz").json()["alarms"] == []  # the next tick may do it
    with transaction.atomic():
        ErasureLine.objects.recorded().update(destroyed_at=timezone.now() - timedelta(minutes=6))
    assert Client().get("/readyz").json()["alarms"] == ["erasure.unwritten"]
    (tmp_path / "gone").mkdir()
    work_once()
    assert Client().get("/readyz").json()["alarms"] == []


@pytest.mark.parametrize(
    ("before", "after"), [('"at":"2', '"at":"1'), ('"position":1', '"position":2'), ("\u2014 ", "- "), ("{", "[")]
)
def test_a_changed_line_is_named(controller: Controller, before: str, after: str) -> None:
    erase(controller, 1)
    erase(controller, 2)
    assert len(list(outside.verified())) == 2
    outside.path().write_text(outside.path().read_text().replace(before, after, 1))
    with pytest.raises(LedgerBroken):
        list(outside.verified())


def test_a_removed_line_is_named(controller: Controller) -> None:
    for number in range(3):
        erase(controller, number)
    first, _second, third = outside.path().read_bytes().splitlines(keepends=True)
    outside.path().write_bytes(first + third)
    with pytest.raises(LedgerBroken, match="line 2"):
        list(outside.verified())


def test_a_lost_file_is_written_again_from_the_database(controller: Controller) -> None:
    erase(controller, 1)
    erase(controller, 2)
    whole = outside.path().read_bytes()
    lose_end(outside.path())
    assert outside.rebuild() == 1
    assert outside.path().read_bytes() == whole
    outside.path().unlink()
    assert (outside.rebuild(), outside.rebuild()) == (2, 0)
    assert outside.path().read_bytes() == whole
    outside.require_current()
