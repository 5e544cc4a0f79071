"""Purposes: create, change, retire; each change raises the ruleset version in the same transaction."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from governance import access, audit
from governance.errors import BadInput, Conflict, FieldError
from governance.models import Controller, Purpose
from governance.policy.principal import Principal
from governance.policy.vocabulary import Action, AuditType

_CHANGEABLE = frozenset(
    {
        "channels",
        "data_categories",
        "description",
        "direct_marketing",
        "lawful_basis",
        "name",
        "special_category",
        "validity_days",
    }
)


@transaction.atomic(durable=True)
def create(controller: Controller, *, principal: Principal, key: str, **values: Any) -> Purpose:
    """Create a purpose. Raises Conflict for a key in use, BadInput for an unknown lawful basis or field."""
    purpose = Purpose(controller=controller, key=key, **_checked(values))
    try:
        with transaction.atomic():
            purpose.save(force_insert=True)
    except IntegrityError:
        raise Conflict(gettext("A purpose with this key exists; change it or choose another key")) from None
    _published(purpose, principal, "created", sorted(values))
    return purpose


@transaction.atomic(durable=True)
def change(purpose: Purpose, *, principal: Principal, **values: Any) -> Purpose:
    """Change a purpose; its version grows, so that consent given before can be told apart."""
    locked: Purpose = Purpose.objects.select_for_update().get(pk=purpose.pk)
    for name, value in _checked(values).items():
        setattr(locked, name, value)
    locked.version += 1
    locked.save()
    _published(locked, principal, "changed", sorted(values))
    return locked


@transaction.atomic(durable=True)
def retire(purpose: Purpose, *, principal: Principal) -> Purpose:
    """Retire a purpose: nothing is allowed under it from now on. Its history stays."""
    locked: Purpose = Purpose.objects.select_for_update().get(pk=purpose.pk)
    if locked.retired_at is None:
        locked.retired_at = timezone.now()
        locked.save(update_fields=["retired_at"])
        _published(locked, principal, "retired", [])
    return locked


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    errors = [FieldError(f"/{name}", gettext("Unknown field")) for name in sorted(values.keys() - _CHANGEABLE)]
    if "lawful_basis" in values and values["lawful_basis"] not in Purpose.Basis.values:
        errors.append(
            FieldError("/lawful_basis", gettext("Use one of: %(known)s") % {"known": ", ".join(Purpose.Basis.values)})
        )
    if errors:
        raise BadInput(gettext("The purpose cannot be saved"), errors=errors)
    return values


def _published(purpose: Purpose, principal: Principal, change_: str, fields: list[str]) -> None:
    Controller.objects.filter(pk=purpose.controller_id).recorded().update(ruleset_version=F("ruleset_version") + 1)
    rules, ruleset = access.decided(principal, Action.CATALOGUE_CHANGE, purpose.controller_id)
    audit.record(
        AuditType.PURPOSE_CHANGED,
        actor=principal,
        controller_id=purpose.controller_id,
        object_ref=f"purpose:{purpose.pk.hex}",
        purpose=purpose.key,
        rules=rules,
        ruleset=ruleset,
        details={"change": change_, "fields": fields, "version": purpose.version},
    )
