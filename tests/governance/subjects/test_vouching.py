"""Verifying an identifier by eyes and ears: with a reason and evidence, on record, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from governance import subjects
from governance.console.forms import EVIDENCE_WORDS, VERIFY_WORDS
from governance.errors import BadInput, Conflict, NotFound
from governance.models import Controller, LedgerEntry, SubjectIdentifier
from governance.policy.principal import operator
from governance.subjects.vouching import EVIDENCE, REASONS

if TYPE_CHECKING:
    from governance.models import DataSubject

GIVEN = {"reason": "request_needs_it", "evidence": "document_seen"}


def identifier(person: DataSubject) -> SubjectIdentifier:
    return SubjectIdentifier.objects.get(subject=person, type="email")


def test_it_is_on_record_with_why_and_by_what(person: DataSubject) -> None:
    who = operator(person.controller_id.hex)
    row = subjects.verify_identifier(person, identifier(person).pk, principal=who, **GIVEN)
    assert identifier(person).verified_at == row.verified_at
    assert subjects.unverified_types(person) == {"customer_id": 1}
    [entry] = LedgerEntry.objects.filter(type="subject.identifier_verified")
    assert json.loads(entry.payload)["details"] == {**GIVEN, "type": "email"}
    with pytest.raises(Conflict):
        subjects.verify_identifier(person, row.pk, principal=who, **GIVEN)


@pytest.mark.parametrize("wrong", [{"reason": "because"}, {"evidence": "a feeling"}, {"reason": "", "evidence": ""}])
def test_only_reasons_and_evidence_of_the_lists_count(person: DataSubject, wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        subjects.verify_identifier(
            person, identifier(person).pk, principal=operator(person.controller_id.hex), **GIVEN | wrong
        )
    assert identifier(person).verified_at is None


def test_an_identifier_of_somebody_else_or_an_erased_person_is_refused(
    controller: Controller, person: DataSubject
) -> None:
    who = operator(controller.pk.hex)
    other = subjects.register(controller, [("email", "bob@example.org")], principal=who)
    for found in (identifier(other).pk, uuid4()):
        with pytest.raises(NotFound):
            subjects.verify_identifier(person, found, principal=who, **GIVEN)
    gone = identifier(person).pk
    subjects.erase(person, principal=who)
    with pytest.raises((NotFound, Conflict)):
        subjects.verify_identifier(person, gone, principal=who, **GIVEN)


def test_the_pages_have_words_for_every_code() -> None:
    assert (tuple(VERIFY_WORDS), tuple(EVIDENCE_WORDS)) == (REASONS, EVIDENCE)
