"""What a visitor types in the preference centre, one question a form; forgiving in form, never echoing in an error."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PortalForm(forms.Form):
    """No browser bubbles: errors are said by the page, above and beside the field."""

    use_required_attribute = False


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


class CodeForm(PortalForm):
    """The code from the letter."""

    code = forms.CharField(
        label=_("What is the code?"),
        max_length=32,
        help_text=_("We sent six digits to your e-mail address. They work for 15 minutes. You can paste them."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "class": "code-input",
            }
        ),
        error_messages={"required": _("Type the code from our letter")},
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
