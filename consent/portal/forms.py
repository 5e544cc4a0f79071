"""What a visitor types in the preference centre, one question a form; forgiving in form, never echoing in an error."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.console.portal import PortalForm


class AddressForm(PortalForm):
    """Whose choices are meant."""

    address = forms.EmailField(
        label=_("What is your e-mail address?"),
        max_length=254,
        help_text=_("We send a code there, so that nobody else can see or change your choices."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": _("Type your e-mail address"),
            "invalid": _("Type an e-mail address such as name@example.org"),
        },
    )


class ChoiceForm(forms.Form):
    """One press of Yes or No. The page that was seen is named, so that nobody agrees to another text."""

    purpose = forms.SlugField(max_length=64)
    channel = forms.RegexField(r"^[a-z0-9_]{1,32}$", required=False)
    choice = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
    shown = forms.RegexField(r"^[0-9a-f]{64}$")


class ReceiptForm(PortalForm):
    """Which choice a receipt is wanted for."""

    event = forms.UUIDField()
