"""Registering connected systems: the address is sealed under the controller's key; it opens no connection."""

from django.db import IntegrityError, transaction

from governance import audit, vault
from governance.errors import BadInput, Conflict, FieldError
from governance.fields import Scope
from governance.models import Controller, System
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType

LABEL = "system.url"


@transaction.atomic(durable=True)
def register(controller: Controller, key: str, name: str, url: str, *, principal: Principal) -> System:
    """Register a SQL system. Raises Conflict for a key in use, BadInput for an address that is none."""
    if "://" not in url:
        message = "Give an address such as postgresql://user:password@host/database"
        raise BadInput("The system cannot be registered", errors=[FieldError("/url", message)])
    system = System(controller=controller, key=key, name=name)
    system.url = vault.seal(url, label=LABEL, scope=Scope(controller.pk.hex, "controller", controller.pk.hex))
    try:
        with transaction.atomic():
            system.save(force_insert=True)
    except IntegrityError:
        raise Conflict("A system with this key exists; choose another key") from None
    audit.record(
        AuditType.SYSTEM_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"system:{system.pk.hex}",
        details={"change": "registered", "kind": system.kind},
    )
    return system
