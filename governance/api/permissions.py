"""Permissions of REST doors: shut unless a declared action passes the policy."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance import access
from governance.errors import NotAuthenticated
from governance.policy.principal import Principal
from governance.policy.vocabulary import Action


def declared_action(view: Any, request: Request) -> Action | None:
    """Answer the action that a door declares for the method it is called with."""
    asked = "GET" if request.method == "HEAD" else request.method
    action: Action | None = getattr(view, "actions", {}).get(asked, getattr(view, "action", None))
    return action


class DenyAll(BasePermission):
    """Answers no: a door that forgot to declare itself stays shut."""

    def has_permission(self, request: Request, view: Any) -> bool:  # DRF's signature
        return False


class DoorPermission(BasePermission):
    """Asks the policy for the door's declared action; without one the answer is no."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Principal):
            raise NotAuthenticated
        method = str(request.method)
        if method not in view.allowed_methods:
            raise MethodNotAllowed(method)
        action = declared_action(view, request)
        if action is None:
            return False
        access.require(request.auth, action)
        return True
