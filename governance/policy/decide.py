"""The one decision: composes stages over facts, pure in (question, facts, instant); it must not load anything.

Order (ARCHITECTURE, "Decision"): principal may → purpose known → subject standing → the plugged-in lawfulness stage
(objection, regime, signals, legal basis, scope, preferences, frequency, quiet hours) → default deny.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """The four answers."""

    ALLOW = "allow"
    DENY = "deny"
    DEFER = "defer"
    RESTRICTED = "restricted"


class Operation(StrEnum):
    """What is done with the data; storing alone stays possible under restriction (GDPR Art. 18(2))."""

    COLLECT = "collect"
    CONTACT = "contact"
    PROFILE = "profile"
    SELL = "sell"
    SHARE = "share"
    STORE = "store"
    TRANSFER = "transfer"
    USE = "use"


class MessageClass(StrEnum):
    """Whether a message sells something or carries out what the person asked for."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """One use of one person's data. Its `repr` is the default object's: the identifier is personal data."""

    identifier_type: str
    identifier: str
    purpose: str
    channel: str = ""
    operation: Operation = Operation.USE
    message_class: MessageClass = MessageClass.MARKETING
    fields: tuple[str, ...] = ()
    signals: frozenset[str] = frozenset()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """A purpose, compiled from its row for one ruleset version."""

    id: UUID
    key: str
    lawful_basis: str
    version: int
    direct_marketing: bool = False
    special_category: bool = False
    validity_days: int | None = None
    channels: tuple[str, ...] = ()
    data_categories: tuple[str, ...] = ()
    retired: bool = False


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """The standing of a known person."""

    id: UUID
    status: str
    restricted_at: datetime | None = None


class PurposeFact(Protocol):
    """One fact that the plugged-in stage holds about a person and a purpose."""

    @property
    def purpose_id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What one decision is made from. `lawfulness`: what the plugged-in stage knows of this person and purpose."""

    principal_may: bool
    purpose: PurposeRule | None
    subject: SubjectFacts | None
    ruleset: int
    lawfulness: tuple[PurposeFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer that explains itself: ordered reason codes, basis, evidence ids and obligations."""

    outcome: Outcome
    reasons: tuple[str, ...]
    basis: str | None = None
    evidence: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    valid_until: datetime | None = None
    fields: tuple[str, ...] = ()
    ruleset: int = 0
    nearest_miss: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        """Whether the use may go ahead now and in full."""
        return self.outcome is Outcome.ALLOW


Stage = Callable[[Question, Facts, datetime], Decision | None]


def deny(*reasons: str, **more: Any) -> Decision:
    """A refusal with its reason codes."""
    return Decision(Outcome.DENY, reasons, **more)


def decide(question: Question, facts: Facts, instant: datetime, lawful: Stage | None) -> Decision:
    """Answer one question. Denies by default, when nobody is plugged in, and when a stage fails."""
    stages: tuple[Stage | None, ...] = (_principal_may, _purpose_known, _subject_standing, lawful)
    try:
        for stage in stages:
            verdict = stage(question, facts, instant) if stage else None
            if verdict is not None:
                return replace(verdict, ruleset=facts.ruleset)
    except Exception as error:  # noqa: BLE001  # an error in a rule denies, it never opens (invariant 4)
        # Its class only: a message may quote the facts.
        logger.error("decision.rule_error %s", type(error).__name__)  # noqa: TRY400
        return deny("RULE_ERROR", ruleset=facts.ruleset)
    return deny("DEFAULT_DENY", ruleset=facts.ruleset)


def _principal_may(_question: Question, facts: Facts, _instant: datetime) -> Decision | None:
    return None if facts.principal_may else deny("CLIENT_NOT_AUTHORISED")


def _purpose_known(_question: Question, facts: Facts, _instant: datetime) -> Decision | None:
    return deny("PURPOSE_UNKNOWN") if facts.purpose is None or facts.purpose.retired else None


def _subject_standing(question: Question, facts: Facts, _instant: datetime) -> Decision | None:
    subject = facts.subject
    if subject is None:
        return None  # what an unknown person means depends on the regime: the lawfulness stage says
    if subject.status == "erased":
        return deny("SUBJECT_ERASED")
    if subject.status == "restricted" and question.operation is not Operation.STORE:
        # GDPR Art. 18(2): consent given after the restriction lifts it for that use; the next stage sees the date.
        return None if _consented_after(facts) else deny("RESTRICTED")
    return None


def _consented_after(facts: Facts) -> bool:
    since = facts.subject.restricted_at if facts.subject else None
    return since is not None and any(fact.state == "given" and fact.occurred_at > since for fact in facts.lawfulness)
