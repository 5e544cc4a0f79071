"""What fields and tables are called when we write to people: words for data categories and places, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrPromise

#: Data categories (fideslang 3) in words; a category without a line of its own reads as the branch it lies on.
CATEGORY_WORDS: Final[Mapping[str, StrPromise]] = {
    "system": _("technical details"),
    "user": _("other details about you"),
    "user.account": _("account details"),
    "user.account.username": _("user name"),
    "user.authorization": _("sign-in details"),
    "user.authorization.password": _("password"),
    "user.behavior": _("what you did with us"),
    "user.behavior.browsing_history": _("pages you looked at"),
    "user.behavior.purchase_history": _("what you bought"),
    "user.biometric": _("biometric data"),
    "user.contact": _("contact details"),
    "user.contact.address": _("postal address"),
    "user.contact.address.city": _("town"),
    "user.contact.address.country": _("country"),
    "user.contact.address.postal_code": _("postcode"),
    "user.contact.address.state": _("region"),
    "user.contact.address.street": _("street"),
    "user.contact.email": _("e-mail address"),
    "user.contact.fax_number": _("fax number"),
    "user.contact.organization": _("company"),
    "user.contact.phone_number": _("phone number"),
    "user.content": _("texts by you or about you"),
    "user.content.self_image": _("picture of you"),
    "user.criminal_history": _("criminal records"),
    "user.demographic": _("facts about you as a person"),
    "user.demographic.age_range": _("age"),
    "user.demographic.date_of_birth": _("date of birth"),
    "user.demographic.gender": _("gender"),
    "user.demographic.language": _("language"),
    "user.device": _("your devices"),
    "user.device.cookie_id": _("cookie number"),
    "user.device.ip_address": _("internet address"),
    "user.financial": _("payments and amounts"),
    "user.financial.bank_account": _("bank account"),
    "user.financial.credit_card": _("payment card"),
    "user.government_id": _("official number or document"),
    "user.health_and_medical": _("health data"),
    "user.job_title": _("job title"),
    "user.location": _("where you were"),
    "user.name": _("name"),
    "user.name.first": _("first name"),
    "user.name.last": _("last name"),
    "user.payment": _("payment details"),
    "user.privacy_preferences": _("your privacy choices"),
    "user.social": _("social media"),
    "user.telemetry": _("how you used our service"),
    "user.unique_id": _("number we know you by"),
    "user.workplace": _("place of work"),
}


def category_words(category: str) -> str:
    """Say a data category in words: that of its own line, or of the nearest branch above it."""
    known = category
    while known and known not in CATEGORY_WORDS:
        known = known.rpartition(".")[0]
    return str(CATEGORY_WORDS[known]) if known else gettext("other details")


def collection_words(collection: str) -> str:
    """Say a table in words: shop.purchase_line is purchase line."""
    return collection.rpartition(".")[2].replace("_", " ").strip().lower()


def place_words(system: str, collection: str) -> str:
    """Say where something is held: the system as its owner calls it, and the table."""
    return gettext("%(system)s, %(collection)s") % {"system": system, "collection": collection_words(collection)}
