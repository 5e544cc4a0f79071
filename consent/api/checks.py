"""The decision doors, as lean views: one question or a thousand to answers in order; no rule and no session here."""

from __future__ import annotations

import json
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from consent.api import parsing
from consent.api.replay import as_of
from governance.access import decisions, service_keys
from governance.errors import AccessDenied, BadInput
from governance.policy.decide import Decision, Outcome, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from governance.policy.principal import Principal

_NOT_AUTHORISED = ("CLIENT_NOT_AUTHORISED",)


def check(request: HttpRequest) -> HttpResponse:
    """POST /v1/consent/check: one answer. A service that may not ask about the purpose gets 403, recorded (D02)."""
    header = _credentials(request)
    question = parsing.read_check(request)
    principal, answers = _answer(header, [question], lambda _position: "")
    if answers[0].reasons == _NOT_AUTHORISED:
        decisions.record_denial(principal, question)
        raise AccessDenied("This service may not ask about this purpose")
    return _respond(shape(answers[0]))


def check_batch(request: HttpRequest) -> HttpResponse:
    """POST /v1/consent/check/batch: answers in the order of the questions; one that may not be asked is denied."""
    header = _credentials(request)
    questions = parsing.read_checks(request)
    principal, answers = _answer(header, questions, lambda position: f"/checks/{position}")
    refused = [
        question for question, answer in zip(questions, answers, strict=True) if answer.reasons == _NOT_AUTHORISED
    ]
    if refused:
        # One record a batch: a thousand would let a mistaken client flood the ledger.
        decisions.record_denial(principal, refused[0])
    return _respond({"results": [shape(answer) for answer in answers]})


def shape(decision: Decision) -> dict[str, Any]:
    """Answer a decision as the doors write it: the same keys for known and unknown, allowed and refused people."""
    body: dict[str, Any] = {
        "decision": decision.outcome.value,
        "reasons": list(decision.reasons),
        "basis": decision.basis,
        "evidence": list(decision.evidence),
        "obligations": list(decision.obligations),
        "valid_until": decision.valid_until.isoformat() if decision.valid_until else None,
        "ruleset": decision.ruleset,
    }
    if decision.outcome is Outcome.RESTRICTED:
        body["fields"] = list(decision.fields)
    if decision.outcome is Outcome.DENY:
        body["nearest_miss"] = decision.nearest_miss
    body["token"] = _token(body)
    return body


def _credentials(request: HttpRequest) -> str:
    """Refuse a caller without any key before a megabyte is read for them."""
    header = request.headers.get("Authorization", "")
    service_keys.parse(header)
    return header


def _answer(
    header: str, questions: Sequence[Question], pointer: Callable[[int], str]
) -> tuple[Principal, list[Decision]]:
    try:
        principal, answers = decisions.answer(header, questions)
    except BadInput as refused:
        raise parsing.blame(questions, pointer) or refused from None
    return principal, [
        as_of(principal, question, answer) if question.as_of else answer
        for question, answer in zip(questions, answers, strict=True)
    ]


def _token(body: dict[str, Any]) -> str:
    """Name this answer: two answers from the same facts and rules have the same token, on every node."""
    return blake2s(json.dumps(body, sort_keys=True).encode(), digest_size=12).hexdigest()


def _respond(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(json.dumps(body, separators=(",", ":")), content_type="application/json")
