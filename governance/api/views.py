"""The shape of every REST door: it declares its action, reads strict input, calls one service; no logic of its own."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from governance.api.negotiation import OneForm
from governance.api.permissions import DoorPermission, declared_action
from governance.errors import Conflict, NotAuthenticated
from governance.models import Controller
from governance.policy.principal import Principal
from governance.policy.vocabulary import Action


class Door(APIView):
    """A REST door for services. Set `action`, or `actions` by method when they differ."""

    action: ClassVar[Action | None] = None
    actions: ClassVar[dict[str, Action]] = {}
    http_method_names = ("get", "head", "post")  # DRF's OPTIONS would describe the door a second way
    permission_classes = (DoorPermission,)
    content_negotiation_class = OneForm

    @property
    def principal(self) -> Principal:
        """Who calls."""
        if not isinstance(self.request.auth, Principal):
            raise NotAuthenticated
        return self.request.auth

    @property
    def controller(self) -> Controller:
        """The controller that the caller acts for: a service has exactly one.

        Staff may work for several. A guess could put one company's data under another, so there is none.
        """
        action = declared_action(self, self.request)
        served = self.principal.controllers_where(action) if action else frozenset()
        if len(served) != 1:
            raise Conflict("You work for several controllers; use the console, where one of them is in view")
        return Controller.objects.get(pk=UUID(next(iter(served))))

    def read(self, serializer: type[Serializer[Any]], data: Any = None) -> dict[str, Any]:
        """Answer the validated body; raises with one entry for each wrong field."""
        form = serializer(data=self.request.data if data is None else data)
        form.is_valid(raise_exception=True)
        result: dict[str, Any] = form.validated_data
        return result

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "no-store"
        return final


def bearer(request: HttpRequest) -> str:
    """The Authorization header of a plain Django request."""
    return request.headers.get("Authorization", "")
