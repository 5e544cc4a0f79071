"""Registers connected systems, and compares descriptions with what a system really has; carries nothing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db import transaction

from governance import audit, vault
from governance.errors import BadInput, FieldError, SystemRefused
from governance.fields import Scope
from governance.models import Controller, System
from governance.policy.vocabulary import AuditType
from governance.systems.sql.engine import Limits, open_engine

if TYPE_CHECKING:
    from governance.policy.principal import Principal

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_NAME: Final = 120
_LONGEST_URL: Final = 1000


@transaction.atomic(durable=True)
def register(controller: Controller, key: str, name: str, url: str, *, principal: Principal) -> System:
    """Register a system, or give a registered one a new name and address; the address is sealed at once.

    Raises BadInput naming each field. The system is not called: it may be down today.
    """
    _require_usable(key, name, url)
    system = System.objects.select_for_update().filter(controller=controller, key=key).first()
    change = "changed" if system else "registered"
    system = system or System(controller=controller, key=key, kind=System.Kind.SQL)
    scope = Scope(controller.pk.hex, "controller", controller.pk.hex)
    system.name, system.disabled_at = name.strip(), None
    system.url = vault.seal(url.strip(), label="system.url", scope=scope)
    system.save()
    audit.record(
        AuditType.SYSTEM_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"system:{system.pk.hex}",
        details={"change": change, "key": key, "kind": system.kind},
    )
    return system


def _require_usable(key: str, name: str, url: str) -> None:
    errors = []
    if not _KEY.fullmatch(key):
        errors.append(FieldError("/key", "Use small letters, digits and hyphens, 64 at most"))
    if not name.strip() or len(name) > _LONGEST_NAME:
        errors.append(FieldError("/name", f"Give a name of 1 to {_LONGEST_NAME} characters"))
    if len(url) > _LONGEST_URL or not url.strip():
        errors.append(FieldError("/url", f"Give an address of 1 to {_LONGEST_URL} characters"))
    else:
        errors += _address_errors(url)
    if errors:
        raise BadInput("The system cannot be registered as it is", errors=errors)


def _address_errors(url: str) -> list[FieldError]:
    try:
        open_engine(url.strip(), Limits()).dispose()
    except SystemRefused as refused:
        # The address holds a password: the complaint is our own sentence, never the driver's.
        return [FieldError("/url", refused.detail)]
    return []
