"""The point check and the list filter, side by side so that they cannot drift; neither knows HTTP."""

from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from governance import audit
from governance.errors import AccessDenied, NotFound
from governance.models import Controller, DataSubject
from governance.policy.principal import DATA_SUBJECT, Principal
from governance.policy.vocabulary import Action, AuditType, permits

Row = TypeVar("Row", bound=Model)


def require(
    principal: Principal, action: Action, resource: Model | None = None, *, controller_id: UUID | None = None
) -> None:
    """Let the action pass or raise: AccessDenied without the right, NotFound outside the caller's controllers.

    Called at the door, outside any transaction: a denial is recorded in a transaction of its own.
    """
    controller = _controller_of(resource) or controller_id
    if not permits(principal.roles, action):
        deny(principal, action, controller_id=controller, resource=resource)
        raise AccessDenied
    if controller is not None and controller.hex not in principal.controllers:
        # The same answer as for an id that does not exist: a foreign key learns nothing (invariant 11).
        deny(principal, action, controller_id=None, resource=None)
        raise NotFound
    if principal.kind == DATA_SUBJECT and resource is not None and not _is_own(principal, resource):
        deny(principal, action, controller_id=controller, resource=resource)
        raise NotFound


def visible_to(principal: Principal, action: Action, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Keep the rows that `require` would let pass. Empty without the right."""
    if not permits(principal.roles, action):
        return rows.none()
    served = [UUID(controller) for controller in principal.controllers]
    name = "pk" if rows.model is Controller else "controller"
    rows = rows.filter(**{f"{name}__in": served})
    return _own_rows(principal, rows) if principal.kind == DATA_SUBJECT else rows


def deny(
    principal: Principal, action: Action, *, controller_id: UUID | None, resource: Model | None, purpose: str = ""
) -> None:
    """Record a denial of authorisation, committed on its own so that the refusal cannot roll it back."""
    person = resource if isinstance(resource, DataSubject) else None
    with transaction.atomic(durable=True):
        audit.record(
            AuditType.ACCESS_DENIED,
            actor=principal,
            controller_id=controller_id,
            subject_id=person.pk if person and controller_id else None,
            object_ref="" if resource is None or person else f"{resource._meta.model_name}:{_hex(resource.pk)}",
            purpose=purpose,
            decision="deny",
            details={"action": action.value},
        )


def _controller_of(resource: Model | None) -> UUID | None:
    if isinstance(resource, Controller):
        return resource.pk
    found: UUID | None = getattr(resource, "controller_id", None) or getattr(resource, "controller", None)
    return found


def _is_own(principal: Principal, resource: Any) -> bool:
    return principal.id in {_hex(resource.pk), _hex(getattr(resource, "subject_id", None))}


def _own_rows(principal: Principal, rows: QuerySet[Row]) -> QuerySet[Row]:
    names = {field.name for field in rows.model._meta.get_fields()}
    mine = UUID(principal.id)
    return rows.filter(subject=mine) if "subject" in names else rows.filter(pk=mine)


def _hex(value: object) -> str:
    return value.hex if isinstance(value, UUID) else str(value)
