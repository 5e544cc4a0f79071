"""In which form a role sees a value: one table by role and label; it masks nothing itself and loads nothing."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from governance.policy.vocabulary import Action, Role, permits


class Form(StrEnum):
    """What of a value is shown. All but the first are masks, by the name of their function in the vault."""

    CLEAR = "clear"
    EMAIL = "email"
    IDENTIFIER = "identifier"
    LAST_FOUR = "last_four"
    PARTIAL = "partial"
    RANGE = "range"
    YEAR = "year"


#: From a label, or the beginning of one up to a dot, to the form. What is not named here is not shown.
_SUPPORT: Final = {
    "subject.identifier": Form.IDENTIFIER,
    "user.contact.address.postal_code": Form.RANGE,
    "user.contact.email": Form.EMAIL,
    "user.contact.phone_number": Form.LAST_FOUR,
    "user.demographic.date_of_birth": Form.YEAR,
    "user.financial.account_number": Form.LAST_FOUR,
    "user.financial.credit_card": Form.LAST_FOUR,
    "user.name": Form.PARTIAL,
}

#: The one table of forms. A role that carries `subject:reveal` sees everything clear and needs no row here.
FORMS: Final[Mapping[Role, Mapping[str, Form]]] = MappingProxyType(
    {
        Role.SUPPORT_AGENT: MappingProxyType(_SUPPORT),
        # Values that other systems sealed through the doors; nothing that this service holds on its own account.
        Role.VAULT_READER: MappingProxyType({"user": Form.CLEAR}),
    }
)


def form_of(roles: Iterable[Role], label: str, *, is_elevated: bool = False) -> Form | None:
    """Answer the form in which these roles see a value of this label; None is a refusal.

    The clearest of what several roles give: each role is a permit of its own. `is_elevated` says that an elevation of
    this person for the owner of the value runs; it counts only while their roles allow one.
    """
    held = frozenset(roles)
    if permits(held, Action.SUBJECT_REVEAL) or (is_elevated and permits(held, Action.ACCESS_ELEVATE)):
        return Form.CLEAR
    if not permits(held, Action.SUBJECT_VIEW):
        return None
    found = [form for role in sorted(held) if (form := _longest(FORMS.get(role, {}), label))]
    return Form.CLEAR if Form.CLEAR in found else next(iter(found), None)


def table() -> Mapping[str, Mapping[str, str]]:
    """Answer the table of forms as plain values."""
    return {role.value: {label: form.value for label, form in rows.items()} for role, rows in FORMS.items()}


def _longest(rows: Mapping[str, Form], label: str) -> Form | None:
    """Find the row of the label itself, or of its closest beginning: `user.contact` speaks for `user.contact.fax`."""
    parts = label.split(".")
    for length in range(len(parts), 0, -1):
        form = rows.get(".".join(parts[:length]))
        if form is not None:
            return form
    return None
