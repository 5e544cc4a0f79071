"""Judges collections and fields by their data categories; knows neither edges nor plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.catalogue.elements import is_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governance.catalogue.elements import Collection, MapField

EMPLOYEE = "employee"

#: Categories that single a person out: a row that holds one describes somebody.
_IDENTIFYING = (
    "user.name",
    "user.contact.email",
    "user.unique_id",
    "user.government_id",
    "user.biometric",
    EMPLOYEE,
)
#: Never disclosed, only said to be held (11 CCR § 7024(d); good sense everywhere else).
_CREDENTIALS = (
    "user.authorization",
    "user.biometric",
    "user.credentials",
    "user.financial.account_number",
    "user.financial.bank_account",
    "user.financial.credit_card",
    "user.government_id",
)
_CREDENTIAL_WORDS = frozenset(("biometric", "credentials", "password", "passwords", "security_question", "secret"))


def _within_any(categories: Iterable[str], branches: Iterable[str]) -> bool:
    branches = tuple(branches)
    return any(is_within(category, branch) for category in categories for branch in branches)


def is_personal_category(category: str) -> bool:
    """Tell whether a category is about a person: everything but system.*."""
    return not is_within(category, "system")


def is_personal(item: MapField) -> bool:
    """Tell whether a field holds personal data; one that identifies does, whatever its category claims."""
    return item.identity is not None or any(map(is_personal_category, item.all_categories))


def is_credential(item: MapField) -> bool:
    """Tell whether a field's value is never given out."""
    if _within_any(item.all_categories, _CREDENTIALS):
        return True
    return any(_CREDENTIAL_WORDS & set(category.split(".")) for category in item.all_categories)


def is_plain_link(item: MapField) -> bool:
    """Tell whether a reference holds nothing but a record's number, so that keeping it discloses nothing."""
    numbers_only = all(is_within(each, "user.unique_id") for each in item.categories if is_personal_category(each))
    return bool(item.references) and numbers_only


def describes_person(home: Collection) -> bool:
    """Tell whether a row of the collection is somebody, rather than something about somebody."""
    for item in home.fields:
        if item.identity is not None:
            return True
        if not item.references and _within_any(item.all_categories, _IDENTIFYING):
            return True
    return False


def holds_personal_data(home: Collection) -> bool:
    """Tell whether any field of the collection is personal."""
    return any(map(is_personal, home.fields))


def person_kind(home: Collection) -> str | None:
    """Return whose person the collection describes: what the map says, or employee where its categories say so."""
    if home.data_subject is not None:
        return home.data_subject
    categories = (category for item in home.fields for category in item.all_categories)
    return EMPLOYEE if _within_any(categories, (EMPLOYEE,)) else None
