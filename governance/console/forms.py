"""The console's forms: they read and complain, and never repeat a person's identifier in an error; no queries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.console.words import CLASS_WORDS, EVENT_WORDS, IDENTIFIER_WORDS, PART_WORDS, REASON_WORDS
from governance.policy.vocabulary import STAFF_REVEAL_PURPOSES
from governance.subjects.registering import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from governance.models import StaffUser

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
HOLD_WORDS = {
    "legal_claim": _("A legal claim"),
    "legal_obligation": _("A law obliges us to keep it"),
    "authority_order": _("An authority told us to keep it"),
    "subject_asked": _("The person asked us to keep it"),
}
UNDO_WORDS = {
    "subject_changed_mind": _("The person changed their mind"),
    "wrong_person": _("It was the wrong person"),
    "duty_to_keep": _("There is a duty to keep it"),
}
VERIFY_WORDS = {
    "request_needs_it": _("A request of the person needs it"),
    "newly_named": _("The person told us of it"),
    "checked_by_us": _("We check it on our own account"),
}
EVIDENCE_WORDS = {
    "document_seen": _("I saw a document that shows it is theirs"),
    "called_back": _("I called back on a number we knew before"),
    "post_answered": _("They gave back a code sent by post"),
    "signed_in": _("They showed it while signed in to their account"),
}
RESTRICTION_WORDS = {
    "accuracy_contested": _("The person says that it is not correct"),
    "unlawful": _("We may not use it, and the person wants it kept"),
    "claims": _("We need it no longer, and the person needs it for a claim"),
    "objection_pending": _("The person objected, and that is not decided yet"),
}
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,119}", re.ASCII)


class ConsoleForm(forms.Form):
    """No browser bubbles: errors are said by the page, above and beside the field."""

    use_required_attribute = False


class DayField(forms.DateField):
    """A day as browsers send it, or written with dots; 3/4 is April to some and March to others, and refused."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    input_formats = ("%Y-%m-%d", "%d.%m.%Y")
    default_error_messages = {"invalid": _("Give a date such as 2026-03-14")}


class LookUpForm(ConsoleForm):
    """Find a person by one identifier, or people by a part of one, where the installation keeps an index of parts."""

    type = forms.ChoiceField(label=_("Kind of identifier"), choices=[(each, IDENTIFIER_WORDS[each]) for each in TYPES])
    value = forms.CharField(
        label=_("Identifier"),
        max_length=254,
        help_text=_("It is compared with sealed values and goes neither into a log nor into the address of a page."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": _("Type the identifier to look for")},
    )

    def __init__(self, *given: Any, parts: Iterable[tuple[str, str]] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        kinds: Any = self.fields["type"]
        kinds.choices = [*kinds.choices, *((name, PART_WORDS[name]) for name in map(".".join, parts))]


class RevealForm(ConsoleForm):
    """Why one value is opened."""

    purpose = forms.ChoiceField(
        label=_("Why do you need to see it?"),
        choices=[
            ("", _("Choose a reason")),
            *((each.value, REASON_WORDS[each.value]) for each in STAFF_REVEAL_PURPOSES),
        ],
        error_messages={"required": _("Choose why you need to see it")},
    )


class VerifyForm(ConsoleForm):
    """Why an identifier is taken as the person's own, and by what."""

    evidence = forms.ChoiceField(
        label=_("How do you know that it is theirs?"),
        choices=list(EVIDENCE_WORDS.items()),
        widget=forms.RadioSelect,
        help_text=_("Look at a document and give it back: no copy, no number of it is kept."),
        error_messages={"required": _("Choose how you know that it is theirs")},
    )
    reason = forms.ChoiceField(
        label=_("Why is it verified now?"),
        choices=list(VERIFY_WORDS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why it is verified now")},
    )


class LegalHoldForm(ConsoleForm):
    """Why a person's data is kept, and until when."""

    reason = forms.ChoiceField(
        label=_("Why must it be kept?"),
        choices=[("", _("Choose a reason")), *HOLD_WORDS.items()],
        error_messages={"required": _("Choose why it must be kept")},
    )
    until = DayField(
        label=_("Until"),
        required=False,
        help_text=_("The last day. Without one it stands until somebody releases it."),
    )


class RestrictForm(ConsoleForm):
    """Why a person's data is not to be used."""

    ground = forms.ChoiceField(
        label=_("Why must it not be used?"),
        choices=[("", _("Choose a reason")), *RESTRICTION_WORDS.items()],
        error_messages={"required": _("Choose why it must not be used")},
    )


class LiftForm(ConsoleForm):
    """That the person knows before their data is used again."""

    was_told = forms.BooleanField(
        label=_("The person was told that the restriction ends"),
        error_messages={"required": _("Tell the person first; the law asks for it (GDPR Art. 18(3))")},
    )


class UndoForm(ConsoleForm):
    """Why an erasure is taken back."""

    reason = forms.ChoiceField(
        label=_("Why is the erasure taken back?"),
        choices=[("", _("Choose a reason")), *UNDO_WORDS.items()],
        error_messages={"required": _("Choose why it is taken back")},
    )


class SystemForm(ConsoleForm):
    """Connect a system."""

    name = forms.CharField(label=_("Name"), max_length=120, error_messages={"required": _("Name the system")})
    key = forms.SlugField(
        label=_("Key"),
        max_length=64,
        help_text=_("Small letters, digits and hyphens, such as billing-db. It stays the same for good."),
        error_messages={"required": _("Give the system a key, such as billing-db")},
    )
    url = forms.CharField(
        label=_("Database address"),
        max_length=1000,
        strip=True,
        help_text=_("Such as postgresql://user:password@host/database. It is sealed, and is not shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Give the address of the database")},
    )


class OwnerForm(ConsoleForm):
    """Somebody out of the people handed in; nobody else exists for it."""

    owner = forms.ChoiceField(label=_("Owner"), error_messages={"required": _("Choose somebody")})

    def __init__(self, people: list[StaffUser], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people = {each.pk.hex: each for each in people}
        named = [(key, each.name or each.email) for key, each in self._people.items()]
        self.fields["owner"].choices = [("", _("Choose somebody")), *named]  # type: ignore[attr-defined]  # a choice field

    def clean_owner(self) -> StaffUser:
        """Answer the person."""
        return self._people[self.cleaned_data["owner"]]


class ImportForm(ConsoleForm):
    """A dataset description, pasted or as a file."""

    LARGEST = 500_000

    file = forms.FileField(
        label=_("File"), required=False, help_text=_("A fideslang YAML file."), allow_empty_file=False
    )
    text = forms.CharField(
        label=_("Or paste the text"),
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
            raise ValidationError(_("The file is larger than 500 kB; split it into several files."))
        try:
            text: str = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError(_("The file is not text in UTF-8; save it as UTF-8 and try again.")) from None
        return text

    def clean(self) -> dict[str, str]:
        """Take exactly one of both."""
        found = super().clean() or {}
        file, text = found.get("file") or "", found.get("text") or ""
        if not self.errors and bool(file.strip()) == bool(text.strip()):
            self.add_error("text", _("Choose a file or paste the text: one of the two."))
        found["source"] = file or text
        return found


class LedgerFilterForm(ConsoleForm):
    """Narrow the ledger. Whoever may look people up may also type an identifier, which never reaches an address."""

    type = forms.ChoiceField(
        label=_("Event"), required=False, choices=[("", _("All events")), *sorted(EVENT_WORDS.items())]
    )
    kind = forms.TypedChoiceField(
        label=_("Kind of event"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("All kinds")), *((int(each), said) for each, said in CLASS_WORDS.items())],
    )
    actor = forms.ChoiceField(label=_("Who"), required=False)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    object = forms.CharField(
        label=_("Request or other reference"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, actors: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["actor"].choices = [("", _("Anybody")), *actors]  # type: ignore[attr-defined]  # a choice field

    def clean_object(self) -> str:
        """Refuse what is no reference: a typed address must not end up in the address of a page (invariant 12)."""
        value: str = self.cleaned_data["object"].strip()
        if value and not _REFERENCE.fullmatch(value):
            raise ValidationError(_("Give a reference as the ledger shows it; people are looked up below."))
        return f"request:{UUID(value).hex}" if _UUID.fullmatch(value) else value
