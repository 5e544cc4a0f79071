"""Who calls a REST door: a service by its key, or staff by their session; it decides nothing about rights."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from governance.access import principal_of, second_factor, service_keys
from governance.errors import NotAuthenticated
from governance.models import StaffUser
from governance.policy.principal import Principal


class ServiceUser:
    """Stands in Django's `request.user` for a service."""

    is_authenticated = True
    is_active = True

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.pk = principal.id


class ServiceKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <prefix>_<id>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[ServiceUser, Principal] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        principal = service_keys.authenticate(header)
        return ServiceUser(principal), principal

    def authenticate_header(self, request: Request) -> str:  # DRF's signature
        return "Bearer"


class StaffSessionAuthentication(SessionAuthentication):
    """A signed-in member of staff, with CSRF protection; there are no tokens for humans.

    What the console asks of a session is asked here too: otherwise a password alone would open this door.
    """

    def authenticate(self, request: Request) -> tuple[StaffUser, Principal] | None:
        found: Any = super().authenticate(request)
        if found is None:
            return None
        if not second_factor.standing(request, found[0]).opens_console:
            raise NotAuthenticated
        return found[0], principal_of(found[0])
