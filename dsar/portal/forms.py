"""What a person types in the portal, one question a form; forgiving in form, and never echoing in an error."""

from __future__ import annotations

from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from dsar.services import normal_reference
from governance.console.portal import PortalForm

#: What a person chooses, and the rights it means.
CHOICES: Final = {
    "copy": ("access",),
    "delete": ("erasure",),
    "both": ("access", "erasure"),
}
CHOICE_WORDS: Final = {
    "copy": (
        _("Send me a copy of what you hold"),
        _("You get a file you can read and take elsewhere. Nothing is changed."),
    ),
    "delete": (
        _("Delete what you hold"),
        _("We delete what we may. It cannot be undone, so get a copy first if you want one."),
    ),
    "both": (
        _("Send me a copy, then delete"),
        _("We make your copy first and delete afterwards."),
    ),
}


class ChoiceForm(PortalForm):
    """What the person asks for."""

    ask = forms.ChoiceField(
        label=_("What do you want us to do?"),
        choices=[(key, words[0]) for key, words in CHOICE_WORDS.items()],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what you want us to do"),
            "invalid_choice": _("Choose one of the answers"),
        },
    )


class AddressForm(PortalForm):
    """Where the answer goes."""

    ask = forms.ChoiceField(choices=[(key, key) for key in CHOICES], widget=forms.HiddenInput)
    email = forms.EmailField(
        label=_("What is your e-mail address?"),
        max_length=254,
        help_text=_("Use the address that you use with us. We send a code there to make sure it is yours."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": _("Type your e-mail address"),
            "invalid": _("Type an e-mail address such as name@example.org"),
        },
    )
    customer_number = forms.CharField(
        label=_("Your customer number"),
        required=False,
        max_length=64,
        help_text=_("Only if you have it at hand. It helps a person here to find you."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ReturnForm(PortalForm):
    """A person who comes back."""

    reference = forms.CharField(
        label=_("Your reference"),
        max_length=32,
        help_text=_("It is in every letter we sent you, such as R-7K4Q-2M9X."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Type the reference from our letter")},
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("The one you gave us with the request."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": _("Type your e-mail address"),
            "invalid": _("Type an e-mail address such as name@example.org"),
        },
    )

    def clean_reference(self) -> str:
        """Refuse what has not the shape of a reference; whether it is one is not said."""
        reference = normal_reference(self.cleaned_data["reference"])
        if not reference:
            raise ValidationError(_("Type the reference from our letter, such as R-7K4Q-2M9X"))
        return reference
