"""Rotation: a new epoch at once, the old one until a count proves it empty, and everything readable meanwhile."""

from __future__ import annotations

import json
import threading
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance import vault
from governance.errors import KeyRetired, KeyUnavailable
from governance.fields import Scope, Sealed
from governance.keys import controller_keys, data_key_rows, data_keys, providers, rotation
from governance.models import Controller, ControllerKey, DataKey, LedgerEntry
from governance.policy.principal import worker

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db

LABEL = "subject.identifier"


def people(controller: Controller, count: int) -> list[Sealed]:
    scopes = [Scope(controller.pk.hex, "subject", uuid4().hex) for _ in range(count)]
    return vault.seal_many([(f"secret {number}", LABEL, scope) for number, scope in enumerate(scopes)])


def read(sealeds: list[Sealed]) -> list[object]:
    data_keys.forget()  # as another process would
    return list(vault.reveal_many(sealeds, principal=worker(sealeds[0].scope.controller), purpose="subject_request"))


def epochs(controller: Controller) -> dict[int, str]:
    return dict(ControllerKey.objects.filter(controller=controller).values_list("epoch", "state"))


def events(type_: str) -> list[dict[str, Any]]:
    found = LedgerEntry.objects.filter(type=type_).order_by("id")
    return [json.loads(payload)["details"] for payload in found.values_list("payload", flat=True)]


def test_everything_lies_under_the_new_epoch_and_the_old_one_is_gone(controller: Controller) -> None:
    sealeds = people(controller, 25)
    values = read(sealeds)
    rotation.rotate(controller.pk)
    assert epochs(controller) == {1: "deactivated", 2: "active"}
    assert read(sealeds) == values
    assert rotation.rewrap(batch=10) == 25
    assert read(sealeds) == values
    assert rotation.end_emptied() == 2  # retired and, without a retention, destroyed
    assert epochs(controller) == {1: "destroyed", 2: "active"}
    old = ControllerKey.objects.get(epoch=1)
    assert (old.wrapped, old.retired_at is not None, old.destroyed_at is not None) == (None, True, True)
    assert read(sealeds) == values
    assert [each["count"] for each in events("key.rewrapped")] == [10, 10, 5]
    assert [len(events(f"key.{name}")) for name in ("rotated", "retired", "destroyed")] == [1, 1, 1]


def test_repeating_it_changes_nothing(controller: Controller) -> None:
    people(controller, 3)
    rotation.rotate(controller.pk)
    rotation.work()
    before = sorted(DataKey.objects.values_list("key_id", "controller_key_id"))
    with CaptureQueriesContext(connection) as queries:
        assert rotation.work() == 0
    assert len(queries) <= 2  # what the tick pays when nothing is to be done
    assert sorted(DataKey.objects.values_list("key_id", "controller_key_id")) == before


def test_a_new_person_lies_under_the_new_epoch_at_once(controller: Controller) -> None:
    people(controller, 1)
    new = rotation.rotate(controller.pk)
    (sealed,) = people(controller, 1)
    assert DataKey.objects.get(scope_id=sealed.scope.id).controller_key_id == new.key_id


def test_other_controllers_keep_their_epochs(controller: Controller, other_controller: Controller) -> None:
    mine, theirs = people(controller, 2), people(other_controller, 2)
    rotation.rotate(controller.pk)
    rotation.work()
    assert (epochs(controller), epochs(other_controller)) == ({1: "destroyed", 2: "active"}, {1: "active"})
    assert read(mine)
    assert read(theirs)


def test_two_rotations_before_the_first_is_done(controller: Controller) -> None:
    sealeds = people(controller, 5)
    values = read(sealeds)
    rotation.rotate(controller.pk)
    rotation.rewrap(batch=2, seconds=0)  # hardly begun
    rotation.rotate(controller.pk)
    rotation.work()
    assert epochs(controller) == {1: "destroyed", 2: "destroyed", 3: "active"}
    assert read(sealeds) == values


def test_a_key_that_does_not_open_keeps_its_epoch_and_stops_nobody(controller: Controller) -> None:
    sealeds = people(controller, 7)
    bad = DataKey.objects.order_by("key_id").first()
    with transaction.atomic():
        DataKey.objects.filter(pk=bad.pk).recorded().update(wrapped=b"\0" * len(bytes(bad.wrapped)))
    rotation.rotate(controller.pk)
    assert rotation.rewrap(batch=2) == 6
    assert rotation.rewrap(batch=2) == 0
    assert rotation.end_emptied() == 0
    assert epochs(controller) == {1: "deactivated", 2: "active"}
    assert [each.keys for each in rotation.progress()] == [1, 6]
    good = [sealed for sealed in sealeds if sealed.scope.id != bad.scope_id.hex]
    assert len(read(good)) == 6


@pytest.mark.parametrize("damaged", ["the old epoch", "the new epoch"])
def test_an_epoch_that_does_not_open_stops_no_other_controller(
    controller: Controller, other_controller: Controller, damaged: str
) -> None:
    first, second = sorted([controller, other_controller], key=lambda each: each.pk)
    for each in (first, second):
        people(each, 3)
        rotation.rotate(each.pk)
    bad = ControllerKey.objects.get(controller=first, epoch=1 if damaged == "the old epoch" else 2)
    with transaction.atomic():
        ControllerKey.objects.filter(pk=bad.pk).recorded().update(commitment=b"x" * 32)
    data_keys.forget()
    assert rotation.rewrap() == 3
    rotation.end_emptied()
    assert epochs(first) == {1: "deactivated", 2: "active"}
    assert epochs(second) == {1: "destroyed", 2: "active"}
    assert [each.keys for each in rotation.progress([first.pk])] == [3, 0]


def test_the_key_store_is_asked_before_rows_are_locked(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    people(controller, 2)
    rotation.rotate(controller.pk)
    data_keys.forget()
    asked: list[bool] = []
    store, outside = providers.named, len(connection.savepoint_ids)

    def named(name: str) -> object:
        asked.append(len(connection.savepoint_ids) == outside)
        return store(name)

    monkeypatch.setattr(providers, "named", named)
    assert rotation.rewrap() == 2
    assert asked == [True, True]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL keeps rows")
def test_a_rotation_writes_no_index(controller: Controller) -> None:
    people(controller, 40)
    rotation.rotate(controller.pk)
    rotation.leave_room(connection)  # again, as the next migration does
    counted = (
        "SELECT pg_stat_get_xact_tuples_updated(t), pg_stat_get_xact_tuples_hot_updated(t)"
        " FROM (SELECT 'governance_datakey'::regclass AS t) AS one"
    )
    with connection.cursor() as cursor:
        cursor.execute(counted)
        before = cursor.fetchone()
        assert rotation.rewrap(batch=15) == 40
        cursor.execute(counted)
        after = cursor.fetchone()
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'governance_datakey'")
        assert cursor.fetchone() == (["fillfactor=50"],)
    # Every one beside its old row: an index on the epoch or on the wrapped key would make it none.
    assert [now - then for now, then in zip(after, before, strict=True)] == [40, 40]


def test_erased_people_do_not_keep_an_epoch(controller: Controller) -> None:
    first, second = people(controller, 2)
    data_keys.destroy(first.scope)
    rotation.rotate(controller.pk)
    assert rotation.rewrap() == 1
    rotation.end_emptied()
    assert epochs(controller)[1] == "destroyed"
    assert isinstance(read([first, second])[0], vault.ErasedMark)


def test_an_emptied_epoch_is_kept_as_long_as_copies_of_the_key_table(
    controller: Controller, settings: SettingsWrapper
) -> None:
    settings.GOVERNANCE_EPOCH_RETENTION_DAYS = 1
    people(controller, 1)
    rotation.rotate(controller.pk)
    rotation.work()
    assert epochs(controller)[1] == "retired"
    assert ControllerKey.objects.get(epoch=1).wrapped is not None
    settings.GOVERNANCE_EPOCH_RETENTION_DAYS = 0
    assert rotation.end_emptied() == 1
    assert epochs(controller)[1] == "destroyed"


def test_an_opened_key_of_a_retired_epoch_opens_nothing(controller: Controller) -> None:
    (sealed,) = people(controller, 1)
    row = DataKey.objects.select_related("controller_key").get(scope_id=sealed.scope.id)
    assert controller_keys.cipher(row.controller_key)  # this process holds it now
    with transaction.atomic():
        ControllerKey.objects.filter(pk=row.controller_key_id).recorded().update(state="retired")
    with pytest.raises(KeyRetired):
        controller_keys.cipher(ControllerKey.objects.get(pk=row.controller_key_id))
    data_key_rows.forget()
    with pytest.raises(KeyUnavailable):
        vault.reveal(sealed, principal=worker(sealed.scope.controller), purpose="subject_request")


def test_a_key_made_in_the_moment_in_which_its_epoch_ends_is_made_again(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(controller, 1)
    stale = controller_keys.active(controller.pk)
    rotation.rotate(controller.pk)
    rotation.work()
    current, answers = controller_keys.active, [stale]
    monkeypatch.setattr(controller_keys, "active", lambda pk: answers.pop() if answers else current(pk))
    (sealed,) = people(controller, 1)
    assert not answers
    assert DataKey.objects.get(scope_id=sealed.scope.id).controller_key.state == "active"
    assert read([sealed]) == ["secret 0"]


def test_a_page_costs_the_same_during_a_rotation(controller: Controller) -> None:
    sealeds = people(controller, 20)

    def cost() -> int:
        data_keys.forget()
        with CaptureQueriesContext(connection) as queries:
            vault.reveal_many(sealeds, principal=worker(controller.pk.hex), purpose="subject_request")
        return len(queries)

    before = cost()
    rotation.rotate(controller.pk)
    rotation._rewrap_batch(ControllerKey.objects.get(epoch=1), "", 7)  # noqa: SLF001  # a batch and no more
    assert DataKey.objects.filter(controller_key__epoch=2).count() == 7
    assert cost() == before


def test_the_command_rotates_shows_and_refuses(controller: Controller, other_controller: Controller) -> None:
    sealeds = people(controller, 4)
    people(other_controller, 1)
    said = StringIO()
    call_command("rotate_keys", "--controller", "acme", stdout=said)
    assert "4 keys wrapped anew" in said.getvalue()
    assert "acme epoch 2" in said.getvalue()
    assert "umbrella" not in said.getvalue()
    assert epochs(other_controller) == {1: "active"}
    said = StringIO()
    call_command("rotate_keys", "--status", stdout=said)
    assert [line.split("(")[0].strip() for line in said.getvalue().splitlines()] == ["acme epoch 2", "umbrella epoch 1"]
    call_command("rotate_keys", "--continue", stdout=StringIO())
    assert epochs(controller) == {1: "destroyed", 2: "active"}
    assert read(sealeds)
    with pytest.raises(CommandError, match="no controller nobody"):
        call_command("rotate_keys", "--controller", "nobody")


@pytest.mark.django_db(transaction=True)
def test_an_epoch_does_not_end_while_somebody_wraps_a_key_under_it() -> None:
    """PostgreSQL alone: SQLite writes one transaction after the other."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time; run make test-postgres")
    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True)
    people(controller, 1)
    stale = controller_keys.active(controller.pk)
    rotation.rotate(controller.pk)
    rotation.rewrap()
    holding, ended = threading.Event(), threading.Event()
    counts: list[int] = []

    def end() -> None:
        holding.wait(10)
        try:
            counts.append(rotation.end_emptied())  # waits for the transaction below
        finally:
            ended.set()
            connection.close()

    thread = threading.Thread(target=end)
    thread.start()
    scope = Scope(controller.pk.hex, "subject", uuid4().hex)
    with transaction.atomic():
        controller_keys.hold(stale)
        data_key_rows.new_row(scope, stale)[0].save(force_insert=True)
        holding.set()
        assert not ended.wait(0.5)
    thread.join(10)
    assert (counts, epochs(controller)[1]) == ([0], "deactivated")
    assert rotation.work() == 3  # the late key is wrapped anew; then the epoch is retired and destroyed
    assert epochs(controller)[1] == "destroyed"
