"""What an officer types; nothing here is repeated in an error or kept in a session."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from dsar.deadlines import ExtensionReason
from dsar.models import SubjectRequest
from governance.console.forms import ConsoleForm

RIGHT_WORDS = {"access": "A copy of what we hold", "erasure": "Deletion of what we hold"}
REFUSAL_WORDS = {
    "suspected_fraud": "Suspected fraud",
    "insufficient_verification": "Not enough proof of who asks",
    "no_match": "We hold nothing about this person",
    "claim_not_covered": "The law does not give this right here",
    "outside_jurisdiction": "Another law applies",
    "too_many_requests": "Asked the same a short while ago",
    "other": "Another reason, explained in person",
}
EXTENSION_WORDS = {"complexity": "The request is complex", "number_of_requests": "There are many requests"}


class NewRequestForm(ConsoleForm):
    """A request that came by telephone, letter or across the counter."""

    rights = forms.MultipleChoiceField(
        label="What does the person ask for?",
        choices=list(RIGHT_WORDS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what the person asks for"},
    )
    email = forms.EmailField(
        label="E-mail address to answer to",
        max_length=254,
        help_text="A code goes there first. The address is sealed and does not show here again.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Type the address to answer to",
            "invalid": "Give an address such as name@example.org",
        },
    )
    received_on = forms.DateField(
        label="When did it reach us?",
        required=False,
        help_text="The clock starts on that day. Empty means today.",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Give a date such as 2026-03-14"},
    )

    def clean_received_on(self) -> object:
        """Refuse a day that has not come."""
        day = self.cleaned_data["received_on"]
        if day is not None and day > timezone.now().date():
            raise ValidationError("Give a day that is not in the future")
        return day


class RefuseForm(ConsoleForm):
    """Why the request is refused."""

    reason = forms.ChoiceField(
        label="Why do we refuse?",
        choices=[
            ("", "Choose a reason"),
            *((value, REFUSAL_WORDS[value]) for value in SubjectRequest.RefusalReason.values),
        ],
        error_messages={"required": "Choose why we refuse"},
    )


class ExtendForm(ConsoleForm):
    """Why more time is needed."""

    reason = forms.ChoiceField(
        label="Why do we need more time?",
        choices=[("", "Choose a reason"), *((each.value, EXTENSION_WORDS[each.value]) for each in ExtensionReason)],
        error_messages={"required": "Choose why we need more time"},
    )
