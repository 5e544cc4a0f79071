"""The one door to django-auditlog: a diary of which fields of configuration changed, in keyed digests, never values.

The diary is a convenience for officers. The proof is the ledger: services record every change there themselves.

django-auditlog notes a change before it is made; outside a transaction, one that the database then refuses would stay.
This room compares before the change and notes after it: what failed leaves nothing, also in autocommit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from auditlog.diff import model_instance_diff
from auditlog.receivers import log_update
from auditlog.registry import auditlog
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.db.models.signals import post_save, pre_save  # the library's own hooks, put in order

from governance.keys import index_keys
from governance.models import Brand, ChangeLogEntry, Controller, Dataset, Purpose, System

#: Fields by allow-list: a field that is added later stays out until someone puts it here.
DIARY: Mapping[type[Model], Sequence[str]] = {
    Brand: ("accent", "host", "name", "sender", "slug"),
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
#: Where an instance carries what it was until the database has taken the change.
_BEFORE = "_diary_before"


def register() -> None:
    """Put the models of DIARY under the diary; called once the apps are ready."""
    for model, fields in DIARY.items():
        # Everything included is masked: django-auditlog's own mask would keep the second half of the text.
        auditlog.register(
            model, include_fields=list(fields), mask_fields=list(fields), mask_callable=f"{__name__}.{digest.__name__}"
        )
        _note_afterwards(model)


def watched() -> dict[type[Model], frozenset[str]]:
    """Answer which fields django-auditlog notes in the clear, by model; those that `digest` masks are left out."""
    found = {}
    for model in auditlog.get_models():
        options = auditlog.get_model_fields(model)
        names = {field.name for field in model._meta.concrete_fields}
        noted = (set(options["include_fields"]) or names) - set(options["exclude_fields"])
        ours = options.get("mask_callable") == f"{__name__}.{digest.__name__}"
        found[model] = frozenset(noted & names - (set(options["mask_fields"]) if ours else set()))
    return found


def digest(value: str) -> str:
    """Answer what the diary keeps of a value: equal values look equal, and nothing else can be read off."""
    return "d:" + index_keys.digest("change-log", value.encode())[:_DIGEST_LENGTH].hex()


def _note_afterwards(model: type[Model]) -> None:
    uid = auditlog._dispatch_uid(pre_save, log_update)  # noqa: SLF001  # the library offers no other way to name it
    if not pre_save.disconnect(sender=model, dispatch_uid=uid):
        raise ImproperlyConfigured("django-auditlog changed: changes that fail would be noted in the diary")
    pre_save.connect(_remember, sender=model, dispatch_uid="governance.diary.before")
    post_save.connect(_note, sender=model, dispatch_uid="governance.diary.after")


def _remember(sender: type[Model], instance: Any, **_kwargs: Any) -> None:
    is_change = not instance._state.adding and instance.pk is not None  # noqa: SLF001  # as Django documents it
    instance.__dict__[_BEFORE] = _current(sender, instance) if is_change else None


def _current(sender: type[Model], instance: Any) -> Model | None:
    return sender._default_manager.filter(pk=instance.pk).first()  # noqa: SLF001  # as Django documents it


def _note(instance: Any, update_fields: Any = None, **_kwargs: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if before is None:
        return
    changes = model_instance_diff(before, instance, fields_to_check=update_fields)
    if changes:
        ChangeLogEntry.objects.log_create(instance, action=ChangeLogEntry.Action.UPDATE, changes=changes)
