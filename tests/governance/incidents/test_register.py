"""Breaches on record: counted from ledger and vault, decided on grounds of law, told in time or with reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from governance import incidents, subjects, vault
from governance.catalogue import datasets
from governance.errors import BadInput, Conflict
from governance.incidents import counting, telling
from governance.models import (
    DataKey,
    Incident,
    IncidentEntry,
    IncidentSubject,
    LedgerEntry,
    OutgoingMessage,
    SubjectIdentifier,
)
from governance.policy.principal import operator, worker
from governance.systems import registering
from tests.governance.console.conftest import DESCRIPTION

if TYPE_CHECKING:
    from governance.models import Controller, DataSubject
    from governance.policy.principal import Principal

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = {"what": "A laptop of Jane Canary was stolen", "consequences": "None yet", "measures": "Locked"}


@pytest.fixture
def who(controller: Controller) -> Principal:
    return operator(controller.pk.hex)


def opened(controller: Controller, who: Principal, *, hours_ago: int = 1, **more: Any) -> Incident:
    at = timezone.now() - timedelta(hours=hours_ago)
    given: dict[str, Any] = {"kinds": ["confidentiality"], "noticed_by": "staff", "noticed_at": at, "aware_at": at}
    opening = incidents.Opening(**{**given, "what": TEXT["what"], **more})
    return incidents.open_incident(controller, opening, principal=who)


def decide(incident: Incident, who: Principal, about: str, decision: str, ground: str) -> Incident:
    return incidents.decide(
        incident, about=about, decision=decision, ground=ground, text={"why": "Canary because"}, principal=who
    )


def test_what_was_written_is_sealed_and_the_ledger_knows_codes_only(controller: Controller, who: Principal) -> None:
    incident = opened(controller, who)
    entry = IncidentEntry.objects.get()
    opened_text = vault.reveal(entry.text, principal=worker(controller.pk.hex), purpose="security_incident")
    assert opened_text == {"what": TEXT["what"]}
    assert (incident.rule_id, incident.due_at) == ("gdpr-33", incident.aware_at + timedelta(hours=72))
    (event,) = LedgerEntry.objects.filter(type="incident.opened")
    assert "Canary" not in event.payload
    assert "Canary" not in str(list(IncidentEntry.objects.values("details")))
    with pytest.raises(IntegrityError), transaction.atomic():
        IncidentEntry.objects.recorded().update(event="noted")


@pytest.mark.parametrize(
    "more",
    [
        {"kinds": []},
        {"kinds": ["surprise"]},
        {"aware_at": datetime(2100, 1, 1, tzinfo=timezone.get_default_timezone())},
        {
            "aware_at": datetime(2017, 1, 1, tzinfo=timezone.get_default_timezone()),
            "noticed_at": datetime(2017, 1, 1, tzinfo=timezone.get_default_timezone()),
        },
        {"noticed_at": timezone.now() + timedelta(hours=1)},
        {"happened_at": timezone.now() + timedelta(hours=1)},
    ],
)
def test_what_cannot_be_is_refused(controller: Controller, who: Principal, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        opened(controller, who, **more)
    assert not Incident.objects.exists()


def test_it_is_counted_from_the_ledger_and_the_vault(
    controller: Controller, other_controller: Controller, person: DataSubject, who: Principal
) -> None:
    others = [subjects.register(controller, [("email", f"p{n}@example.org")], principal=who) for n in range(3)]
    subjects.register(other_controller, [("email", "far@example.org")], principal=operator(other_controller.pk.hex))
    begun = timezone.now()
    machine = worker(controller.pk.hex)
    for each in others[:2]:
        subjects.identifiers_of(each, principal=machine, purpose="customer_support")
    found = counting.revealed_between(controller, begun, timezone.now())
    assert (found.people, found.persons, found.records) == ({each.pk for each in others[:2]}, 2, 2)
    assert found.labels == ("subject.identifier",)
    assert counting.revealed_between(controller, begun, timezone.now(), "staff:x").persons == 0
    assert counting.revealed_between(controller, begun - timedelta(days=1), begun).persons == 0
    everyone = {person.pk, *(each.pk for each in others)}
    assert counting.everybody(controller).people == everyone
    held = counting.holding_label(controller, "subject.identifier")
    assert (held.people, held.records) == (everyone, 5)
    key = DataKey.objects.get(scope_id=person.pk)
    assert counting.under_key(controller, key.controller_key_id).people == everyone
    assert counting.under_key(controller, key.key_id).people == {person.pk}
    for wrong in (lambda: counting.under_key(controller, "0" * 16), lambda: counting.holding_label(controller, "x")):
        with pytest.raises(BadInput):
            wrong()
    subjects.erase(others[0], principal=who)
    again = counting.revealed_between(controller, begun, timezone.now())
    assert (again.persons, again.people) == (2, {others[1].pk})  # counted, and not named any more


def test_it_is_counted_by_system(controller: Controller, person: DataSubject, who: Principal) -> None:
    """The shop finds people by their addresses; who has none cannot be in it."""
    subjects.register(controller, [("customer_id", "C-7")], principal=who)
    gone = subjects.register(controller, [("email", "gone@example.org")], principal=who)
    subjects.erase(gone, principal=who)
    system = registering.register(controller, "shop-db", "Shop database", "sqlite:////tmp/shop.sqlite3", principal=who)
    datasets.import_text(controller, system, DESCRIPTION, principal=who)
    found = counting.in_system(controller, "shop-db")
    assert (found.people, found.persons) == ({person.pk}, 1)
    assert found.labels == ("user.contact.email",)
    with pytest.raises(BadInput):
        counting.in_system(controller, "elsewhere")


def test_decisions_stand_on_grounds_of_the_law(controller: Controller, who: Principal) -> None:
    incident = opened(controller, who)
    for about, decision, ground in (
        ("authority", "tell", "risk_unlikely"),
        ("authority", "do_not_tell", "unintelligible"),
        ("persons", "tell", "risk"),
        ("persons", "maybe", "risk"),
    ):
        with pytest.raises(BadInput):
            decide(incident, who, about, decision, ground)
    with pytest.raises(Conflict):
        incidents.close(incident, principal=who)
    with pytest.raises(Conflict):
        incidents.tell_authority(incident, "dpa@example.org", TEXT, principal=who)
    assert decide(incident, who, "authority", "do_not_tell", "risk_unlikely").risk == "unlikely"
    decide(incident, who, "persons", "do_not_tell", "unintelligible")
    incidents.close(incident, principal=who)
    with pytest.raises(Conflict):
        incidents.note(incident, "more", principal=who)
    assert {"incident.decided", "incident.closed"} <= set(LedgerEntry.objects.values_list("type", flat=True))


def test_the_authority_is_told_in_time_and_in_phases(controller: Controller, who: Principal) -> None:
    incident = opened(controller, who)
    decide(incident, who, "authority", "tell", "risk")
    for _phase in range(2):
        incidents.tell_authority(incident, "dpa@example.org", TEXT, principal=who)
    incident.refresh_from_db()
    assert (incident.delay_reason, incident.authority_told_at is None) == ("", False)
    first, second = OutgoingMessage.objects.order_by("created_at")
    machine = worker(controller.pk.hex)
    texts = [str(vault.reveal(each.text, principal=machine, purpose="letter_delivery")) for each in (first, second)]
    assert TEXT["what"] in texts[0]
    assert "Art. 33(4)" not in texts[0]
    assert "letter number 2" in texts[1]
    assert first.scope_kind == "incident"
    with pytest.raises(Conflict):
        decide(incident, who, "authority", "do_not_tell", "risk_unlikely")


def test_after_72_hours_reasons_are_needed(controller: Controller, who: Principal) -> None:
    incident = opened(controller, who, hours_ago=73)
    decide(incident, who, "authority", "tell", "high_risk")
    for reason in ("", "because"):
        with pytest.raises(BadInput):
            incidents.tell_authority(incident, "dpa@example.org", TEXT, delay_reason=reason, principal=who)
    assert not OutgoingMessage.objects.exists()
    incidents.tell_authority(incident, "dpa@example.org", TEXT, delay_reason="still_unclear", principal=who)
    incident.refresh_from_db()
    assert incident.delay_reason == "still_unclear"
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.recorded().update(delay_reason="")


def test_people_are_told_once_and_those_erased_are_counted(
    controller: Controller, person: DataSubject, who: Principal
) -> None:
    gone = subjects.register(controller, [("email", "gone@example.org")], principal=who)
    silent = subjects.register(controller, [("customer_id", "C-9")], principal=who)
    incident = opened(controller, who)
    incidents.record_count(incident, counting.everybody(controller), "everybody", principal=who)
    incidents.record_count(incident, counting.everybody(controller), "everybody", principal=who)
    subjects.erase(gone, principal=who)
    assert incidents.tell_people() == 0  # nobody has decided
    decide(incident, who, "persons", "tell", "high_risk")
    decide(incident, who, "authority", "do_not_tell", "risk_unlikely")
    with pytest.raises(Conflict):
        incidents.close(incident, principal=who)
    assert (incidents.tell_people(), incidents.tell_people()) == (3, 0)
    ends = dict(IncidentSubject.objects.values_list("subject_id", "outcome"))
    assert ends == {person.pk: "queued", gone.pk: "erased", silent.pk: "no_address"}
    letter = OutgoingMessage.objects.get()
    assert (letter.scope_kind, letter.scope_id) == ("subject", person.pk)
    text = str(vault.reveal(letter.text, principal=worker(controller.pk.hex), purpose="letter_delivery"))
    assert "Canary because" in text
    assert incident.reference in text
    incidents.close(incident, principal=who)
    told = IncidentEntry.objects.get(event="persons_told")
    assert told.details == {"queued": 1, "erased": 1, "no_address": 1}
    subjects.erase(person, principal=who)
    assert not OutgoingMessage.objects.exists()  # the letter goes with the person


def test_one_address_that_does_not_open_keeps_no_other_letter_back(controller: Controller, who: Principal) -> None:
    people = [
        subjects.register(controller, [("email", f"p{number}@example.org")], principal=who) for number in range(3)
    ]
    incident = opened(controller, who)
    incidents.record_count(incident, counting.everybody(controller), "everybody", principal=who)
    first = IncidentSubject.objects.order_by("pk")[0].subject
    other = next(person for person in people if person.pk != first.pk)
    rows = [SubjectIdentifier.objects.get(subject=each).pk for each in (other, first)]
    keys = [SubjectIdentifier._meta.pk.get_db_prep_value(each, connection) for each in rows]
    with connection.cursor() as cursor:  # somebody with the database moves a sealed value to another row
        cursor.execute("SELECT value FROM governance_subjectidentifier WHERE id = %s", keys[:1])
        cursor.execute(
            "UPDATE governance_subjectidentifier SET value = %s WHERE id = %s", [cursor.fetchone()[0], keys[1]]
        )
    decide(incident, who, "persons", "tell", "high_risk")
    assert (incidents.tell_people(), incidents.tell_people()) == (3, 0)
    assert sorted(incident.subjects.values_list("outcome", flat=True)) == ["queued", "queued", "unreadable"]


def test_a_decision_taken_since_the_text_was_read_is_heeded(controller: Controller, who: Principal) -> None:
    subjects.register(controller, [("email", "jane@example.org")], principal=who)
    incident = opened(controller, who)
    incidents.record_count(incident, counting.everybody(controller), "everybody", principal=who)
    decide(incident, who, "persons", "tell", "high_risk")
    row = IncidentSubject.objects.select_related("incident__controller", "subject").get()
    entry, text = telling._text_for_people(row.incident)  # noqa: SLF001  # the moment between reading and telling
    decide(incident, who, "persons", "do_not_tell", "risk")
    assert telling._tell_one(row, entry, text) == 0  # noqa: SLF001
    assert not OutgoingMessage.objects.exists()
    decide(incident, who, "persons", "tell", "high_risk")
    assert telling._tell_one(row, entry, text) == 0  # noqa: SLF001  # another text now
    assert incidents.tell_people() == 1
