"""The words of each letter, active and in the second person; facts come in as names, counts and dates, never values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dsar.letters.letter import Letter
from governance.access.colours import is_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from dsar.models import SubjectRequest

Given = ParamSpec("Given")

#: What the person asked for, as it reads in a sentence.
ASKED = {
    "access": _("a copy of what we hold about you"),
    "erasure": _("the deletion of what we hold about you"),
}
_REFUSALS = {
    "suspected_fraud": _("we have reason to believe that it was not made by the person it is about."),
    "insufficient_verification": _("we could not establish that it came from the person it is about."),
    "no_match": _("we hold nothing under the address you gave us."),
    "claim_not_covered": _("the law does not give this right for the data in question."),
    "outside_jurisdiction": _("the law you named does not apply to the data we hold."),
    "too_many_requests": _("we answered the same request a short while ago."),
    "other": _("of a reason that we will explain to you in person; please contact us."),
}
_EXTENSIONS = {
    "complexity": _("your request is complex"),
    "number_of_requests": _("we have received many requests"),
}
_QUESTIONS = {
    "identity": _("We have reason to doubt that the request comes from you. Please contact us to confirm who you are."),
    "clarification": _("We hold a lot about you. Please contact us and tell us what your request is about."),
    "fee": _("This request costs a fee, as we told you. We begin when it is paid."),
}


def _in_their_language(write: Callable[Concatenate[SubjectRequest, Given], Letter]) -> Callable[..., Letter]:
    """Write a letter in the language of whoever gets it, not of whoever pressed the button."""

    @wraps(write)
    def written(request: SubjectRequest, *given: Given.args, **named: Given.kwargs) -> Letter:
        with translation.override(request.language):
            return write(request, *given, **named)

    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What an answer goes without, or, in a later answer, went without before."""

    systems: Sequence[str] = ()
    #: Whether we look there again and write once more; otherwise that part is refused.
    follows: bool = False
    #: When we told the person that something was missing.
    told_on: date | None = None
    #: By when the rest is due; none once that has passed.
    due_on: date | None = None


_WHOLE = Rest()


@_in_their_language
def received(request: SubjectRequest, due_on: date) -> Letter:
    """Say that the address is proven and the work begins."""
    return _letter(
        request,
        title=gettext("We have your request"),
        paragraphs=(
            gettext("You asked for %(what)s.") % {"what": asked(request)},
            gettext("You confirmed your address. We will answer by %(date)s.") % {"date": _day(due_on)},
            gettext("You do not need to do anything now. You can follow your request, or withdraw it, at any time."),
        ),
        button=gettext("Follow your request"),
        link=link(request, "/privacy/return/"),
    )


@_in_their_language
def extended(request: SubjectRequest, reason: str, until: date) -> Letter:
    """Say that more time is needed, and why (GDPR Art. 12(3))."""
    facts = {"why": _EXTENSIONS[reason], "date": _day(until)}
    return _letter(
        request,
        title=gettext("We need more time"),
        paragraphs=(
            gettext("You asked for %(what)s.") % {"what": asked(request)},
            gettext("We need more time because %(why)s. We will answer by %(date)s at the latest.") % facts,
            _complain(request),
        ),
        button=gettext("Follow your request"),
        link=link(request, "/privacy/return/"),
    )


@_in_their_language
def refused(request: SubjectRequest, reason: str) -> Letter:
    """Say no, why, and where to turn to (GDPR Art. 12(4))."""
    facts = {"what": asked(request), "why": _REFUSALS[reason]}
    return _letter(
        request,
        title=gettext("We cannot do what you asked"),
        paragraphs=(
            gettext("You asked for %(what)s. We do not do this, because %(why)s") % facts,
            gettext("If you think this is wrong, answer us: a person will look at it."),
            _complain(request),
        ),
    )


@_in_their_language
def lapsed(request: SubjectRequest) -> Letter:
    """Say that nobody proved the address, so that whoever did ask can ask again."""
    return _letter(
        request,
        title=gettext("We could not go on with your request"),
        paragraphs=(
            gettext("You asked for %(what)s. The code that we sent to this address was not used.")
            % {"what": asked(request)},
            gettext("So we could not be sure that it was you who asked, and stopped. Nothing was changed."),
            gettext("You can ask again whenever you like. If you did not ask, you do not need to do anything."),
        ),
        button=gettext("Ask again"),
        link=link(request, "/privacy/"),
    )


@_in_their_language
def withdrawn(request: SubjectRequest) -> Letter:
    """Confirm that the person changed their mind."""
    return _letter(
        request,
        title=gettext("You withdrew your request"),
        paragraphs=(
            gettext("You had asked for %(what)s. We stopped working on it and changed nothing.")
            % {"what": asked(request)},
            gettext("You can ask again whenever you like."),
        ),
    )


@_in_their_language
def access_ready(request: SubjectRequest, until: date, withheld: Sequence[str], rest: Rest = _WHOLE) -> Letter:
    """Say that the copy can be fetched, and what is not in it."""
    title = gettext("The first part of your copy is ready") if rest.follows else gettext("Your copy is ready")
    return _letter(
        request,
        title=title,
        paragraphs=(
            *_since(rest),
            gettext(
                "The copy of what we hold about you is ready. It is not in this letter, so that nobody else reads it."
            ),
            gettext("You can download it until %(date)s. We will send you a new code first.") % {"date": _day(until)},
            *_missing(rest),
        ),
        button=gettext("Get your copy"),
        link=link(request, "/privacy/return/"),
        lists=((gettext("What is not in it, and why"), withheld),) if withheld else (),
        after=(_complain(request),),
    )


@_in_their_language
def erasure_done(
    request: SubjectRequest, erased: Sequence[str], retained: Sequence[str], rest: Rest = _WHOLE
) -> Letter:
    """Say what was deleted, and what has to stay until when (GDPR Art. 17(3))."""
    lists = [(gettext("What we deleted"), erased)] if erased else []
    if retained:
        lists.append((gettext("What we must keep, why, and until when"), retained))
    whole, part = gettext("We deleted what we hold about you"), gettext("We deleted what we may delete")
    return _letter(
        request,
        title=_erasure_title(rest, part if retained else whole),
        paragraphs=(
            *_since(rest),
            _erasure_words(rest, has_erased=bool(erased)),
            *_missing(rest),
            gettext("What we must keep is used for nothing else.")
            if retained
            else gettext("Nothing had to be kept in the systems we searched."),
        ),
        lists=lists,
        after=(_complain(request),),
    )


def _erasure_title(rest: Rest, otherwise: str) -> str:
    return gettext("We deleted what we could reach so far") if rest.systems else otherwise


def _erasure_words(rest: Rest, *, has_erased: bool) -> str:
    if not rest.systems:
        return gettext("You asked for the deletion of what we hold about you. We have done it. It cannot be undone.")
    if has_erased:
        return gettext(
            "You asked for the deletion of what we hold about you. We have done it where we could. It cannot be undone."
        )
    return gettext("You asked for the deletion of what we hold about you. We have deleted nothing so far.")


@_in_their_language
def erasure_withheld(
    request: SubjectRequest, _erased: Sequence[str], retained: Sequence[str], rest: Rest = _WHOLE
) -> Letter:
    """Say that nothing was deleted, why, until when, and where to turn to (GDPR Art. 12(4), 17(3))."""
    return _letter(
        request,
        title=gettext("We cannot delete your data yet"),
        paragraphs=(
            gettext("You asked for the deletion of what we hold about you. We have deleted nothing so far."),
            *_missing(rest),
            gettext("What we must keep is used for nothing else. You can ask again once the date has passed."),
        ),
        lists=((gettext("What we must keep, why, and until when"), retained),),
        after=(_complain(request),),
    )


@_in_their_language
def question(request: SubjectRequest, reason: str) -> Letter:
    """Ask what is needed to go on, and say that the clock stands still meanwhile; what is asked is told in person."""
    return _letter(
        request,
        title=gettext("We need to ask you something"),
        paragraphs=(
            gettext("You asked for %(what)s.") % {"what": asked(request)},
            str(_QUESTIONS[reason]),
            gettext(
                "Until we have your answer, the time we have to answer you does not count. We go on when it is here."
            ),
            _complain(request),
        ),
        button=gettext("Follow your request"),
        link=link(request, "/privacy/return/"),
    )


@_in_their_language
def merged(request: SubjectRequest, earlier: str, due_at: datetime) -> Letter:
    """Say that an earlier request of the same person answers this one as well, and by when."""
    day = request.controller.day_of(due_at)
    facts = {"what": asked(request), "earlier": earlier, "date": _day(day)}
    return _letter(
        request,
        title=gettext("You have asked us this before"),
        paragraphs=(
            gettext("You asked for %(what)s. Your earlier request %(earlier)s asks for the same.") % facts,
            gettext("We answer both together, under %(earlier)s, by %(date)s.") % facts,
            gettext("If you meant something else, answer this letter: a person will look at it."),
        ),
        button=gettext("Follow your request"),
        link=link(request, "/privacy/return/"),
    )


@_in_their_language
def acknowledged(request: SubjectRequest) -> Letter:
    """Confirm the receipt to somebody whose address nobody proved, and say how it goes on (11 CCR § 7021(a))."""
    return _letter(
        request,
        title=gettext("We have received a request"),
        paragraphs=(
            gettext("Somebody gave us this address and asked for %(what)s.") % {"what": asked(request)},
            gettext(
                "We go on once the code that we sent to this address is confirmed. Then we search our systems, a "
                "person here checks what was found, and we answer."
            ),
            gettext("If you did not ask, you do not need to do anything."),
        ),
        button=gettext("Confirm your address"),
        link=link(request, "/privacy/return/"),
    )


@_in_their_language
def not_found(request: SubjectRequest, rest: Rest = _WHOLE) -> Letter:
    """Say that nothing is held: an answer too (GDPR Art. 15(1) gives the right to a confirmation)."""
    searched = gettext(
        "You asked for %(what)s. We searched our systems for the address you confirmed and found nothing."
    )
    return _letter(
        request,
        title=gettext("We have found nothing so far")
        if rest.systems
        else gettext("We hold nothing under this address"),
        paragraphs=(
            *_since(rest),
            searched % {"what": asked(request)},
            *_missing(rest),
            gettext("If you used another address with us, ask again from that address."),
            _complain(request),
        ),
        button=gettext("Ask again"),
        link=link(request, "/privacy/"),
    )


def _missing(rest: Rest) -> Iterator[str]:
    """Name what could not be reached, and what follows for it (GDPR Art. 12(3) and (4))."""
    if not rest.systems:
        return
    facts = {"systems": ", ".join(rest.systems), "date": _day(rest.due_on) if rest.due_on else ""}
    yield gettext("We could not reach this system: %(systems)s. So this answer is not complete.") % facts
    if not rest.follows:
        yield gettext(
            "We do not look there again for this request: this part we cannot answer. You can ask again at any time."
        )
    elif rest.due_on:
        yield gettext("We look there again as soon as it can be reached, and write to you by %(date)s.") % facts
    else:
        yield gettext("We look there again as soon as it can be reached, and write to you then.")


def _since(rest: Rest) -> Iterator[str]:
    """Remind of the first part of an answer."""
    if rest.told_on is not None:
        told = gettext("On %(date)s we told you that a system could not be reached. This is the rest of our answer.")
        yield told % {"date": _day(rest.told_on)}


def asked(request: SubjectRequest) -> str:
    """Name what was asked for, as part of a sentence."""
    rights = (str(ASKED.get(row.right) or row.right.replace("_", " ")) for row in request.rights.all())
    return gettext(" and ").join(rights)


def link(request: SubjectRequest, path: str) -> str:
    """Give an address of this service, on the host of the brand or else of the controller, where one has its own.

    A request is found on the pages of its own controller alone.
    """
    base = urlsplit(settings.GOVERNANCE_PUBLIC_URL.rstrip("/"))
    host = (request.brand.host if request.brand else "") or request.controller.host
    if host:
        base = base._replace(netloc=host if base.port is None else f"{host}:{base.port}")
    return urlunsplit(base) + path


def _day(day: date) -> str:
    return date_format(day, "j F Y")


def _complain(request: SubjectRequest) -> str:
    authority = request.controller.authority or gettext("the data protection authority where you live")
    return gettext("You can always complain with %(authority)s, or go to court.") % {"authority": authority}


def _letter(request: SubjectRequest, **parts: Any) -> Letter:
    controller = request.controller
    return Letter(
        reference=request.reference,
        sender=request.brand.name if request.brand else controller.name,
        contact=controller.contact,
        language=request.language,
        **({"accent": request.brand.accent} if request.brand and is_readable(request.brand.accent) else {}),
        **parts,
    )
