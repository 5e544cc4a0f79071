"""A check as of an earlier moment, from the history of events, for some statements more; it answers nothing current."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from consent import lawfulness, selectors
from governance import vault
from governance.access import rulesets
from governance.models import DataSubject
from governance.policy.decide import Decision, Facts, Question, SubjectFacts, decide

if TYPE_CHECKING:
    from datetime import datetime

    from governance.policy.principal import Principal

_FINAL = frozenset({"CLIENT_NOT_AUTHORISED", "PURPOSE_UNKNOWN"})


def as_of(principal: Principal, question: Question, current: Decision) -> Decision:
    """Answer from what had happened and was recorded by `question.as_of`, under the rules of today.

    Whether the caller may ask is never replayed, and a person who was erased since stays unknown.
    """
    if question.as_of is None or _FINAL.intersection(current.reasons):
        return current
    controller_id = UUID(next(iter(principal.controllers)))
    ruleset = rulesets.cached(controller_id)
    purpose = ruleset.purposes.get(question.purpose)
    subject = vault.match(controller_id, question.identifier_type, question.identifier)
    if purpose is None or subject is None or subject.created_at > question.as_of:
        subject_facts, facts = None, ()
    else:
        subject_facts = _standing(subject, question.as_of)
        facts = selectors.facts_as_of(subject.pk, purpose.id, question.as_of, purpose.lawful_basis)
    known = Facts(True, purpose, subject_facts, ruleset.version, facts)  # noqa: FBT003  # the principal may: asked above
    return decide(question, known, question.as_of, lawfulness.decide)


def _standing(subject: DataSubject, moment: datetime) -> SubjectFacts:
    is_later = subject.restricted_at is not None and subject.restricted_at > moment
    status = DataSubject.Status.ACTIVE if is_later else subject.status
    return SubjectFacts(subject.pk, status, subject.restricted_at)
