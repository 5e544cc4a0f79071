"""What every door shares in the OpenAPI description: the service key and the form of problems; no door of its own."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `errors` names each field and the remedy; nothing that was sent is repeated.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_ANSWER: Final[dict[str, Any]] = {
    "description": "Problem",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class DoorSchema(AutoSchema):
    """Takes a door's words from its class: our doors' `action` is a right, not the name of a method."""

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular narrows it, untyped
        """Answer the first words of the door."""
        return (type(self.view).__doc__ or "").strip()


class ServiceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass is untyped
    """`Authorization: Bearer <prefix>_<id>_<secret>`."""

    target_class = "governance.api.authentication.ServiceKeyAuthentication"
    name = "serviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the header."""
        del auto_schema
        return {"type": "http", "scheme": "bearer", "description": "A service key."}


class StaffSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # likewise
    """A member of staff who is signed in; unsafe calls carry a CSRF token."""

    target_class = "governance.api.authentication.StaffSessionAuthentication"
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the cookie."""
        del auto_schema
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


def problems(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Say for every operation that anything else is answered as a problem."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path in result["paths"].values():
        for operation in path.values():
            operation.setdefault("responses", {})["default"] = _ANSWER
    result["paths"] = dict(sorted(result["paths"].items()))
    return result
