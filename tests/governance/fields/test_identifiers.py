"""SealedField refuses everything that would put plaintext, another row's value or an expression into the column."""

import json
import pickle
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from governance import subjects
from governance.errors import SealRefused
from governance.fields import Sealed
from governance.models import Controller, DataSubject, SubjectIdentifier
from governance.policy.principal import operator, worker
from governance.vault import reveal, seal

ADDRESS = "jane.doe@example.org"


@pytest.fixture
def identifier(person: DataSubject) -> SubjectIdentifier:
    return SubjectIdentifier.objects.get(subject=person, type="email")


def test_it_loads_sealed_and_shows_nothing(identifier: SubjectIdentifier) -> None:
    shown = [
        repr(identifier.value),
        str(identifier.value),
        f"{identifier.value:>40}",
        repr(identifier),
        str(identifier),
    ]
    assert isinstance(identifier.value, Sealed)
    assert not any(ADDRESS in text for text in shown)
    assert ADDRESS.encode() not in pickle.dumps(identifier)
    with pytest.raises(TypeError):
        json.dumps(identifier.value)


def test_dumpdata_and_the_column_hold_ciphertext(identifier: SubjectIdentifier) -> None:
    output = StringIO()
    call_command("dumpdata", "governance.SubjectIdentifier", stdout=output)
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM governance_subjectidentifier WHERE type = 'email'")
        raw = bytes(cursor.fetchone()[0])
    assert "cxp1." in output.getvalue()
    assert ADDRESS not in output.getvalue()
    assert raw[0] == 0xFE
    assert ADDRESS.encode() not in raw


@pytest.mark.parametrize("value", [ADDRESS, b"\xfe\x01", 7, {"a": 1}])
def test_only_sealed_values_are_assigned(identifier: SubjectIdentifier, value: object) -> None:
    with pytest.raises(SealRefused):
        identifier.value = value


def test_none_stays_null(identifier: SubjectIdentifier) -> None:
    identifier.value = None
    assert identifier.value is None


def test_a_value_sealed_for_another_person_is_not_saved(identifier: SubjectIdentifier, controller: Controller) -> None:
    other = subjects.register(controller, [("email", "bob@example.org")], principal=operator(controller.pk.hex))
    identifier.value = SubjectIdentifier.objects.get(subject=other).value
    with pytest.raises(SealRefused, match="another label or owner"):
        identifier.save()


def test_a_value_of_another_label_is_not_saved(identifier: SubjectIdentifier) -> None:
    identifier.value = seal("x", label="mail.text", scope=identifier.value.scope)
    with pytest.raises(SealRefused):
        identifier.save()


@pytest.mark.parametrize("kind", ["row", "column"])
def test_ciphertext_moved_in_the_database_does_not_open(person: DataSubject, controller: Controller, kind: str) -> None:
    other = subjects.register(controller, [("email", "bob@example.org")], principal=operator(controller.pk.hex))
    source = other if kind == "row" else person
    source_type = "email" if kind == "row" else "customer_id"
    with connection.cursor() as cursor:
        target = SubjectIdentifier.objects.get(subject=person, type="email")
        stolen = SubjectIdentifier.objects.get(subject=source, type=source_type)
        pk = SubjectIdentifier._meta.pk
        cursor.execute(
            "UPDATE governance_subjectidentifier SET value = %s WHERE id = %s",
            [stolen.value.envelope, pk.get_db_prep_value(target.pk, connection)],
        )
    moved = SubjectIdentifier.objects.get(pk=target.pk)
    principal = worker(controller.pk.hex)
    if kind == "row":
        with pytest.raises(SealRefused, match="moved"):
            reveal(moved.value, principal=principal, purpose="subject_request")
    else:
        # Same label, same person: within one person's identifiers the envelope is at home.
        assert reveal(moved.value, principal=principal, purpose="subject_request") == "C-1"


@pytest.mark.parametrize(
    "query",
    [
        lambda rows: rows.filter(value=ADDRESS),
        lambda rows: rows.filter(value__icontains="jane"),
        lambda rows: rows.exclude(value__in=[b"1"]),
        lambda rows: rows.recorded().update(value=F("type")),
        lambda rows: rows.recorded().update(value=ADDRESS),
        lambda rows: rows.filter(value__length__gt=3),
    ],
)
def test_sql_cannot_reach_into_it(identifier: SubjectIdentifier, query: object) -> None:
    with pytest.raises(SealRefused), transaction.atomic():
        list(query(SubjectIdentifier.objects.all()) or [])
    assert SubjectIdentifier.objects.filter(value__isnull=False).count() == 2


def test_a_bare_column_value_has_no_owner_and_does_not_open(identifier: SubjectIdentifier) -> None:
    bare = SubjectIdentifier.objects.values_list("value", flat=True).first()
    with pytest.raises(SealRefused, match="no owner"):
        reveal(bare, principal=worker(identifier.controller_id.hex), purpose="subject_request")


def test_every_sealed_column_is_found() -> None:
    from governance.fields import sealed_fields

    labels = [field.label for field in sealed_fields()]
    assert labels == sorted(labels)
    assert {"subject.identifier", "mail.to", "audit.body", "system.url"} <= set(labels)
