"""Two years of choices of made-up people: given, refused, withdrawn, given again, objected, run out; it writes none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.demo.people import KNOWN, dice
from consent.lifecycle import State
from consent.services import Choice, History, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random  # noqa: TID251  # a type

    from config.demo.people import Person
    from consent.models import NoticeRevision
    from governance.models import Purpose

#: Days ago on which the second version of each notice took the place of the first.
NOTICE_CHANGED = 150
_SIGN_UP = {"larkspur": "larkspur-shop-sign-up", "fernway": "fernway-checkout"}


@dataclass(frozen=True, slots=True)
class Words:
    """What choices refer to: purposes by key, and the revisions of each notice, the oldest first."""

    purposes: Mapping[str, Purpose]
    notices: Mapping[str, tuple[NoticeRevision, ...]]


@dataclass(frozen=True, slots=True)
class _Step:
    """One choice, `day` days after the person joined."""

    day: int
    purpose: str
    state: State
    method: str = "web_form"
    channel: str = ""


def history(seed: int, each: Person, words: Words, now: datetime) -> History:
    """Give a person's identifiers and choices, the oldest first; nobody has chosen anything in the future."""
    identifiers = [("email", each.email), ("customer_id", each.customer_id)]
    if each.phone:
        identifiers.append(("phone", each.phone))
    steps = _known(each) if each.number <= len(KNOWN) else _steps(dice(seed, "choices", each.number), each.joined)
    past = sorted((step for step in steps if step.day <= each.joined), key=lambda step: step.day)
    choices = [_choice(step, each, words, now) for step in past]
    return History(identifiers, choices, list(_sent(seed, each, past, words, now)))


def _known(each: Person) -> Iterator[_Step]:
    """Yield what the documentation counts on: every third said no to letters, every fourth was not asked for more."""
    yield _Step(0, "newsletter", State.REFUSED if each.number % 3 == 0 else State.GIVEN)
    if each.number % 4:
        yield _Step(0, "personalisation", State.GIVEN)


def _steps(thrown: Random, joined: int) -> Iterator[_Step]:
    yield from _newsletter(thrown, joined)
    yield from _personalisation(thrown, joined)
    yield from _partners(thrown, joined)
    for purpose, share in (("analytics", 0.06), ("surveys", 0.05)):
        if thrown.random() < share:
            yield _Step(thrown.randrange(joined + 1), purpose, State.OBJECTED, "preference_centre")


def _newsletter(thrown: Random, joined: int) -> Iterator[_Step]:
    fate = thrown.random()
    if fate < 0.1:
        return
    if fate < 0.28:
        yield _Step(0, "newsletter", State.REFUSED)
        return
    yield _Step(0, "newsletter", State.PENDING_CONFIRMATION, "double_opt_in")
    if fate < 0.32:
        return  # the confirmation was never followed
    yield _Step(0, "newsletter", State.GIVEN, "double_opt_in")
    left = thrown.randrange(1, joined + 2)
    if fate < 0.5:
        yield _Step(left, "newsletter", State.WITHDRAWN, thrown.choice(("one_click", "preference_centre", "phone")))
    if fate < 0.36:
        yield _Step(left + thrown.randrange(5, 60), "newsletter", State.GIVEN, "preference_centre")
    elif fate > 0.96:
        yield _Step(left, "newsletter", State.REVOKED if fate < 0.98 else State.INVALIDATED, "staff")
    if thrown.random() < 0.2:
        state = thrown.choice((State.GIVEN, State.REFUSED))
        yield _Step(thrown.randrange(joined + 1), "newsletter", state, "in_person", "sms")


def _personalisation(thrown: Random, joined: int) -> Iterator[_Step]:
    fate = thrown.random()
    if fate > 0.75:
        return
    yield _Step(0, "personalisation", State.GIVEN if fate < 0.6 else State.REFUSED)
    if fate < 0.2:
        # A yes holds for a year; these said it again in time, the others' ran out.
        yield _Step(thrown.randrange(300, 365), "personalisation", State.GIVEN, "preference_centre")
    if 0.5 < fate < 0.6:
        yield _Step(thrown.randrange(1, joined + 2), "personalisation", State.WITHDRAWN, "preference_centre")


def _partners(thrown: Random, joined: int) -> Iterator[_Step]:
    fate = thrown.random()
    if fate < 0.6:
        yield _Step(0, "partners", State.REFUSED)
    elif fate < 0.72:
        yield _Step(0, "partners", State.GIVEN)
        if fate > 0.65:
            yield _Step(thrown.randrange(1, joined + 2), "partners", State.WITHDRAWN, "one_click")


def _sent(seed: int, each: Person, past: list[_Step], words: Words, now: datetime) -> Iterator[Sent]:
    """Yield what was sent: letters only between a yes and a no, and word of an order or two."""
    thrown = dice(seed, "sent", each.number)
    letters = [step for step in past if step.purpose == "newsletter" and step.channel in {"", "email"}]
    for place, step in enumerate(letters):
        until = letters[place + 1].day if place + 1 < len(letters) else each.joined
        if step.state == State.GIVEN and until > step.day:
            for _ in range(thrown.randrange(1, 5)):
                yield _message(each, words, now, thrown.randrange(step.day, until), "newsletter")
    for _ in range(thrown.randrange(0, 3)):
        yield _message(each, words, now, thrown.randrange(0, each.joined + 1), "delivery")


def _message(each: Person, words: Words, now: datetime, day: int, purpose: str) -> Sent:
    sent_at = now - timedelta(days=each.joined - day)
    is_letter = purpose == "newsletter"
    return Sent(
        purpose=words.purposes[purpose],
        channel="email",
        message_class="marketing" if is_letter else "transactional",
        campaign=f"{each.brand}-{sent_at:%Y-%m}" if is_letter else "",
        sent_at=sent_at,
    )


def _choice(step: _Step, each: Person, words: Words, now: datetime) -> Choice:
    ago = each.joined - step.day
    shown = step.state == State.GIVEN
    return Choice(
        purpose=words.purposes[step.purpose],
        state=step.state,
        method=step.method,
        channel=step.channel,
        notice_revision=_shown(step, each, words, ago) if shown else None,
        collection_point=_SIGN_UP[each.brand] if step.method in {"web_form", "double_opt_in"} else "",
        # A confirmation follows its question by minutes, and both stay in order.
        occurred_at=now - timedelta(days=ago) - timedelta(minutes=5 if shown else 10),
    )


def _shown(step: _Step, each: Person, words: Words, ago: int) -> NoticeRevision:
    notice = "suggestions" if step.purpose == "personalisation" else f"{each.brand}-letters"
    revisions = words.notices[notice]
    return revisions[0] if ago > NOTICE_CHANGED or len(revisions) == 1 else revisions[1]
