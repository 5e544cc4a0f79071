"""Says in plain words what counts for a purpose, since when and how it was chosen; it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent import services
from consent.lifecycle import DENIALS, UNKNOWN, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django_stubs_ext import StrPromise

    from consent.models import ConsentEvent
    from consent.selectors.centre import Line
    from governance.models import Purpose

_HOW: Mapping[str, StrPromise] = MappingProxyType(
    {
        "api": _("through one of our services"),
        "double_opt_in": _("by confirming our message"),
        "import": _("in a system we used before"),
        "in_person": _("in person"),
        "one_click": _("by the link in a message"),
        "phone": _("on the phone"),
        "preference_centre": _("on this page"),
        "staff": _("through our staff"),
        "web_form": _("in a form"),
    }
)
_NO_USE = _("We do not use your data for this until you say yes.")
#: Sentences by reason code; `date` is when it was chosen, `how` in what way, `until` when it ends.
_BY_REASON: Mapping[str, StrPromise] = MappingProxyType(
    {
        "CONSENT_AFTER_OBJECTION": _("You said yes on {date}, {how}, after you had said no."),
        "CONSENT_EXPIRED": _("Your yes of {date} has run out."),
        "CONSENT_GIVEN": _("You said yes on {date}, {how}."),
        "CONSENT_INVALIDATED": _("Your yes was found not to count on {date}."),
        "CONSENT_REVOKED": _("Your yes was ended by us on {date}."),
        "EVIDENCE_MISSING": _("A yes of {date} is on file without the words you were shown, so we do not rely on it."),
        "EXPLICIT_CONSENT_REQUIRED": _("For this kind of data your yes must be explicit."),
        "POLICY_VERSION_STALE": _("You said yes on {date}, and our notice has changed since."),
        "RESTRICTED": _("The use of your data is restricted at present."),
    }
)
_BY_STATE: Mapping[str, StrPromise] = MappingProxyType(
    {
        State.REFUSED: _("You said no on {date}, {how}."),
        State.WITHDRAWN: _("You said no on {date}, {how}."),
        State.OBJECTED: _("You said no on {date}, {how}."),
        State.REQUESTED: _("We asked you on {date} and have no answer."),
        State.PENDING_CONFIRMATION: _("We sent you a message on {date} that is not confirmed."),
    }
)
#: What a choice is called beside its purpose; the sentence below it says the rest.
STATE_WORDS: Mapping[str, StrPromise] = MappingProxyType(
    {
        State.REQUESTED: _("not answered"),
        State.PENDING_CONFIRMATION: _("not confirmed"),
        State.GIVEN: _("yes"),
        State.REFUSED: _("no"),
        State.WITHDRAWN: _("no"),
        State.REVOKED: _("ended by us"),
        State.EXPIRED: _("run out"),
        State.INVALIDATED: _("does not count"),
        State.OBJECTED: _("no"),
        UNKNOWN: _("nothing chosen"),
    }
)
#: After these it is said that nothing happens meanwhile.
_UNUSED = frozenset(
    {"CONSENT_EXPIRED", "CONSENT_INVALIDATED", "CONSENT_REVOKED", "EXPLICIT_CONSENT_REQUIRED", "POLICY_VERSION_STALE",
     State.REQUESTED, State.PENDING_CONFIRMATION}
)  # fmt: skip
_BASIS_WORDS: Mapping[str, StrPromise] = MappingProxyType(
    {
        "consent": _("We do this only with your consent (GDPR Art. 6(1)(a)). You can take it back at any time."),
        "contract": _("We cannot carry out our contract with you without it (GDPR Art. 6(1)(b))."),
        "legal_obligation": _("The law obliges us to do it (GDPR Art. 6(1)(c))."),
        "legitimate_interest": _(
            "We have an interest in it that we weighed against yours (GDPR Art. 6(1)(f)). "
            "You can say no at any time (Art. 21)."
        ),
        "public_task": _("It is part of a public task (GDPR Art. 6(1)(e)). You can say no at any time (Art. 21)."),
        "vital_interest": _("It protects somebody's life (GDPR Art. 6(1)(d))."),
    }
)
_CHANNELS: Mapping[str, StrPromise] = MappingProxyType(
    {"email": _("E-mail"), "sms": _("Text message"), "post": _("Letter post")}
)
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
    return Card(purpose, rows[0], rows[1:], services.can_stop(purpose), str(_BASIS_WORDS[purpose.lawful_basis]))


def past(event: ConsentEvent) -> str:
    """Put one event of the history into words."""
    channel = f", {channel_name(event.channel)}" if event.channel else ""
    return (
        f"{_date(event.occurred_at)}: {event.purpose.name}{channel} – {STATE_WORDS[event.state]}, {_how(event.method)}"
    )


def changed(purpose: Purpose, channel: str, *, is_yes: bool) -> str:
    """Say what a press has changed and from when."""
    scope = f"{purpose.name} ({channel_name(channel)})" if channel else purpose.name
    said = gettext("%(what)s: yes, from now on.") if is_yes else gettext("%(what)s: no, from now on.")
    return f"{said % {'what': scope}} {_changed_on()}"


def stopped(names: Sequence[str]) -> str:
    """Say what Stop everything has stopped and from when."""
    if not names:
        return gettext("There is nothing to stop.")
    said = gettext("Everything is stopped from now on: %(names)s.") % {"names": ", ".join(names)}
    return f"{said} {_changed_on()}"


def channel_name(channel: str) -> str:
    """Name a channel."""
    return str(_CHANNELS.get(channel) or channel.replace("_", " ").capitalize())


def _row(line: Line) -> Row:
    state = _state(line)
    return Row(
        channel=line.channel,
        name=channel_name(line.channel) if line.channel else line.purpose.name,
        state=str(STATE_WORDS[state]),
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
    by_reason = [reason for reason in line.decision.reasons if reason in _BY_REASON]
    code = line.fact.state if line.fact.state in _BY_STATE else by_reason[-1] if by_reason else "CONSENT_GIVEN"
    template = _BY_STATE.get(code) or _BY_REASON[code]
    words = str(template).format(date=_date(line.fact.occurred_at), how=_how(line.fact.method))
    if code in _UNUSED:
        words = f"{words} {_NO_USE}"
    until = line.decision.valid_until
    return f"{words} {gettext('It holds until {date}.').format(date=_date(until))}" if until else words


def _without_choice(line: Line) -> str:
    if not services.can_stop(line.purpose):
        return gettext("This needs no choice of yours.")
    if line.decision.allowed:
        return gettext("We do this unless you say no.")
    return f"{gettext('No choice recorded.')} {_NO_USE}"


def _how(method: str) -> str:
    return str(_HOW.get(method) or gettext("in another way"))


def _changed_on() -> str:
    return gettext("Changed on %(when)s.") % {"when": date_format(localtime(), "j F Y, H:i")}


def _date(moment: datetime) -> str:
    return date_format(localtime(moment), "j F Y")
