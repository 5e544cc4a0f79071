"""The only room that speaks to django-guardian: which controllers and systems staff work for."""

from django.contrib.auth.models import Group
from django.db import transaction
from guardian.shortcuts import assign_perm, get_objects_for_user, remove_perm

from governance import audit
from governance.errors import Conflict
from governance.models import Controller, StaffUser, System
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import STAFF_ROLES, AuditType, Role

_SERVE = "governance.serve_controller"
_OWN = "governance.own_system"


def principal_of(user: StaffUser) -> Principal:
    """Answer the staff member as a principal: roles from groups, controllers from grants. A superuser gets nothing."""
    if not user.is_active:
        return Principal(STAFF, user.pk.hex, frozenset(), frozenset())
    names = set(user.groups.values_list("name", flat=True))
    controllers = controllers_of(user).values_list("pk", flat=True)
    return Principal(
        STAFF,
        user.pk.hex,
        frozenset(role for role in STAFF_ROLES if role.value in names),
        frozenset(pk.hex for pk in controllers),
    )


def controllers_of(user: StaffUser):  # type: ignore[no-untyped-def]  # guardian is untyped
    """The controllers this staff member works for; a global permission or superuser flag counts for nothing here."""
    return get_objects_for_user(user, _SERVE, klass=Controller, accept_global_perms=False, with_superuser=False)


def systems_of(user: StaffUser):  # type: ignore[no-untyped-def]  # guardian is untyped
    """The systems this staff member owns."""
    return get_objects_for_user(user, _OWN, klass=System, accept_global_perms=False, with_superuser=False)


@transaction.atomic
def serve(user: StaffUser, controller: Controller, roles: list[Role], *, principal: Principal) -> None:
    """Let a staff member work for a controller in these roles; with none named, in the roles held already.

    Roles are held everywhere one works. So a second controller is refused unless the roles are the same: an auditor
    here who became an officer there would be an officer here too.
    """
    elsewhere = controllers_of(user).exclude(pk=controller.pk)
    held = set(user.groups.values_list("name", flat=True))
    if roles and {role.value for role in roles} != held and elsewhere.exists():
        raise Conflict("One person has the same roles at every controller; make another account for other roles")
    for role in roles:
        group, _created = Group.objects.get_or_create(name=role.value)
        user.groups.add(group)
    assign_perm(_SERVE, user, controller)
    _record(user, controller, principal, "granted", roles)


@transaction.atomic
def dismiss(user: StaffUser, controller: Controller, *, principal: Principal) -> None:
    """End a staff member's work for a controller; effective on the next request."""
    remove_perm(_SERVE, user, controller)
    if not controllers_of(user).exists():
        user.groups.clear()
    _record(user, controller, principal, "removed", [])


def _record(user: StaffUser, controller: Controller, principal: Principal, change: str, roles: list[Role]) -> None:
    audit.record(
        AuditType.GRANT_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"staff:{user.pk.hex}",
        details={"change": change, "roles": [role.value for role in roles]},
    )
