"""Who works with the demonstration: somebody for every role, services with different scopes; no default password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from governance.access import grants, service_keys, staffing
from governance.models import ServiceAccount, StaffUser, System
from governance.policy.vocabulary import Role

if TYPE_CHECKING:
    from governance.models import Controller
    from governance.policy.principal import Principal

OFFICER = "officer@larkspur.example"
_OWNER = "systems@larkspur.example"
_STAFF = (
    (OFFICER, "Robin Larkspur", Role.PRIVACY_OFFICER),
    ("analyst@larkspur.example", "Sam Fell", Role.ANALYST),
    ("support@larkspur.example", "Rosa Field", Role.SUPPORT_AGENT),
    (_OWNER, "Otto Reed", Role.SYSTEM_OWNER),
    ("auditor@larkspur.example", "Maren Holt", Role.AUDITOR),
    ("admin@larkspur.example", "Kit Sorrel", Role.ADMINISTRATOR),
)
#: They have no key until somebody issues one: a key that nobody keeps would only be a door.
_SERVICES = (
    ("demo-mailing", Role.CHECKER, ("newsletter", "surveys")),
    ("demo-web", Role.COLLECTOR, ("newsletter", "personalisation", "partners")),
    ("demo-analytics", Role.CHECKER, ("analytics",)),
)


def officer() -> StaffUser:
    """Give the privacy officer of the demonstration."""
    return StaffUser.objects.get(email=OFFICER)


@transaction.atomic
def give(controller: Controller, key: str, principal: Principal) -> None:
    """Let the system owner own one of the systems."""
    owner = StaffUser.objects.get(email=_OWNER)
    grants.own(owner, System.objects.get(controller=controller, key=key), principal=principal)


def appoint(controller: Controller, principal: Principal) -> None:
    """Make whoever is missing."""
    for email, name, role in _STAFF:
        with transaction.atomic():
            if not StaffUser.objects.filter(email=email).exists():
                user = staffing.create(email, name=name, principal=principal)
                grants.serve(user, controller, [role], principal=principal)
    for name, role, purposes in _SERVICES:
        if not ServiceAccount.objects.filter(controller=controller, name=name).exists():
            service_keys.create_account(controller, name, [role], list(purposes), principal=principal)
