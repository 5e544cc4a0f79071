"""The only room that speaks to django-guardian: who works where in which role, and who owns which system.

A grant is (person, controller, role): one object permission a role. A role counts where two things meet: the person
is in the group of that name, and a grant names the controller. Leaving the group ends the role everywhere at once.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext
from guardian.shortcuts import assign_perm

from governance import audit
from governance.errors import Conflict
from governance.models import Controller, ControllerUserGrant, StaffUser, System, SystemUserGrant
from governance.models.governed import GovernedRows, recorded_memberships
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import STAFF_ROLES, AuditType, Role

_OWN = "own_system"
_ROLE_OF = {f"serve_as_{role.value}": role for role in STAFF_ROLES}


def principal_of(user: StaffUser) -> Principal:
    """Answer the staff member as a principal, with each role where it is held. A superuser gets nothing."""
    if not user.is_active:
        return Principal(STAFF, user.pk.hex, frozenset(), frozenset())
    held = _held(user)
    common: frozenset[Role] = reduce(frozenset.intersection, held.values()) if held else frozenset()
    local = frozenset((place, role) for place, roles in held.items() for role in roles - common)
    is_owner = any(Role.SYSTEM_OWNER in roles for roles in held.values())
    systems = frozenset(_owned(user)) if is_owner else frozenset()
    return Principal(STAFF, user.pk.hex, common, frozenset(held), local=local, systems=systems)


@transaction.atomic
def serve(user: StaffUser, controller: Controller, roles: Sequence[Role], *, principal: Principal) -> None:
    """Let a staff member work for a controller in these roles, on top of those held there; nothing changes elsewhere.

    Each role is one ledger row. Raises ValueError for a role that is none of staff's.
    """
    _lock(user)
    for role in roles:
        group, _created = Group.objects.get_or_create(name=role.value)
        if role in _held(user).get(controller.pk.hex, frozenset()):
            continue
        if not user.groups.filter(pk=group.pk).exists():
            # Grants that an administrator of the database left behind must not wake up with the group.
            _grants(user, [role]).recorded().delete()
            with recorded_memberships():
                user.groups.add(group)
        assign_perm(_permission(role), user, controller)
        _record(user, controller, principal, "granted", role.value)


@transaction.atomic
def dismiss(
    user: StaffUser, controller: Controller, roles: Sequence[Role] = STAFF_ROLES, *, principal: Principal
) -> None:
    """End these roles at a controller, all of them unless named; effective on the next request."""
    _lock(user)
    held = _held(user).get(controller.pk.hex, frozenset())
    for role in roles:
        _grants(user, [role]).filter(content_object=controller).recorded().delete()
        if not _grants(user, [role]).exists():
            with recorded_memberships():
                user.groups.remove(*Group.objects.filter(name=role.value))
        if role in held:
            _record(user, controller, principal, "removed", role.value)
    if Role.SYSTEM_OWNER in roles:
        _disown(user, System.objects.filter(controller=controller, pk__in=_ids(_owned(user))), principal)


@transaction.atomic
def own(user: StaffUser, system: System, *, principal: Principal) -> None:
    """Make a staff member an owner of a system: they see it and its steps, and nothing else by that.

    Raises Conflict for somebody who is no system owner at the system's controller.
    """
    _lock(user)
    if Role.SYSTEM_OWNER not in _held(user).get(system.controller_id.hex, frozenset()):
        raise Conflict(
            gettext("Only somebody with the role system_owner at this controller can own a system; grant it first")
        )
    if system.pk.hex in _owned(user):
        return
    assign_perm(f"governance.{_OWN}", user, system)
    _record_ownership(user, system, principal, "granted")


@transaction.atomic
def disown(user: StaffUser, system: System, *, principal: Principal) -> None:
    """End the ownership of a system; effective on the next request."""
    _lock(user)
    _disown(user, [system] if system.pk.hex in _owned(user) else [], principal)


def owners_of(system: System) -> list[StaffUser]:
    """Answer who owns a system, by address."""
    grants = SystemUserGrant.objects.filter(content_object=system, permission__codename=_OWN)
    return list(StaffUser.objects.filter(pk__in=grants.values("user")).order_by("email"))


def staff_of(controller: Controller) -> list[StaffUser]:
    """Answer everybody who works at a controller, by address; also who left the service and may have acted before."""
    grants = ControllerUserGrant.objects.filter(content_object=controller, permission__codename__in=_ROLE_OF)
    return list(StaffUser.objects.filter(pk__in=grants.values("user")).order_by("email"))


def roles_at(controller: Controller) -> list[tuple[StaffUser, Role]]:
    """Answer who works at a controller in which role, by address; a role that does not count now is absent."""
    grants = ControllerUserGrant.objects.filter(content_object=controller, permission__codename__in=_ROLE_OF)
    rows = grants.select_related("user", "permission").prefetch_related("user__groups").order_by("user__email", "pk")
    found = [(row.user, _ROLE_OF[row.permission.codename]) for row in rows if row.user.is_active]
    return [(user, role) for user, role in found if role.value in {group.name for group in user.groups.all()}]


def peers_of(staff_id: UUID, controller: Controller) -> set[UUID]:
    """Answer who else holds one of this person's roles at a controller, as their ids."""
    held = ControllerUserGrant.objects.filter(content_object=controller, permission__codename__in=_ROLE_OF)
    own = held.filter(user_id=staff_id).values("permission")
    return set(held.filter(permission__in=own).exclude(user_id=staff_id).values_list("user_id", flat=True))


def staff_with(role: Role, controller: Controller) -> list[StaffUser]:
    """Answer the active staff who hold a role at a controller, by address."""
    codename = _permission(role).partition(".")[2]
    grants = ControllerUserGrant.objects.filter(content_object=controller, permission__codename=codename)
    people = StaffUser.objects.filter(is_active=True, groups__name=role.value, pk__in=grants.values("user"))
    return list(people.order_by("email"))


def divide(rows: Any, permissions: Any) -> None:
    """Replace each grant of `serve_controller`, which carried every role of its person, by one grant a role.

    Takes querysets, because a migration hands over models of its own. The old grants go in the same transaction: one
    that stayed would give back, at the next migration, a role that was taken away since.
    """
    with transaction.atomic(using=rows.db):
        old = rows.filter(permission__codename="serve_controller")
        for row in old.select_related("user", "permission"):
            names = set(row.user.groups.values_list("name", flat=True))
            for codename, role in _ROLE_OF.items():
                if role.value in names:
                    # Django makes permissions after this runs, and takes those that are there.
                    kind, name = row.permission.content_type_id, {"name": f"Works here as {role.value}"}
                    found, _made = permissions.get_or_create(codename=codename, content_type_id=kind, defaults=name)
                    rows.get_or_create(user=row.user, permission=found, content_object_id=row.content_object_id)
        # A migration's own models have managers that refuse nothing.
        (old.recorded() if isinstance(old, GovernedRows) else old).delete()


def _lock(user: StaffUser) -> None:
    """Take one change of a person's grants after the other: two at once could leave a group without its grant."""
    StaffUser.objects.select_for_update().get(pk=user.pk)


def _held(user: StaffUser) -> dict[str, frozenset[Role]]:
    names = set(user.groups.values_list("name", flat=True))
    rows = ControllerUserGrant.objects.filter(user=user, permission__codename__in=_ROLE_OF)
    held: dict[str, frozenset[Role]] = {}
    for place, codename in rows.values_list("content_object_id", "permission__codename"):
        if _ROLE_OF[codename].value in names:
            held[place.hex] = held.get(place.hex, frozenset()) | {_ROLE_OF[codename]}
    return held


def _owned(user: StaffUser) -> set[str]:
    rows = SystemUserGrant.objects.filter(user=user, permission__codename=_OWN)
    return {pk.hex for pk in rows.values_list("content_object_id", flat=True)}


def _ids(hexes: Iterable[str]) -> list[UUID]:
    return [UUID(each) for each in hexes]


def _grants(user: StaffUser, roles: Sequence[Role]):  # type: ignore[no-untyped-def]  # guardian is untyped
    codenames = [f"serve_as_{role.value}" for role in roles]
    return ControllerUserGrant.objects.filter(user=user, permission__codename__in=codenames)


def _permission(role: Role) -> str:
    if role not in STAFF_ROLES:
        message = f"{role.value} is no role of staff; use one of: {', '.join(STAFF_ROLES)}"
        raise ValueError(message)
    return f"governance.serve_as_{role.value}"


def _disown(user: StaffUser, systems: Iterable[System], principal: Principal) -> None:
    for system in systems:
        owned = SystemUserGrant.objects.filter(user=user, permission__codename=_OWN, content_object=system)
        owned.recorded().delete()
        _record_ownership(user, system, principal, "removed")


def _record(user: StaffUser, controller: Controller, principal: Principal, change: str, role: str) -> None:
    audit.record(
        AuditType.GRANT_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"staff:{user.pk.hex}",
        details={"change": change, "role": role},
    )


def _record_ownership(user: StaffUser, system: System, principal: Principal, change: str) -> None:
    audit.record(
        AuditType.GRANT_CHANGED,
        actor=principal,
        controller_id=system.controller_id,
        object_ref=f"staff:{user.pk.hex}",
        details={"change": change, "role": Role.SYSTEM_OWNER.value, "system": system.key},
    )
