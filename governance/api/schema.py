"""What every door shares in the OpenAPI description: who may call, and every problem it answers; no door of its own."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from governance.errors import (
    AccessDenied,
    BadInput,
    Conflict,
    Erased,
    MediaTypeRefused,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
)

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `errors` names each field and the remedy; nothing that was sent is repeated.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "The last part of `type`."},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "The request's id, for the service's logs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Where in the body (RFC 6901), or the name of a parameter; empty for the whole.",
                        "examples": ["/identifiers/0/value"],
                    },
                    "detail": {"type": "string", "description": "What to do."},
                },
            },
        },
    },
}
_FORM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_MEANING: Final = {
    "400": "The request cannot be read",
    "403": AccessDenied.title,
    "5XX": "The service cannot answer now; nothing was changed that was not answered",
} | {
    str(error.status): error.title
    for error in (
        BadInput,
        NotAuthenticated,
        NotFound,
        Conflict,
        Erased,
        PayloadTooLarge,
        MediaTypeRefused,
        TooManyRequests,
    )
}
_RETRY_AFTER: Final = {
    "headers": {"Retry-After": {"description": "Seconds, with 429 and 503.", "schema": {"type": "integer"}}}
}
_HEADERS: Final[dict[str, Any]] = {
    "401": {"headers": {"WWW-Authenticate": {"schema": {"type": "string"}}}},
    "429": _RETRY_AFTER,
    "5XX": _RETRY_AFTER,
}
#: What any door can answer, and any door that reads a body. The others a door names: `responses={..., 409: None}`.
_ANYWHERE: Final = ("400", "401", "403", "5XX")
_WITH_BODY: Final = ("413", "415", "422")


class DoorSchema(AutoSchema):
    """Takes a door's words from its class: our doors' `action` is a right, not the name of a method."""

    def get_summary(self) -> str:
        """Answer the operation's name in words."""
        return str(self.get_operation_id()).replace("_", " ").capitalize()

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular narrows it, untyped
        """Answer the first words of the door."""
        return (type(self.view).__doc__ or "").strip()

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: Any = False) -> Any:  # noqa: FBT002  # its signature
        """Say how many items a list takes: the library leaves that out."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and schema.get("type") == "array":
            if not getattr(field, "allow_empty", True):
                schema["minItems"] = 1
            if getattr(field, "max_length", None) is not None:
                schema["maxItems"] = field.max_length
        return schema


class ServiceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass is untyped
    """`Authorization: Bearer <prefix>_<id>_<secret>`."""

    target_class = "governance.api.authentication.ServiceKeyAuthentication"
    name = "serviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the header."""
        del auto_schema
        return {"type": "http", "scheme": "bearer", "description": "A service key."}


class StaffSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # likewise
    """A member of staff who is signed in; unsafe calls carry a CSRF token in the header X-CSRFToken."""

    target_class = "governance.api.authentication.StaffSessionAuthentication"
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the cookie."""
        del auto_schema
        words = "Staff who are signed in; calls that change something carry the CSRF token in the header X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": words}


def idempotency_key(description: str) -> OpenApiParameter:
    """Describe the header Idempotency-Key as `idempotency.key_of` reads it."""
    form = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return OpenApiParameter("Idempotency-Key", form, OpenApiParameter.HEADER, description=description)


def answer_header(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """Describe a header of a door's answers."""
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, response=list(statuses))


def problems(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Say for every operation which problems it answers, and that bodies take no unknown fields."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            answers = operation.setdefault("responses", {})
            refusals = _ANYWHERE + (() if method == "get" else _WITH_BODY) + (("404",) if "{" in path else ())
            for status in {*refusals, *(status for status in answers if status >= "4")}:
                answers[status] = {"description": _MEANING[status], "content": _FORM} | _HEADERS.get(status, {})
            operation["responses"] = dict(sorted(answers.items()))
            _close(operation.get("requestBody", {}), schemas)
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _close(node: Any, schemas: dict[str, Any]) -> None:
    """Mark what a body is made of as complete: StrictSerializer refuses every other field."""
    if isinstance(node, list):
        for each in node:
            _close(each, schemas)
    elif isinstance(node, dict):
        if "$ref" in node:
            _close(schemas[node["$ref"].rsplit("/", 1)[1]], schemas)
        if "properties" in node:
            node["additionalProperties"] = False
        for each in node.values():
            _close(each, schemas)
