"""What a visitor of the preference centre does: say yes or no to one purpose, or stop everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from consent.lifecycle import State
from consent.models import ConsentEvent
from consent.selectors.centre import CENTRE_NOTICE, Shown, purposes_of, shown_to
from consent.services.notices import publish_within
from consent.services.recording import Choice, Recorded, can_stop, no_for, record_within, withdraw_all_within
from governance import subjects
from governance.errors import BadInput, Conflict
from governance.policy.principal import worker

if TYPE_CHECKING:
    from consent.models import NoticeRevision
    from governance.models import Controller, DataSubject, Purpose
    from governance.policy.principal import Principal

_METHOD = ConsentEvent.Method.PREFERENCE_CENTRE.value
_PLACE = "preferences"


@dataclass(frozen=True, slots=True, repr=False)
class Visitor:
    """Who chooses: a known person, or the proven address of somebody who is registered by choosing."""

    controller: Controller
    subject: DataSubject | None
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """Which button was pressed, and on which words."""

    purpose: str
    is_yes: bool
    shown: str
    language: str
    channel: str = ""


@transaction.atomic(durable=True)
def choose(visitor: Visitor, pressed: Pressed, *, principal: Principal) -> Recorded:
    """Record one press. Raises Conflict when the words have changed since they were shown, BadInput."""
    purposes = purposes_of(visitor.controller)
    purpose = next((each for each in purposes if each.key == pressed.purpose), None)
    if purpose is None or not can_stop(purpose):
        raise BadInput(gettext("This cannot be chosen here"))
    shown = shown_to(visitor.controller, pressed.language, purposes)
    if pressed.is_yes and shown.digest != pressed.shown:
        # GDPR Art. 7(1): nobody can have agreed to words that they did not see.
        raise Conflict(gettext("The words on this page have changed. Read them again and choose."))
    choice = Choice(
        purpose=purpose,
        state=State.GIVEN if pressed.is_yes else no_for(purpose),
        method=_METHOD,
        channel=pressed.channel,
        consent_type=_type_of(purpose, is_yes=pressed.is_yes),
        notice_revision=_revision(visitor.controller, shown, pressed.language),
        collection_point=_PLACE,
    )
    return record_within(_subject(visitor, principal), choice, principal=principal)


@transaction.atomic(durable=True)
def stop_everything(visitor: Visitor, *, principal: Principal) -> tuple[DataSubject, list[Recorded]]:
    """Say no to everything that can be said no to; answers who did and what was recorded."""
    subject = _subject(visitor, principal)
    return subject, withdraw_all_within(subject, method=_METHOD, principal=principal)


def _subject(visitor: Visitor, principal: Principal) -> DataSubject:
    if visitor.subject is not None:
        return visitor.subject
    if subjects.find(visitor.controller, visitor.identifiers) is not None:
        # Somebody put this address beside another person's identifiers and nobody verified it: whose choice is it?
        raise Conflict(gettext("We cannot tell that this address is yours alone. Write to us, and a person will look."))
    return subjects.register(visitor.controller, visitor.identifiers, principal=principal, verified=True)


def _type_of(purpose: Purpose, *, is_yes: bool) -> str:
    # The button of such a purpose says so in words (GDPR Art. 9(2)(a)).
    explicit = is_yes and purpose.special_category
    return (ConsentEvent.ConsentType.EXPLICIT if explicit else ConsentEvent.ConsentType.EXPRESSED).value


def _revision(controller: Controller, shown: Shown, language: str) -> NoticeRevision:
    """Answer the published words, or publish the page's own, so that what was seen can be shown again."""
    if shown.revision is not None:
        return shown.revision
    return publish_within(
        controller,
        key=CENTRE_NOTICE,
        title=gettext("Preference centre"),
        language=language,
        text=shown.text,
        principal=worker(controller.pk.hex),
    )
