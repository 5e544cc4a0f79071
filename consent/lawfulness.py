"""The stage of the decision that knows consent: facts in, decision out; pure, so it must not load anything.

Legal basis with its consent → objection → restriction → scope; each only narrows what stood before. The kernel has
already asked whether the principal may, whether the purpose exists and whether the person is erased. Callers act on
the reason codes, so their meaning never changes.

Of several choices the later one counts, with two exceptions, both towards no. A no about one channel stands until it is
answered about that channel: whoever stopped e-mail and later agrees to the purpose as a whole has not asked for e-mail
again (and a pending double opt-in is confirmed, not walked around). A no about every channel stops each of them. And a
no that was recorded after a yes counts although its clock says it is a little older: clocks of honest systems differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from consent import lifecycle
from consent.lifecycle import State
from governance.policy.decide import (
    Decision,
    Facts,
    MessageClass,
    Operation,
    Outcome,
    PurposeRule,
    Question,
    SubjectFacts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

MAY_REASK: Final = "MAY_REASK"
CHECK_CHANNEL: Final = "CHECK_CHANNEL_BEFORE_CONTACT"

_EXPLICIT: Final = "explicit"
#: Channels that need prior consent for advertising, whatever the basis under the GDPR (ePrivacy Directive Art. 13(1)).
_EPRIVACY_CHANNELS: Final = frozenset({"automated_call", "email", "fax", "mms", "sms"})
#: Bases that a person can object to (GDPR Art. 21(1)); to direct marketing under any basis (Art. 21(2)).
_OBJECTIONABLE: Final = frozenset({"consent", "legitimate_interest", "public_task"})
#: What no other basis than consent carries.
_NEEDS_CONSENT: Final = frozenset({Operation.PROFILE, Operation.SELL})

_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        State.REQUESTED: "CONSENT_PENDING",
        State.PENDING_CONFIRMATION: "CONSENT_PENDING",
        State.REFUSED: "CONSENT_REFUSED",
        State.WITHDRAWN: "CONSENT_WITHDRAWN",
        State.REVOKED: "CONSENT_REVOKED",
        State.EXPIRED: "CONSENT_EXPIRED",
        State.INVALIDATED: "CONSENT_INVALIDATED",
        State.OBJECTED: "OBJECTION_PENDING",
    }
)
#: Answers about one channel that a yes for every channel does not answer.
_STANDS: Final = lifecycle.DENIALS | {State.PENDING_CONFIRMATION}
_REASKABLE: Final = frozenset({"CONSENT_EXPIRED", "POLICY_VERSION_STALE"})
#: What would have to be true instead, the smallest change first: the nearest miss.
_NEAREST: Mapping[str, str] = MappingProxyType(
    {
        "BASIS_NOT_FOR_MARKETING": "purpose with another lawful basis",
        "CONSENT_EXPIRED": "renewed consent",
        "CONSENT_INVALIDATED": "new consent",
        "CONSENT_PENDING": "confirmed consent",
        "CONSENT_REFUSED": "new consent",
        "CONSENT_REVOKED": "new consent",
        "CONSENT_WITHDRAWN": "new consent",
        "EPRIVACY_CONSENT_REQUIRED": "consent for this channel",
        "EVIDENCE_MISSING": "consent with notice version and method",
        "EXPLICIT_CONSENT_REQUIRED": "explicit consent",
        "NO_RECORD": "consent",
        "OBJECTION_DM": "consent newer than the objection",
        "OBJECTION_PENDING": "consent newer than the objection",
        "OPERATION_NOT_REGISTERED": "consent, or another operation",
        "POLICY_VERSION_STALE": "consent to the current notice",
        "RESTRICTED": "consent newer than the restriction",
        "SCOPE": "data categories that the purpose names",
    }
)


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """The current choice of one person for one purpose and channel; an empty channel means every channel."""

    purpose_id: UUID
    channel: str
    state: str
    occurred_at: datetime
    event_id: UUID
    consent_type: str = "expressed"
    method: str = ""
    expires_at: datetime | None = None
    notice_version: int | None = None
    material_version: int | None = None
    objected_at: datetime | None = None
    recorded_at: datetime | None = None


def decide(question: Question, facts: Facts, instant: datetime) -> Decision | None:
    """Answer for one purpose from the facts of one person. None when the purpose is not known to this stage."""
    purpose = facts.purpose
    if purpose is None or purpose.lawful_basis not in _BASES:
        return None
    if facts.subject is None:
        # The shape of a refusal: who asks about a stranger learns nothing (invariant 11).
        return _finish(_deny("NO_RECORD"), facts)
    choices = [fact for fact in facts.lawfulness if isinstance(fact, ConsentFact) and _applies(fact, question.channel)]
    case = _Case(question, purpose, choices, latest(choices), instant)
    verdict = _restriction(case, facts.subject, _objection(case, _BASES[purpose.lawful_basis](case)))
    return _finish(_scope(case, verdict), facts)


@dataclass(frozen=True, slots=True)
class _Case:
    """One question with what the stage looks at."""

    question: Question
    purpose: PurposeRule
    choices: list[ConsentFact]
    choice: ConsentFact | None
    instant: datetime


def latest(choices: Iterable[ConsentFact]) -> ConsentFact | None:
    """Answer the fact that counts among those about one channel and about every channel, as the module says."""
    every = list(choices)
    own = _last([fact for fact in every if fact.channel])
    if own is not None and own.state in _STANDS:
        every = [fact for fact in every if fact.channel or not _is_given(fact)]
    return _last(every)


def _last(choices: list[ConsentFact]) -> ConsentFact | None:
    """Answer the later fact, of two of the same moment the stricter, and a late no before the yes it answers."""
    found = max(choices, key=_order, default=None)
    if found is None or found.state in lifecycle.DENIALS:
        return found
    return max((fact for fact in choices if _is_late_no(fact, found)), key=_order, default=found)


def _order(fact: ConsentFact) -> tuple[datetime, int, tuple[bool, bool, float], str]:
    return fact.occurred_at, lifecycle.strictness(fact.state), _weakness(fact), fact.event_id.hex


def _is_late_no(fact: ConsentFact, other: ConsentFact) -> bool:
    if fact.recorded_at is None or other.recorded_at is None or fact.recorded_at <= other.recorded_at:
        return False
    # The rule of one row, across channels: one stop button must not lose to a clock.
    return lifecycle.takes_effect(other.state, other.occurred_at, fact.state, fact.occurred_at)


def _weakness(fact: ConsentFact) -> tuple[bool, bool, float]:
    """Rank two consents of the same moment: the one that carries less counts."""
    until = fact.expires_at.timestamp() if fact.expires_at else float("inf")
    return fact.consent_type != _EXPLICIT, fact.notice_version is None or not fact.method, -until


def _applies(fact: ConsentFact, channel: str) -> bool:
    # A question without a channel never infers from a choice about one channel.
    return fact.channel in {"", channel}


def _objection(case: _Case, verdict: Decision) -> Decision:
    """Let an objection stand against any basis until a valid consent that is newer (D09-D12).

    Asking again never lifts it, and when that consent ends the objection is back.
    """
    objected = [(at, fact) for fact in case.choices if (at := _objected_at(fact, case.purpose)) is not None]
    if not objected or not (case.purpose.direct_marketing or case.purpose.lawful_basis in _OBJECTIONABLE):
        return verdict
    reason = "OBJECTION_DM" if case.purpose.direct_marketing else "OBJECTION_PENDING"
    at, fact = max(objected, key=lambda pair: (pair[0], pair[1].event_id.hex))
    if case.choice is None or not _is_given(case.choice) or case.choice.occurred_at <= at:
        return _deny(reason, fact)
    if not verdict.allowed:
        return verdict
    consent = _consent(case)
    return consent if consent.allowed else replace(consent, reasons=(reason, *consent.reasons))


def _restriction(case: _Case, subject: SubjectFacts, verdict: Decision) -> Decision:
    """Under restriction only a valid consent that is newer carries a use (GDPR Art. 18(2), D07)."""
    if subject.status != "restricted" or case.question.operation is Operation.STORE or not verdict.allowed:
        return verdict
    since, consent = subject.restricted_at, _consent(case)
    is_newer = case.choice is not None and since is not None and case.choice.occurred_at > since
    return consent if consent.allowed and is_newer else _deny("RESTRICTED")


def _objected_at(fact: ConsentFact, purpose: PurposeRule) -> datetime | None:
    own = fact.occurred_at if lifecycle.is_objection(fact.state, purpose.lawful_basis) else None
    return max((at for at in (own, fact.objected_at) if at is not None), default=None)


def _consent(case: _Case) -> Decision:
    """Consent as the basis (GDPR Art. 6(1)(a), 7): given, current, provable, explicit where it must be."""
    choice = case.choice
    if choice is None:
        return _deny("NO_RECORD")
    if not _is_given(choice):
        return _deny(_REFUSALS[choice.state], choice)
    flaw = _flaw(choice, case)
    if flaw:
        return _deny(flaw, choice)
    overrode = any(_objected_at(fact, case.purpose) is not None for fact in case.choices)
    return Decision(
        Outcome.ALLOW,
        ("CONSENT_AFTER_OBJECTION" if overrode else "CONSENT_GIVEN",),
        basis="consent",
        evidence=(str(choice.event_id),),
        valid_until=choice.expires_at,
    )


def _flaw(choice: ConsentFact, case: _Case) -> str:
    """Name what a given consent lacks; empty when it holds. Expiry is computed here, whatever a job has done."""
    if choice.expires_at is not None and case.instant >= choice.expires_at:
        return "CONSENT_EXPIRED"
    # GDPR Art. 7(1): the controller must be able to demonstrate it.
    if choice.notice_version is None or not choice.method:
        return "EVIDENCE_MISSING"
    if choice.material_version is not None and choice.notice_version < choice.material_version:
        return "POLICY_VERSION_STALE"
    if case.purpose.special_category and choice.consent_type != _EXPLICIT:
        return "EXPLICIT_CONSENT_REQUIRED"
    return ""


def _legitimate_interest(case: _Case) -> Decision:
    is_advertising = case.purpose.direct_marketing and case.question.message_class is MessageClass.MARKETING
    if is_advertising and case.question.channel in _EPRIVACY_CHANNELS:
        return _with_consent(case, "EPRIVACY_CONSENT_REQUIRED")
    if case.question.operation is Operation.SELL:
        return _with_consent(case, "OPERATION_NOT_REGISTERED")
    verdict = _other_basis(case)
    needs_channel = is_advertising and not case.question.channel and verdict.allowed
    return replace(verdict, obligations=(CHECK_CHANNEL,)) if needs_channel else verdict


def _necessity(case: _Case) -> Decision:
    """Contract, legal obligation, vital interest, public task: what is registered, never advertising (D43, D44)."""
    if case.purpose.direct_marketing:
        return _deny("BASIS_NOT_FOR_MARKETING")
    if case.question.operation in _NEEDS_CONSENT:
        return _with_consent(case, "OPERATION_NOT_REGISTERED")
    return _other_basis(case)


def _other_basis(case: _Case) -> Decision:
    basis = case.purpose.lawful_basis
    # GDPR Art. 9(2): a basis of Art. 6 alone never carries special categories.
    if case.purpose.special_category:
        return _with_consent(case, "EXPLICIT_CONSENT_REQUIRED")
    return Decision(Outcome.ALLOW, (basis.upper(),), basis=basis)


def _with_consent(case: _Case, reason: str) -> Decision:
    """Allow with a valid consent only, and otherwise say why one is needed before saying what it lacks."""
    verdict = _consent(case)
    return verdict if verdict.allowed else replace(verdict, reasons=(reason, *verdict.reasons))


def _scope(case: _Case, verdict: Decision) -> Decision:
    """Narrow to the data categories the purpose names (D49); a later stage never widens."""
    asked = case.question.fields
    if not verdict.allowed or not asked:
        return verdict
    covered = tuple(field for field in asked if _is_covered(field, case.purpose.data_categories))
    if not covered:
        return _deny("SCOPE")
    if len(covered) == len(asked):
        return verdict
    return replace(verdict, outcome=Outcome.RESTRICTED, reasons=(*verdict.reasons, "SCOPE"), fields=covered)


def _is_covered(field: str, categories: tuple[str, ...]) -> bool:
    # Fideslang keys are paths: a category covers what lies below it, never what lies above.
    return any(field == category or field.startswith(f"{category}.") for category in categories)


def _is_given(fact: ConsentFact | None) -> bool:
    return fact is not None and fact.state == State.GIVEN


def _deny(reason: str, fact: ConsentFact | None = None) -> Decision:
    return Decision(
        Outcome.DENY,
        (reason,),
        evidence=(str(fact.event_id),) if fact else (),
        obligations=(MAY_REASK,) if reason in _REASKABLE else (),
        nearest_miss=_NEAREST[reason],
    )


def _finish(verdict: Decision, facts: Facts) -> Decision:
    return replace(verdict, ruleset=facts.ruleset)


_BASES: Mapping[str, Callable[[_Case], Decision]] = MappingProxyType(
    {
        "consent": _consent,
        "contract": _necessity,
        "legal_obligation": _necessity,
        "legitimate_interest": _legitimate_interest,
        "public_task": _necessity,
        "vital_interest": _necessity,
    }
)
