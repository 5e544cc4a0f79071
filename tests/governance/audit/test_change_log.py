"""django-auditlog's diary: it says which field changed, and holds no value of any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.core import serializers
from django.utils import timezone

from governance.audit import change_log
from governance.models import Brand, ChangeLogEntry, Dataset, Purpose, System

if TYPE_CHECKING:
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


def test_the_diary_names_the_field_and_holds_no_value(controller: Controller) -> None:
    change_everything(controller)
    kept = serializers.serialize("json", ChangeLogEntry.objects.all())
    for value in VALUES:
        assert value not in kept
        assert value[: len(value) // 2] not in kept
        assert value[len(value) // 2 :] not in kept
    assert "zebra" not in kept.lower()
    changed = [entry.changes for entry in ChangeLogEntry.objects.filter(object_repr="purpose:news", action=1)]
    assert [list(changes) for changes in changed] == [["name"]]


def test_equal_values_look_equal_and_different_ones_differ(controller: Controller) -> None:
    change_everything(controller)
    purpose = Purpose.objects.get(key="news")
    purpose.name = VALUES[0]
    purpose.save()
    back, forth = ChangeLogEntry.objects.filter(object_repr="purpose:news", action=1).order_by("-id")[:2]
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
