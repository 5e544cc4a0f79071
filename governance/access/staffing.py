"""Who is on the staff: make, rename, let go, take back, each with its ledger row; grants and factors live elsewhere."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from governance import audit
from governance.errors import BadInput, Conflict
from governance.models import StaffUser
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType

#: What may be changed here. A password is a factor, and a superuser is made by nobody in running operation.
_FIELDS = frozenset({"email", "is_active", "name"})


@transaction.atomic
def create(email: str, *, name: str = "", principal: Principal) -> StaffUser:
    """Make a member of staff who can do nothing yet; raises Conflict for an address that is taken."""
    address = _free_address(email)
    user = StaffUser.objects.create_user(address, name=name)
    audit.record(AuditType.STAFF_CREATED, actor=principal, object_ref=f"staff:{user.pk.hex}")
    return user


@transaction.atomic
def change(user: StaffUser, *, principal: Principal, **values: Any) -> list[str]:
    """Change a member of staff; answers the fields that differ now. The ledger names them and holds no value.

    Somebody who is made inactive is signed out on the next request, everywhere.
    """
    if unknown := sorted(values.keys() - _FIELDS):
        message = f"These are not changed here: {', '.join(unknown)}"
        raise BadInput(message)
    if "email" in values:
        values["email"] = _free_address(values["email"], user)
    locked = StaffUser.objects.select_for_update().get(pk=user.pk)
    changed = sorted(name for name, value in values.items() if getattr(locked, name) != value)
    if not changed:
        return []
    for name in changed:
        setattr(locked, name, values[name])
        setattr(user, name, values[name])
    locked.save(update_fields=changed)
    details = {"fields": changed} | ({"active": locked.is_active} if "is_active" in changed else {})
    audit.record(AuditType.STAFF_CHANGED, actor=principal, object_ref=f"staff:{user.pk.hex}", details=details)
    return changed


def _free_address(email: str, user: StaffUser | None = None) -> str:
    """Answer the address as it is kept, which sign-in looks for; raises Conflict when another has it."""
    address = email.strip().lower()
    others = StaffUser.objects.filter(email=address)
    if (others if user is None else others.exclude(pk=user.pk)).exists():
        raise Conflict(gettext("There is a member of staff with this address already"))
    return address
