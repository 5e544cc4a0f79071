"""The decision doors' one way in: key and questions to answers, in one statement; knows no HTTP and no consent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from governance.access import decision_log, rulesets, service_keys
from governance.access.enforcement import OTHER_PURPOSE, deny
from governance.access.facts import Found, Handle, database_uuid, fetch
from governance.access.service_keys import PresentedKey
from governance.errors import GovernanceError, NotAuthenticated
from governance.keys import index_keys
from governance.models import ServiceKey
from governance.policy.decide import Decision, Facts, PurposeFact, PurposeRule, Question, decide
from governance.policy.principal import Principal
from governance.policy.vocabulary import Action
from governance.registry import sockets

#: Which controller a key belongs to never changes, so it may be remembered; whether the key is valid may not.
_controller_of_key: dict[str, UUID] = {}
_ATTEMPTS = 3


def answer(authorization: str, questions: Sequence[Question]) -> tuple[Principal, list[Decision]]:
    """Answer questions in order. One SQL statement when this process has met the key and the ruleset version.

    Raises NotAuthenticated; a question outside the service's scope is denied with CLIENT_NOT_AUTHORISED.
    """
    presented = service_keys.parse(authorization)
    controller_id = _controller(presented)
    for _attempt in range(_ATTEMPTS):
        ruleset = rulesets.cached(controller_id)
        wanted = _handles(controller_id, ruleset.version, questions)
        found = _fetch(presented, ruleset, questions, [handle for each in wanted for handle in each])
        instant = timezone.now()
        principal = _principal(presented, found, controller_id, instant)
        if found.key.ruleset == ruleset.version:
            # While an index is rotated a person may have an entry in one of its versions only.
            handles = [next((each for each in some if each in found.subjects), some[0]) for some in wanted]
            made = [
                _decide(question, handle, principal, ruleset, found, instant)
                for question, handle in zip(questions, handles, strict=True)
            ]
            asked = list(zip(questions, handles, made, strict=True))
            decision_log.note(controller_id, principal, ruleset, instant, asked, found.subjects)
            return principal, made
        rulesets.reload(controller_id)
    raise GovernanceError("The rules change faster than they can be read; try again")


def record_denial(principal: Principal, question: Question) -> None:
    """Record that a service asked about a purpose outside its scope; a purpose that is none of ours is not repeated."""
    controller = UUID(next(iter(principal.controllers)))
    # Free text in the append-only ledger could be a name.
    ruleset = rulesets.cached(controller)
    known = question.purpose if question.purpose in ruleset.purposes else ""
    deny(
        principal,
        Action.CONSENT_CHECK,
        controller_id=controller,
        resource=None,
        purpose=known,
        rule=OTHER_PURPOSE,
        ruleset=ruleset.fingerprint,
    )


def _controller(presented: PresentedKey) -> UUID:
    known = _controller_of_key.get(presented.key_id)
    if known is None:
        row = ServiceKey.objects.filter(key_id=presented.key_id).values_list("account__controller_id", flat=True)
        known = row.first()
        if known is None:
            raise NotAuthenticated
        _controller_of_key[presented.key_id] = known
    return known


def _handles(controller_id: UUID, ruleset: int, questions: Sequence[Question]) -> list[list[Handle]]:
    """What finds each person, under every version of its index that is in use."""
    versions = index_keys.at(controller_id, ruleset)
    return [index_keys.handles(versions, controller_id, each.identifier_type, each.identifier) for each in questions]


def _fetch(
    presented: PresentedKey, ruleset: rulesets.Ruleset, questions: Sequence[Question], handles: Sequence[Handle]
) -> Found:
    asked = {question.purpose for question in questions} & ruleset.purposes.keys()
    purposes = [database_uuid(ruleset.purposes[key].id) for key in sorted(asked)]
    fragment = sockets.lawfulness.fragment(purposes) if sockets.lawfulness else None
    found = fetch(presented.key_id, handles, fragment)
    if found is None:
        raise NotAuthenticated
    return found


def _principal(presented: PresentedKey, found: Found, controller_id: UUID, instant: datetime) -> Principal:
    key = found.key
    if not service_keys.is_valid(
        presented,
        key.digest,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        disabled_at=key.disabled_at,
        instant=instant,
    ):
        raise NotAuthenticated
    return service_keys.principal_from(key.account_id, controller_id, key.roles, key.purposes)


def _decide(
    question: Question,
    handle: Handle,
    principal: Principal,
    ruleset: rulesets.Ruleset,
    found: Found,
    instant: datetime,
) -> Decision:
    purpose = ruleset.purposes.get(question.purpose)
    facts = Facts(
        principal_may=may_ask(principal, question.purpose),
        purpose=purpose,
        subject=found.subjects.get(handle),
        ruleset=ruleset.version,
        lawfulness=_facts_about(purpose, found.rows.get(handle, ())),
    )
    lawful = sockets.lawfulness.decide if sockets.lawfulness else None
    return decide(question, facts, instant, lawful)


def _facts_about(purpose: PurposeRule | None, rows: Sequence[tuple[Any, ...]]) -> tuple[PurposeFact, ...]:
    if sockets.lawfulness is None or purpose is None:
        return ()
    facts = (sockets.lawfulness.row(row) for row in rows)
    # A batch fetches several purposes of one person at once; each question sees its own only.
    return tuple(fact for fact in facts if fact is not None and fact.purpose_id == purpose.id)


def may_ask(principal: Principal, purpose: str) -> bool:
    """Whether this service may ask about this purpose."""
    named = purpose in principal.purposes or "*" in principal.purposes
    return named and principal.may(Action.CONSENT_CHECK)
