"""Makes a sampled decision again, from the rules and the history of its moment; it answers nothing current."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from governance.access.decision_log import answer_digest
from governance.errors import NotFound
from governance.models import DecisionSample
from governance.policy.decide import (
    Decision,
    Facts,
    MessageClass,
    Operation,
    PurposeRule,
    Question,
    SubjectFacts,
    decide,
)
from governance.registry import sockets


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was answered then and what the same rules and facts answer now."""

    sample: DecisionSample
    decision: Decision

    @property
    def is_same(self) -> bool:
        """Whether both answers agree in everything they say."""
        return answer_digest(self.decision) == self.sample.answer_digest


def replay(sample: DecisionSample) -> Replayed:
    """Decide once more what was decided then; raises NotFound for a purpose that the kept rules do not have.

    The facts are those that had happened and were recorded by `decided_at`. An event whose transaction was still open
    at that very moment was not seen then and is seen now: such a difference is real, and a few milliseconds wide.
    """
    question, purpose = _question(sample), _rule(sample)
    lawfulness = sockets.lawfulness
    subject = (
        None if sample.subject_id is None else SubjectFacts(sample.subject_id, sample.standing, sample.restricted_at)
    )
    held = lawfulness.facts_as_of(subject.id, purpose, sample.decided_at) if lawfulness and subject else ()
    # The principal may: what it may not is a denial, recorded in the ledger and never sampled.
    facts = Facts(True, purpose, subject, sample.ruleset.version, held)  # noqa: FBT003
    return Replayed(sample, decide(question, facts, sample.decided_at, lawfulness.decide if lawfulness else None))


def _question(sample: DecisionSample) -> Question:
    codes = sample.question
    return Question(
        identifier_type=codes["identifier_type"],
        identifier="",  # not kept; the person stands in the facts
        purpose=codes["purpose"],
        channel=codes["channel"],
        operation=Operation(codes["operation"]),
        message_class=MessageClass(codes["message_class"]),
        fields=tuple(codes["fields"]),
        signals=frozenset(codes["signals"]),
    )


def _rule(sample: DecisionSample) -> PurposeRule:
    kept = sample.ruleset.purposes.get(sample.question["purpose"])
    if kept is None:
        raise NotFound("The rules that were kept do not know this purpose")
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in kept.items()}
    values["id"] = UUID(kept["id"])
    return PurposeRule(**values)
