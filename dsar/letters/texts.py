"""The words of each letter, active and in the second person; facts come in as names, counts and dates, never values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from dsar.deadlines import in_words
from dsar.letters.letter import Letter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from dsar.models import SubjectRequest

#: What the person asked for, as it reads in a sentence.
ASKED = {
    "access": "a copy of what we hold about you",
    "erasure": "the deletion of what we hold about you",
}
_REFUSALS = {
    "suspected_fraud": "we have reason to believe that it was not made by the person it is about.",
    "insufficient_verification": "we could not establish that it came from the person it is about.",
    "no_match": "we hold nothing under the address you gave us.",
    "claim_not_covered": "the law does not give this right for the data in question.",
    "outside_jurisdiction": "the law you named does not apply to the data we hold.",
    "too_many_requests": "we answered the same request a short while ago.",
    "other": "of a reason that we will explain to you in person; please contact us.",
}
_EXTENSIONS = {
    "complexity": "your request is complex",
    "number_of_requests": "we have received many requests",
}


def received(request: SubjectRequest, due_on: date) -> Letter:
    """Say that the address is proven and the work begins."""
    return _letter(
        request,
        title="We have your request",
        paragraphs=(
            f"You asked for {asked(request)}.",
            f"You confirmed your address. We will answer by {in_words(due_on)}.",
            "You do not need to do anything now. You can follow your request, or withdraw it, at any time.",
        ),
        button="Follow your request",
        link=link("/privacy/return/"),
    )


def extended(request: SubjectRequest, reason: str, until: date) -> Letter:
    """Say that more time is needed, and why (GDPR Art. 12(3))."""
    return _letter(
        request,
        title="We need more time",
        paragraphs=(
            f"You asked for {asked(request)}.",
            f"We need more time because {_EXTENSIONS[reason]}. We will answer by {in_words(until)} at the latest.",
            _complain(request),
        ),
    )


def refused(request: SubjectRequest, reason: str) -> Letter:
    """Say no, why, and where to turn to (GDPR Art. 12(4))."""
    return _letter(
        request,
        title="We cannot do what you asked",
        paragraphs=(
            f"You asked for {asked(request)}. We do not do this, because {_REFUSALS[reason]}",
            "If you think this is wrong, answer us: a person will look at it.",
            _complain(request),
        ),
    )


def withdrawn(request: SubjectRequest) -> Letter:
    """Confirm that the person changed their mind."""
    return _letter(
        request,
        title="You withdrew your request",
        paragraphs=(
            f"You had asked for {asked(request)}. We stopped working on it and changed nothing.",
            "You can ask again whenever you like.",
        ),
    )


def access_ready(request: SubjectRequest, until: date, withheld: Sequence[str]) -> Letter:
    """Say that the copy can be fetched, and what is not in it."""
    return _letter(
        request,
        title="Your copy is ready",
        paragraphs=(
            "The copy of what we hold about you is ready. It is not in this letter, so that nobody else reads it.",
            f"You can download it until {in_words(until)}. We will send you a new code first.",
        ),
        button="Get your copy",
        link=link("/privacy/return/"),
        lists=(("What is not in it, and why", withheld),) if withheld else (),
        after=(_complain(request),),
    )


def erasure_done(request: SubjectRequest, erased: Sequence[str], retained: Sequence[str]) -> Letter:
    """Say what was deleted, and what has to stay until when (GDPR Art. 17(3))."""
    lists = [("What we deleted", erased)] if erased else []
    if retained:
        lists.append(("What we must keep, why, and until when", retained))
    return _letter(
        request,
        title="We deleted what we hold about you" if not retained else "We deleted what we may delete",
        paragraphs=(
            "You asked for the deletion of what we hold about you. We have done it. It cannot be undone.",
            "What we must keep is used for nothing else."
            if retained
            else "Nothing had to be kept in the systems we searched.",
        ),
        lists=lists,
        after=(_complain(request),),
    )


def not_found(request: SubjectRequest) -> Letter:
    """Say that nothing is held: an answer too (GDPR Art. 15(1) gives the right to a confirmation)."""
    return _letter(
        request,
        title="We hold nothing under this address",
        paragraphs=(
            f"You asked for {asked(request)}. We searched our systems for the address you confirmed and found nothing.",
            "If you used another address with us, ask again from that address.",
            _complain(request),
        ),
    )


def asked(request: SubjectRequest) -> str:
    """Name what was asked for, as part of a sentence."""
    return " and ".join(ASKED.get(row.right, row.right.replace("_", " ")) for row in request.rights.all())


def link(path: str) -> str:
    """Give an address of this service."""
    return settings.GOVERNANCE_PUBLIC_URL.rstrip("/") + path


def _complain(request: SubjectRequest) -> str:
    authority = request.controller.authority
    where = f"with {authority}" if authority else "with the data protection authority where you live"
    return f"You can always complain {where}, or go to court."


def _letter(request: SubjectRequest, **parts: object) -> Letter:
    controller = request.controller
    return Letter(
        reference=request.reference,
        sender=request.brand.name if request.brand else controller.name,
        contact=controller.contact,
        **parts,  # type: ignore[arg-type]  # the callers above name the letter's own fields
    )
