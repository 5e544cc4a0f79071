"""django-auditlog's diary: it says which field changed, and holds no value of any."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from django.core import serializers
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from governance.audit import change_log
from governance.catalogue import purposes
from governance.models import Brand, ChangeLogEntry, Dataset, LedgerEntry, OutboxEvent, Purpose, System
from governance.policy.principal import operator

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from governance.models import Controller

VALUES = [
    "Zebra newsletter",
    "Quokka newsletter",
    "zebra@example.org",
    "Zebra CRM",
    "collections: [zebra]",
    "Zebra Ltd",
]


def change_everything(controller: Controller) -> None:
    controller.name = "Zebra Ltd"
    controller.save()
    purpose = Purpose.objects.create(controller=controller, key="news", name=VALUES[0], lawful_basis="consent")
    purpose.name = VALUES[1]
    purpose.save()
    Brand.objects.create(controller=controller, slug="b", name="Zebra Ltd", sender="zebra@example.org").delete()
    system = System.objects.create(controller=controller, key="crm", name="Zebra CRM")
    Dataset.objects.create(
        controller=controller, system=system, key="d", name=VALUES[3], source=VALUES[4], imported_at=timezone.now()
    )


def changes_of_news() -> QuerySet[ChangeLogEntry]:
    purpose = Purpose.objects.get(key="news")
    return ChangeLogEntry.objects.filter(object_repr=f"purpose:{purpose.pk}", action=1)


def test_the_diary_names_the_field_and_holds_no_value(controller: Controller) -> None:
    change_everything(controller)
    kept = serializers.serialize("json", ChangeLogEntry.objects.all())
    for value in VALUES:
        assert value not in kept
        assert value[: len(value) // 2] not in kept
        assert value[len(value) // 2 :] not in kept
    assert "zebra" not in kept.lower()
    changed = [entry.changes for entry in changes_of_news()]
    assert [list(changes) for changes in changed] == [["name"]]


def test_equal_values_look_equal_and_different_ones_differ(controller: Controller) -> None:
    change_everything(controller)
    purpose = Purpose.objects.get(key="news")
    purpose.name = VALUES[0]
    purpose.save()
    back, forth = changes_of_news().order_by("-id")[:2]
    assert back.changes["name"] == forth.changes["name"][::-1]
    assert back.changes["name"][0] != back.changes["name"][1]


def test_a_field_outside_the_list_leaves_no_trace(controller: Controller) -> None:
    ChangeLogEntry.objects.all().delete()
    controller.ruleset_version += 1
    controller.save()
    assert not ChangeLogEntry.objects.exists()


def test_no_person_and_no_address_is_kept(controller: Controller) -> None:
    change_everything(controller)
    for entry in ChangeLogEntry.objects.all():
        assert (entry.actor, entry.actor_email, entry.remote_addr, entry.additional_data) == (None, None, None, None)
        assert entry.serialized_data is None


def test_every_field_in_the_diary_exists_and_is_masked(controller: Controller) -> None:
    from auditlog.registry import auditlog  # noqa: TID251  # the registry is what is being checked

    for model, fields in change_log.DIARY.items():
        names = {field.name for field in model._meta.get_fields()}
        registered = auditlog.get_model_fields(model)
        assert set(fields) <= names
        assert set(registered["mask_fields"]) == set(registered["include_fields"]) == set(fields)
    assert controller.pk


def test_the_digest_is_keyed_and_short() -> None:
    made = {change_log.digest(value) for value in ("", "a", "None", json.dumps(VALUES))}
    assert len(made) == 4
    assert all(len(value) == 34 for value in made)


@pytest.mark.django_db
def test_the_diary_is_django_auditlogs_model() -> None:
    from auditlog import get_logentry_model  # noqa: TID251  # as above

    assert get_logentry_model() is ChangeLogEntry


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_change_that_the_database_refuses_leaves_no_entry(controller: Controller, *, in_transaction: bool) -> None:
    for key in ("first", "second"):
        Purpose.objects.create(controller=controller, key=key, name=key, lawful_basis="consent")
    before = set(ChangeLogEntry.objects.values_list("pk", flat=True))
    second = Purpose.objects.get(key="second")
    second.key, second.name = "first", "Another name"
    with pytest.raises(IntegrityError), transaction.atomic() if in_transaction else nullcontext():
        second.save()  # in autocommit nothing would roll an entry back
    assert set(ChangeLogEntry.objects.values_list("pk", flat=True)) == before
    second.key = "third"
    second.save()
    (entry,) = ChangeLogEntry.objects.exclude(pk__in=before)
    assert set(entry.changes) == {"key", "name"}


@pytest.mark.django_db(transaction=True)
def test_a_service_whose_change_fails_at_the_database_leaves_no_event(controller: Controller) -> None:
    by = operator(controller.pk.hex)
    purpose = purposes.create(controller, principal=by, key="news", name="News", lawful_basis="consent")
    forbid_the_name("Forbidden")
    before = [model.objects.count() for model in (LedgerEntry, OutboxEvent, ChangeLogEntry)]
    try:
        with pytest.raises(DatabaseError):
            purposes.change(purpose, principal=by, name="Forbidden")
        assert [model.objects.count() for model in (LedgerEntry, OutboxEvent, ChangeLogEntry)] == before
        purposes.change(purpose, principal=by, name="Allowed")
        assert [model.objects.count() for model in (LedgerEntry, ChangeLogEntry)] == [before[0] + 1, before[2] + 1]
    finally:
        allow_every_name()


def forbid_the_name(name: str) -> None:
    """Have the database itself refuse a value that every check of ours lets pass."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER forbidden BEFORE UPDATE ON governance_purpose WHEN new.name = '{name}' "
                "BEGIN SELECT RAISE(ABORT, 'forbidden'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE governance_purpose ADD CONSTRAINT forbidden CHECK (name <> '{name}')")


def allow_every_name() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER forbidden")
        else:
            cursor.execute("ALTER TABLE governance_purpose DROP CONSTRAINT forbidden")


def test_the_database_refuses_an_entry_that_names_somebody(controller: Controller) -> None:
    entry = ChangeLogEntry.objects.filter(~Q(pk=None)).first()
    assert entry is not None
    for slip in (
        {"actor_email": "zebra@example.org"},
        {"remote_addr": "203.0.113.77"},
        {"cid": "zebra"},
        {"additional_data": {"a": "zebra"}},
        {"serialized_data": {"a": "zebra"}},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ChangeLogEntry.objects.filter(pk=entry.pk).update(**slip)


def test_an_object_is_named_by_its_id_whatever_its_own_text_says(controller: Controller) -> None:
    system = System.objects.create(controller=controller, key="zebra", name="Zebra CRM")
    assert "zebra" in str(system)
    entry = ChangeLogEntry.objects.latest("id")
    assert entry.object_repr == f"system:{system.pk}"
