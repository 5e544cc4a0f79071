"""The forms of the breach register: they read and complain; what is typed into them goes to the vault, not to a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from governance.console.forms import ConsoleForm
from governance.fields import sealed_fields

if TYPE_CHECKING:
    from governance.models import Controller

KIND_WORDS = {
    "confidentiality": _("Somebody saw or got what they should not"),
    "integrity": _("Data were changed"),
    "availability": _("Data were lost or could not be reached"),
}
NOTICED_WORDS = {
    "staff": _("Our own staff"),
    "processor": _("A processor"),
    "person": _("A person concerned"),
    "alarm": _("An alarm"),
    "authority": _("An authority"),
    "press": _("The press"),
}
GROUND_WORDS = {
    "risk": _("There is a risk to people (Art. 33(1))"),
    "high_risk": _("There is a high risk to people (Art. 34(1))"),
    "risk_unlikely": _("A risk is unlikely (Art. 33(1))"),
    "unintelligible": _("Encrypted, and the key is safe (Art. 34(3)(a))"),
    "risk_removed": _("The high risk was removed (Art. 34(3)(b))"),
    "public_instead": _("Told in public, because telling each is out of proportion (Art. 34(3)(c))"),
}
DELAY_WORDS = {
    "still_unclear": _("It was still unclear what had happened"),
    "similar_breaches": _("Several alike breaches are told together"),
    "processor_was_late": _("The processor told us late"),
    "other": _("Another reason, told in the text"),
}
_WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


def _text(label: Any, help_text: Any = "", *, required: bool = True, rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": rows, "spellcheck": "true"}),
        error_messages={"required": _("Write something here")},
    )


class _TimedForm(ConsoleForm):
    """Times are typed as the controller's clocks show them."""

    def __init__(self, *args: Any, controller: Controller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(controller.time_zone)
        clocks = _("In the time of %(zone)s.") % {"zone": controller.time_zone}
        for field in self.fields.values():
            if isinstance(field, forms.DateTimeField):
                field.help_text = format_lazy("{} {}", field.help_text, clocks) if field.help_text else clocks
                remedy = format_lazy("{} {}", field.label, _("Give a day and a time"))
                field.error_messages |= {"required": remedy, "invalid": remedy}

    def clean(self) -> dict[str, Any]:
        """Put what was typed into the controller's time zone."""
        found = super().clean() or {}
        for name, value in list(found.items()):
            if hasattr(value, "tzinfo") and value is not None:
                found[name] = value.replace(tzinfo=self.zone)
        return found


class OpenForm(_TimedForm):
    """Put a breach on record."""

    kinds = forms.MultipleChoiceField(
        label=_("What kind of breach is it?"),
        choices=list(KIND_WORDS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one")},
    )
    noticed_by = forms.ChoiceField(label=_("Who noticed it?"), choices=list(NOTICED_WORDS.items()))
    happened_at = forms.DateTimeField(
        label=_("When did it happen?"), required=False, widget=_WHEN, input_formats=_FORMATS
    )
    noticed_at = forms.DateTimeField(label=_("When was it noticed?"), widget=_WHEN, input_formats=_FORMATS)
    aware_at = forms.DateTimeField(
        label=_("When was it reasonably certain that personal data were touched?"),
        help_text=_("The 72 hours begin here."),
        widget=_WHEN,
        input_formats=_FORMATS,
    )
    what = _text(_("What happened?"), _("It is sealed under a key of its own, and opened for a stated reason only."))


class NoteForm(ConsoleForm):
    """Add to the timeline."""

    note = _text(_("What is there to note?"), rows=3)


class CountForm(_TimedForm):
    """How those concerned are counted."""

    by = forms.ChoiceField(
        label=_("Count by"),
        choices=[
            ("reveals", _("Whose values were opened in a stretch of time")),
            ("label", _("Everybody with a value of one kind")),
            ("system", _("Everybody whom one connected system can hold")),
            ("key", _("Everybody readable under a compromised key")),
            ("everybody", _("Everybody who is registered")),
        ],
    )
    since = forms.DateTimeField(label=_("From"), required=False, widget=_WHEN, input_formats=_FORMATS)
    until = forms.DateTimeField(label=_("Until"), required=False, widget=_WHEN, input_formats=_FORMATS)
    actor = forms.RegexField(
        r"^[a-z_]+:[A-Za-z0-9_.:-]{1,70}$",
        label=_("By one actor"),
        required=False,
        help_text=_("A reference as the ledger shows it, such as staff:0f3a…"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    label = forms.ChoiceField(label=_("Kind of value"), required=False)
    system = forms.SlugField(
        label=_("System"), required=False, max_length=64, help_text=_("Its key, as the catalogue shows it.")
    )
    key = forms.RegexField(
        r"^[0-9a-f]{16}$",
        label=_("Key"),
        required=False,
        help_text=_("The id of a controller's key or of one person's, 16 letters and digits."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = [column.label for column in sealed_fields() if column.scope_kind == "subject"]
        self.fields["label"].choices = [("", "–"), *((each, each) for each in labels)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen way of counting needs."""
        found = super().clean()
        needed = {"reveals": ("since", "until")}.get(found.get("by", ""), (found.get("by", ""),))
        for name in needed:
            if name in self.fields and not found.get(name) and name not in self.errors:
                self.add_error(name, _("Needed for this way of counting"))
        return found


class DecideForm(ConsoleForm):
    """Decide whether somebody is told."""

    choice = forms.ChoiceField(
        label=_("What is decided, and on which ground?"), error_messages={"required": _("Choose a decision")}
    )
    why = _text(_("Why?"), rows=3)

    def __init__(self, *args: Any, grounds: dict[str, tuple[str, ...]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = {"tell": _("Tell"), "do_not_tell": _("Do not tell")}
        self.fields["choice"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", _("Choose a decision")),
            *(
                (f"{decision}:{ground}", f"{said[decision]}: {GROUND_WORDS[ground]}")
                for decision, allowed in grounds.items()
                for ground in allowed
            ),
        ]


class PeopleDecisionForm(DecideForm):
    """Decide whether the people are told; then this is what their letter says."""

    why = _text(_("What happened, in plain words"), _("If people are told, their letter says this."), rows=3)
    consequences = _text(_("What may it mean for them?"), required=False, rows=2)
    measures = _text(_("What do we do, and what can they do?"), required=False, rows=2)


class AuthorityForm(ConsoleForm):
    """The letter to the authority (Art. 33(3))."""

    to = forms.EmailField(label=_("Address of the authority"), error_messages={"required": _("Give the address")})
    what = _text(_("What happened"), rows=3)
    consequences = _text(_("Likely consequences"), rows=2)
    measures = _text(_("What was done and is proposed"), rows=2)
    delay_reason = forms.ChoiceField(
        label=_("If more than 72 hours have passed: why?"),
        required=False,
        choices=[("", _("They have not")), *DELAY_WORDS.items()],
    )
