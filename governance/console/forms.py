"""The console's forms: they read and complain, and never repeat a person's identifier in an error; no queries."""

from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError

from governance.policy.vocabulary import STAFF_REVEAL_PURPOSES, AuditType
from governance.subjects.registering import TYPES

IDENTIFIER_WORDS = {
    "email": "E-mail address",
    "phone": "Phone number",
    "customer_id": "Customer number",
    "device_id": "Device",
}
PURPOSE_WORDS = {
    "customer_support": "Helping the person with a question",
    "fraud_prevention": "Looking into suspected fraud",
    "legal_claim": "A legal claim",
    "security_incident": "Looking into a security incident",
    "subject_request": "Answering the person's own request",
}
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,119}", re.ASCII)


def words(code: str, known: dict[str, str]) -> str:
    """Answer plain words for a code; an unknown code reads as itself."""
    return known.get(code, code.replace("_", " "))


class ConsoleForm(forms.Form):
    """No browser bubbles: errors are said by the page, above and beside the field."""

    use_required_attribute = False


class LookUpForm(ConsoleForm):
    """Find a person by one identifier."""

    type = forms.ChoiceField(
        label="Kind of identifier", choices=[(each, words(each, IDENTIFIER_WORDS)) for each in TYPES]
    )
    value = forms.CharField(
        label="Identifier",
        max_length=254,
        help_text="It is compared with sealed values and goes neither into a log nor into the address of a page.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": "Type the identifier to look for"},
    )


class RevealForm(ConsoleForm):
    """Why one value is opened."""

    purpose = forms.ChoiceField(
        label="Why do you need to see it?",
        choices=[
            ("", "Choose a reason"),
            *((each.value, words(each, PURPOSE_WORDS)) for each in STAFF_REVEAL_PURPOSES),
        ],
        error_messages={"required": "Choose why you need to see it"},
    )


class SystemForm(ConsoleForm):
    """Connect a system."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Name the system"})
    key = forms.SlugField(
        label="Key",
        max_length=64,
        help_text="Small letters, digits and hyphens, such as billing-db. It stays the same for good.",
        error_messages={"required": "Give the system a key, such as billing-db"},
    )
    url = forms.CharField(
        label="Database address",
        max_length=1000,
        strip=True,
        help_text="Such as postgresql://user:password@host/database. It is sealed, and is not shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Give the address of the database"},
    )


class ImportForm(ConsoleForm):
    """A dataset description, pasted or as a file."""

    LARGEST = 500_000

    file = forms.FileField(label="File", required=False, help_text="A fideslang YAML file.", allow_empty_file=False)
    text = forms.CharField(
        label="Or paste the text",
        required=False,
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"rows": 16, "class": "code", "spellcheck": "false"}),
    )

    def clean_file(self) -> str:
        """Answer the file's text."""
        upload = self.cleaned_data.get("file")
        if not upload:
            return ""
        if upload.size > self.LARGEST:
            raise ValidationError("The file is larger than 500 kB; split it into several files.")
        try:
            text: str = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError("The file is not text in UTF-8; save it as UTF-8 and try again.") from None
        return text

    def clean(self) -> dict[str, str]:
        """Take exactly one of both."""
        found = super().clean() or {}
        file, text = found.get("file") or "", found.get("text") or ""
        if not self.errors and bool(file.strip()) == bool(text.strip()):
            self.add_error("text", "Choose a file or paste the text: one of the two.")
        found["source"] = file or text
        return found


class LedgerFilterForm(ConsoleForm):
    """Narrow the ledger."""

    type = forms.ChoiceField(
        label="Event", required=False, choices=[("", "All events"), *((each.value, each.value) for each in AuditType)]
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    object = forms.CharField(
        label="Reference",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_object(self) -> str:
        """Refuse what is no reference: a typed address must not end up in the address of a page (invariant 12)."""
        value: str = self.cleaned_data["object"].strip()
        if value and not _REFERENCE.fullmatch(value):
            raise ValidationError("Give a reference as the ledger shows it; people are looked up under People.")
        return value
