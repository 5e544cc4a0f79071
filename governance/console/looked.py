"""Says to a person who looked at their data and why: roles and reasons in plain words, never the name of staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from governance.console.words import ROLE_WORDS, words
from governance.policy.principal import SERVICE, STAFF
from governance.policy.vocabulary import RevealPurpose
from governance.subjects.openings import openings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django_stubs_ext import StrPromise

    from governance.models import Controller, DataSubject
    from governance.subjects.openings import Opening

WHY_WORDS: Final[Mapping[str, StrPromise]] = {
    RevealPurpose.ACCESS_PACKAGE: _("to make the copy that you asked for"),
    RevealPurpose.ADDRESS_PROOF: _("to check that the address is yours"),
    RevealPurpose.CUSTOMER_SUPPORT: _("to help you with a question"),
    RevealPurpose.DEMONSTRATION_MAILBOX: _("to show a letter in this demonstration"),
    RevealPurpose.FRAUD_PREVENTION: _("to look into suspected fraud"),
    RevealPurpose.LEGAL_CLAIM: _("because of a legal claim"),
    RevealPurpose.LETTER_DELIVERY: _("to send you a letter"),
    RevealPurpose.PREFERENCE_CENTRE: _("to show you your choices"),
    RevealPurpose.PUBLIC_INTEREST: _("in the public interest"),
    RevealPurpose.RIGHTS_OF_OTHERS: _("to protect the rights of somebody else"),
    RevealPurpose.SECURITY_INCIDENT: _("to look into a security incident"),
    RevealPurpose.SUBJECT_CONSENT: _("because you agreed to it"),
    RevealPurpose.SUBJECT_REQUEST: _("to answer your request"),
    RevealPurpose.SYSTEM_CONNECTION: _("to reach a connected system"),
}
#: What was opened, by the label that it is sealed under. What is not listed is called what it is: sealed data.
WHAT_WORDS: Final[Mapping[str, StrPromise]] = {
    "consent.evidence": _("how you made a choice"),
    "mail.to": _("a letter to you"),
    "mail.subject": _("a letter to you"),
    "mail.text": _("a letter to you"),
    "mail.html": _("a letter to you"),
    "proof.address": _("the address that you gave"),
    "request.contact": _("the address of your request"),
    "request.package": _("the copy made for you"),
    "step.collected": _("what connected systems hold on you"),
    "step.found": _("where connected systems hold something on you"),
    "step.seeds": _("what you are searched by"),
    "subject.identifier": _("your address or number"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One disclosure as the page tells it."""

    at: datetime
    who: str
    why: str
    what: str


def context(controller: Controller, subject: DataSubject | None, references: Sequence[str] = ()) -> dict[str, Any]:
    """Answer what the page shows: people and services first, this service's own work folded below, and oneself."""
    found, is_more = openings(controller.pk, subject, references)
    told: dict[str, list[Line]] = {"people": [], "machine": [], "own": []}
    for each in found:
        told["own" if each.is_own else "people" if each.by in {STAFF, SERVICE} else "machine"].append(_line(each))
    return {**told, "is_more": is_more, "controller": controller}


def _line(each: Opening) -> Line:
    what = dict.fromkeys(words(label, WHAT_WORDS) if label in WHAT_WORDS else "" for label in each.labels)
    known = [said for said in what if said]
    return Line(
        at=each.at,
        who=_who(each),
        why=words(each.purpose, WHY_WORDS) if each.purpose in WHY_WORDS else gettext("no reason was recorded"),
        what=", ".join(known) or gettext("sealed data"),
    )


def _who(each: Opening) -> str:
    if each.is_own:
        return gettext("You")
    if each.by not in {STAFF, SERVICE}:
        return gettext("This service itself")
    roles = ", ".join(words(role, ROLE_WORDS) for role in each.roles)
    return roles or (gettext("A member of staff") if each.by == STAFF else gettext("A connected service"))
