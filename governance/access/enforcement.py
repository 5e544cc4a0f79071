"""The point check and the list filter, side by side so that they cannot drift; neither knows HTTP."""

from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from governance import audit
from governance.errors import AccessDenied, NotFound
from governance.models import Controller, DataSubject, System
from governance.policy import fingerprint
from governance.policy.principal import DATA_SUBJECT, Principal
from governance.policy.vocabulary import Action, AuditType, permits

Row = TypeVar("Row", bound=Model)

#: Rules that refuse, as a denial's event names them.
NO_FORM = "refuse:no_form"
NO_ROLE = "refuse:no_role"
NOT_OWNED = "refuse:not_owned"
OTHER_CONTROLLER = "refuse:other_controller"
OTHER_PERSON = "refuse:other_person"
OTHER_PURPOSE = "refuse:other_purpose"
RESTRICTED = "refuse:restricted"
STALE_FACTOR = "refuse:stale_factor"


def require(
    principal: Principal, action: Action, resource: Model | None = None, *, controller_id: UUID | None = None
) -> None:
    """Let the action pass or raise: AccessDenied without the right, NotFound where it is not held.

    Called at the door, outside any transaction: a denial is recorded in a transaction of its own.
    """
    controller = _controller_of(resource) or controller_id
    if not principal.may(action):
        deny(principal, action, controller_id=controller, resource=resource, rule=NO_ROLE)
        raise AccessDenied
    if controller is not None and not principal.may(action, controller.hex):
        # The same answer as for an id that does not exist: whoever may act here learns nothing of there (invariant 11).
        deny(principal, action, controller_id=None, resource=None, rule=OTHER_CONTROLLER)
        raise NotFound
    if resource is not None and _is_of_another(principal, action, resource):
        rule = NOT_OWNED if action is Action.SYSTEM_OWN else OTHER_PERSON
        deny(principal, action, controller_id=controller, resource=resource, rule=rule)
        raise NotFound


def visible_to(principal: Principal, action: Action, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Keep the rows that `require` would let pass. Empty without the right."""
    if not principal.may(action):
        return rows.none()
    served = [UUID(controller) for controller in principal.controllers_where(action)]
    name = "pk" if rows.model is Controller else "controller"
    rows = rows.filter(**{f"{name}__in": served})
    if action is Action.SYSTEM_OWN:
        return _owned_rows(principal, rows)
    return _own_rows(principal, rows) if principal.kind == DATA_SUBJECT else rows


def permitting(principal: Principal, action: Action, controller: str) -> list[str]:
    """Answer the rules that let this pass: each role held at this controller that carries the action."""
    held = principal.roles_at(controller)
    return sorted(f"role:{role.value}" for role in held if permits(frozenset({role}), action))


class Decided(NamedTuple):
    """What let an action pass, as its event names it: rules, and the fingerprint of the rules in force."""

    rules: list[str]
    ruleset: str


def decided(principal: Principal, action: Action, controller_id: UUID) -> Decided:
    """Answer what `require` let this pass by; nothing for whom no rule was asked, such as the operator or a worker."""
    rules = permitting(principal, action, controller_id.hex)
    return Decided(rules, fingerprint.roles() if rules else "")


def deny(  # noqa: PLR0913  # a denial is one event; each argument is a part of it
    principal: Principal,
    action: Action,
    *,
    controller_id: UUID | None,
    resource: Model | None,
    purpose: str = "",
    rule: str = "",
    ruleset: str = "",
) -> None:
    """Record a denial of authorisation, committed on its own so that the refusal cannot roll it back.

    `rule` names what refused; `ruleset` the rules in force, the table of roles when left out.
    """
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
            rules=[rule] if rule else [],
            ruleset=ruleset or fingerprint.roles(),
            details={"action": action.value},
        )


def _controller_of(resource: Model | None) -> UUID | None:
    if isinstance(resource, Controller):
        return resource.pk
    found: UUID | None = getattr(resource, "controller_id", None) or getattr(resource, "controller", None)
    return found


def _is_of_another(principal: Principal, action: Action, resource: Model) -> bool:
    if action is Action.SYSTEM_OWN and not isinstance(resource, Controller):
        system = resource.pk if isinstance(resource, System) else getattr(resource, "system_id", None)
        return not isinstance(system, UUID) or system.hex not in principal.systems
    return principal.kind == DATA_SUBJECT and not _is_own(principal, resource)


def _is_own(principal: Principal, resource: Any) -> bool:
    return principal.id in {_hex(resource.pk), _hex(getattr(resource, "subject_id", None))}


def _own_rows(principal: Principal, rows: QuerySet[Row]) -> QuerySet[Row]:
    names = {field.name for field in rows.model._meta.get_fields()}
    mine = UUID(principal.id)
    return rows.filter(subject=mine) if "subject" in names else rows.filter(pk=mine)


def _owned_rows(principal: Principal, rows: QuerySet[Row]) -> QuerySet[Row]:
    if rows.model is Controller:
        return rows
    name = "pk" if rows.model is System else "system"
    return rows.filter(**{f"{name}__in": [UUID(system) for system in principal.systems]})


def _hex(value: object) -> str:
    return value.hex if isinstance(value, UUID) else str(value)
