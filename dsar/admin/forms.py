"""What an officer types; nothing here is repeated in an error or kept in a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from dsar.deadlines import ExtensionReason, PauseReason
from dsar.models import SubjectRequest
from dsar.services.wording import HOLD_WORDS
from governance.console.forms import ConsoleForm, DayField

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

RIGHT_WORDS = {"access": _("A copy of what we hold"), "erasure": _("Deletion of what we hold")}
REFUSAL_WORDS = {
    "suspected_fraud": _("Suspected fraud"),
    "insufficient_verification": _("Not enough proof of who asks"),
    "no_match": _("We hold nothing about this person"),
    "claim_not_covered": _("The law does not give this right here"),
    "outside_jurisdiction": _("Another law applies"),
    "too_many_requests": _("Asked the same a short while ago"),
    "other": _("Another reason, explained in person"),
}
PAUSE_WORDS = {
    "identity": _("We doubt who asks"),
    "clarification": _("We ask what is meant"),
    "fee": _("We wait for a fee"),
}
FOLLOWS_WORDS = {
    "supplement": _("We go on asking the system, and answer the rest when it answers"),
    "refusal": _("We refuse that part; the person can ask again or complain"),
}
EXTENSION_WORDS = {"complexity": _("The request is complex"), "number_of_requests": _("There are many requests")}


class NewRequestForm(ConsoleForm):
    """A request that came by telephone, letter or across the counter."""

    rights = forms.MultipleChoiceField(
        label=_("What does the person ask for?"),
        choices=list(RIGHT_WORDS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what the person asks for")},
    )
    email = forms.EmailField(
        label=_("E-mail address to answer to"),
        max_length=254,
        help_text=_("A code goes there first. The address is sealed and does not show here again."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": _("Type the address to answer to"),
            "invalid": _("Give an address such as name@example.org"),
        },
    )
    brand = forms.ChoiceField(
        label=_("Which brand did the person write to?"),
        required=False,
        help_text=_("Letters come from it."),
        error_messages={"invalid_choice": _("Choose one of the brands")},
    )
    received_on = DayField(
        label=_("When did it reach us?"),
        required=False,
        help_text=_("The clock starts on that day. Empty means today."),
    )

    def __init__(self, *given: Any, today: date, brands: Iterable[tuple[str, str]] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        self._today = today
        self.fields["brand"].choices = [("", _("None in particular")), *brands]

    def clean_received_on(self) -> object:
        """Refuse a day that has not come."""
        day = self.cleaned_data["received_on"]
        if day is not None and day > self._today:
            raise ValidationError(_("Give a day that is not in the future"))
        return day


class DecisionForm(ConsoleForm):
    """One of several on the page of a request: its fields carry its name, so that no two have the same id."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, auto_id=f"{type(self).__name__.lower()}-%s", **named)


class RefuseForm(DecisionForm):
    """Why the request is refused."""

    reason = forms.ChoiceField(
        label=_("Why do we refuse?"),
        choices=[
            ("", _("Choose a reason")),
            *((value, REFUSAL_WORDS[value]) for value in SubjectRequest.RefusalReason.values),
        ],
        error_messages={"required": _("Choose why we refuse")},
    )


class ExtendForm(DecisionForm):
    """Why more time is needed."""

    reason = forms.ChoiceField(
        label=_("Why do we need more time?"),
        choices=[("", _("Choose a reason")), *((each.value, EXTENSION_WORDS[each.value]) for each in ExtensionReason)],
        error_messages={"required": _("Choose why we need more time")},
    )


class PauseForm(DecisionForm):
    """Why the clock stands still."""

    reason = forms.ChoiceField(
        label=_("What do we wait for?"),
        choices=[("", _("Choose a reason")), *((each.value, PAUSE_WORDS[each.value]) for each in PauseReason)],
        error_messages={"required": _("Choose what we wait for")},
    )


class ResumeForm(DecisionForm):
    """When the answer came."""

    answered_on = DayField(
        label=_("When did the answer come?"),
        required=False,
        help_text=_("The clock runs again from that day. Empty means today."),
    )


class WithoutForm(DecisionForm):
    """What follows for a system that could not be reached."""

    follows = forms.ChoiceField(
        label=_("What follows for what is missing?"),
        choices=[("", _("Choose what follows")), *FOLLOWS_WORDS.items()],
        help_text=_("The letter names the system and says this."),
        error_messages={"required": _("Choose what follows for what is missing")},
    )

    def __init__(self, *given: Any, refuses_only: bool, **named: Any) -> None:
        super().__init__(*given, **named)
        if refuses_only:
            refusal = SubjectRequest.WhatFollows.REFUSAL.value
            self.fields["follows"].choices = [("", _("Choose what follows")), (refusal, FOLLOWS_WORDS[refusal])]


class HoldForm(DecisionForm):
    """Why nothing is erased, and until when."""

    reason = forms.ChoiceField(
        label=_("Why must it be kept?"),
        choices=[
            ("", _("Choose a reason")),
            *((value, HOLD_WORDS[value]) for value in SubjectRequest.HoldReason.values),
        ],
        error_messages={"required": _("Choose why it must be kept")},
    )
    until = DayField(
        label=_("Until when?"),
        help_text=_("Including that day. Then an approved erasure goes on by itself."),
        error_messages={"required": _("Give the day until which it is kept")},
    )
