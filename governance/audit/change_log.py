"""The one door to django-auditlog: a diary of which fields of configuration changed, in keyed digests, never values.

The diary is a convenience for officers. The proof is the ledger: services record every change there themselves.
"""

from collections.abc import Mapping, Sequence

from auditlog.registry import auditlog
from django.db.models import Model

from governance.keys import index_keys
from governance.models import Brand, Controller, Dataset, Purpose, System

#: Fields by allow-list: a field that is added later stays out until someone puts it here.
DIARY: Mapping[type[Model], Sequence[str]] = {
    Brand: ("accent", "name", "sender", "slug"),
    Controller: (
        "authority",
        "contact",
        "country",
        "host",
        "is_default",
        "language",
        "name",
        "single_officer",
        "slug",
        "time_zone",
    ),
    Dataset: ("digest", "key", "name", "version"),
    Purpose: (
        "channels",
        "data_categories",
        "description",
        "direct_marketing",
        "key",
        "lawful_basis",
        "name",
        "retired_at",
        "special_category",
        "validity_days",
        "version",
    ),
    System: ("disabled_at", "key", "kind", "name"),
}

_DIGEST_LENGTH = 16


def register() -> None:
    """Put the models of DIARY under the diary; called once the apps are ready."""
    for model, fields in DIARY.items():
        # Everything included is masked: django-auditlog's own mask would keep the second half of the text.
        auditlog.register(
            model, include_fields=list(fields), mask_fields=list(fields), mask_callable=f"{__name__}.{digest.__name__}"
        )


def digest(value: str) -> str:
    """Answer what the diary keeps of a value: equal values look equal, and nothing else can be read off."""
    return "d:" + index_keys.digest("change-log", value.encode())[:_DIGEST_LENGTH].hex()
