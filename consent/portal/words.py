"""Says in plain words what counts for a purpose, since when and how it was chosen; it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime

from consent import services
from consent.lifecycle import DENIALS, UNKNOWN, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from consent.models import ConsentEvent
    from consent.selectors.centre import Line
    from governance.models import Purpose

_HOW: Mapping[str, str] = MappingProxyType(
    {
        "api": "through one of our services",
        "double_opt_in": "by confirming our message",
        "import": "in a system we used before",
        "in_person": "in person",
        "one_click": "by the link in a message",
        "phone": "on the phone",
        "preference_centre": "on this page",
        "staff": "through our staff",
        "web_form": "in a form",
    }
)
_NO_USE = "We do not use your data for this until you say yes."
#: Sentences by reason code; `date` is when it was chosen, `how` in what way, `until` when it ends.
_BY_REASON: Mapping[str, str] = MappingProxyType(
    {
        "CONSENT_AFTER_OBJECTION": "You said yes on {date}, {how}, after you had said no.",
        "CONSENT_EXPIRED": "Your yes of {date} has run out. " + _NO_USE,
        "CONSENT_GIVEN": "You said yes on {date}, {how}.",
        "CONSENT_INVALIDATED": "Your yes was found not to count on {date}. " + _NO_USE,
        "CONSENT_REVOKED": "Your yes was ended by us on {date}. " + _NO_USE,
        "EVIDENCE_MISSING": "A yes of {date} is on file without the words you were shown, so we do not rely on it.",
        "EXPLICIT_CONSENT_REQUIRED": "For this kind of data your yes must be explicit. " + _NO_USE,
        "POLICY_VERSION_STALE": "You said yes on {date}, and our notice has changed since. " + _NO_USE,
        "RESTRICTED": "The use of your data is restricted at present.",
    }
)
_BY_STATE: Mapping[str, str] = MappingProxyType(
    {
        State.REFUSED: "You said no on {date}, {how}.",
        State.WITHDRAWN: "You said no on {date}, {how}.",
        State.OBJECTED: "You said no on {date}, {how}.",
        State.REQUESTED: "We asked you on {date} and have no answer. " + _NO_USE,
        State.PENDING_CONFIRMATION: "We sent you a message on {date} that is not confirmed. " + _NO_USE,
    }
)
_BASIS_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "consent": "We do this only with your consent (GDPR Art. 6(1)(a)). You can take it back at any time.",
        "contract": "We cannot carry out our contract with you without it (GDPR Art. 6(1)(b)).",
        "legal_obligation": "The law obliges us to do it (GDPR Art. 6(1)(c)).",
        "legitimate_interest": "We have an interest in it that we weighed against yours (GDPR Art. 6(1)(f)). "
        "You can say no at any time (Art. 21).",
        "public_task": "It is part of a public task (GDPR Art. 6(1)(e)). You can say no at any time (Art. 21).",
        "vital_interest": "It protects somebody's life (GDPR Art. 6(1)(d)).",
    }
)
_CHANNELS: Mapping[str, str] = MappingProxyType({"email": "E-mail", "sms": "Text message", "post": "Letter post"})
_TONES: Mapping[str, str] = MappingProxyType({"allow": "ok", "restricted": "ok"})


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of buttons with its words."""

    channel: str
    name: str
    state: str
    tone: str
    sentence: str
    is_yes: bool
    is_no: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One purpose as the page shows it."""

    purpose: Purpose
    row: Row
    channels: tuple[Row, ...]
    can_choose: bool
    why: str

    @property
    def channels_differ(self) -> bool:
        """Whether a channel stands differently from the whole, so that it must not be folded away."""
        return any((row.is_yes, row.sentence) != (self.row.is_yes, self.row.sentence) for row in self.channels)


def card_of(lines: Sequence[Line]) -> Card:
    """Put the lines of one purpose into words."""
    purpose = lines[0].purpose
    rows = tuple(_row(line) for line in lines)
    return Card(purpose, rows[0], rows[1:], services.can_stop(purpose), _BASIS_WORDS[purpose.lawful_basis])


def past(event: ConsentEvent) -> str:
    """Put one event of the history into words."""
    channel = f", {channel_name(event.channel)}" if event.channel else ""
    return f"{_date(event.occurred_at)}: {event.purpose.name}{channel} – {event.state}, {_how(event.method)}"


def changed(purpose: Purpose, channel: str, *, is_yes: bool) -> str:
    """Say what a press has changed and from when."""
    scope = f" ({channel_name(channel)})" if channel else ""
    return f"{purpose.name}{scope}: {'yes' if is_yes else 'no'}, from now on."


def channel_name(channel: str) -> str:
    """Name a channel."""
    return _CHANNELS.get(channel, channel.replace("_", " ").capitalize())


def _row(line: Line) -> Row:
    state = _state(line)
    return Row(
        channel=line.channel,
        name=channel_name(line.channel) if line.channel else line.purpose.name,
        state=state,
        tone=_TONES.get(line.decision.outcome.value, "") if line.fact else "",
        sentence=_sentence(line),
        is_yes=state == State.GIVEN and line.decision.allowed,
        is_no=state in DENIALS,
    )


def _state(line: Line) -> str:
    if line.fact is None:
        return UNKNOWN
    return State.EXPIRED.value if "CONSENT_EXPIRED" in line.decision.reasons else line.fact.state


def _sentence(line: Line) -> str:
    if line.fact is None:
        return _without_choice(line)
    by_reason = [_BY_REASON[reason] for reason in line.decision.reasons if reason in _BY_REASON]
    template = _BY_STATE.get(line.fact.state) or (by_reason[-1] if by_reason else _BY_REASON["CONSENT_GIVEN"])
    words = template.format(date=_date(line.fact.occurred_at), how=_how(line.fact.method))
    until = line.decision.valid_until
    return f"{words} It holds until {_date(until)}." if until else words


def _without_choice(line: Line) -> str:
    if line.decision.allowed:
        return "We do this unless you say no." if services.can_stop(line.purpose) else "This needs no choice of yours."
    if not services.can_stop(line.purpose):
        return "This needs no choice of yours."
    return f"No choice recorded. {_NO_USE}"


def _how(method: str) -> str:
    return _HOW.get(method, "in another way")


def _date(moment: datetime) -> str:
    return date_format(localtime(moment), "j F Y")
