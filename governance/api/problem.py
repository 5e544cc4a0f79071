"""RFC 9457 problem+json for the whole tree, in one place; it never repeats what was sent."""

from typing import Any

import structlog
from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as drf

from governance.errors import (
    AccessDenied,
    BadInput,
    CryptoError,
    FieldError,
    GovernanceError,
    MediaTypeRefused,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
    Unavailable,
)

logger = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"
#: Seconds. The only limit of our doors is on codes, and tells people to come back in an hour: so does the header.
_RETRY_AFTER = {429: "3600", 503: "60"}
_NO_RIGHT = "No role of this service includes this; ask whoever gives out service keys for one that does"


def problem(error: GovernanceError, instance: str = "") -> HttpResponse:
    """Answer an error of the tree. `instance` is the request id, for whoever reads the logs."""
    body: dict[str, Any] = {
        "type": f"urn:governance:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
    }
    if detail := error.detail or (_NO_RIGHT if isinstance(error, AccessDenied) else ""):
        body["detail"] = detail
    if error.errors:
        body["errors"] = [{"pointer": item.pointer, "detail": item.detail} for item in error.errors]
    if instance:
        body["instance"] = f"urn:request:{instance}"
    response = JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="governance"'
    if error.status in _RETRY_AFTER:
        response["Retry-After"] = _RETRY_AFTER[error.status]
    return response


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's hook: every exception of a door becomes a problem; unknown ones are logged by class and answered blank."""
    request = context.get("request")
    return problem(as_error(exc), request_id(getattr(request, "_request", request)))


def as_error(exc: Exception) -> GovernanceError:
    """Translate what frameworks raise into the tree. Messages of unknown exceptions are never shown: they may quote."""
    if isinstance(exc, GovernanceError):
        return exc
    for kind, make in _TRANSLATIONS:
        if isinstance(exc, kind):
            made: GovernanceError = make(exc)
            return made
    logger.error("door.failed", error=type(exc).__name__, exc_info=not isinstance(exc, CryptoError))
    return GovernanceError()


def request_id(request: HttpRequest | None) -> str:
    """The id that the logs carry for this request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", "")) if request is not None else ""


def _validation(exc: Any) -> GovernanceError:
    return BadInput("See errors: each names a field and the remedy", errors=list(_flatten(exc.detail, "")))


def _flatten(detail: Any, pointer: str) -> list[FieldError]:
    if isinstance(detail, dict):
        found = []
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else f"/{str(key).replace('~', '~0').replace('/', '~1')}"
            found += _flatten(value, pointer + name)
        return found
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return [FieldError(pointer, str(item)) for item in detail]
        return [error for index, item in enumerate(detail) for error in _flatten(item, f"{pointer}/{index}")]
    return [FieldError(pointer, str(detail))]


def _parse_error(exc: Any) -> GovernanceError:
    error = BadInput(str(exc.detail))
    error.status = 400
    return error


def _method(exc: Any) -> GovernanceError:
    error = GovernanceError("Use one of the methods that the schema at /schema/ names for this address")
    error.status, error.code, error.title = 405, "request.method", "This method is not offered here"
    return error


def _host(_exc: Any) -> GovernanceError:
    error = BadInput("Call the service by a name in ALLOWED_HOSTS")
    error.status, error.code, error.title = 400, "request.host", "The service is not known by this name"
    return error


def _not_acceptable(_exc: Any) -> GovernanceError:
    error = BadInput("Answers are application/json")
    error.status, error.code, error.title = 406, "request.not_acceptable", "This form of answer is not offered"
    return error


_TRANSLATIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Any], ...] = (
    (drf.ValidationError, _validation),
    (drf.ParseError, _parse_error),
    ((drf.NotAuthenticated, drf.AuthenticationFailed), lambda _exc: NotAuthenticated()),
    ((drf.PermissionDenied, PermissionDenied), lambda _exc: AccessDenied()),
    ((drf.NotFound, Http404), lambda _exc: NotFound()),
    (drf.MethodNotAllowed, _method),
    (drf.UnsupportedMediaType, lambda _exc: MediaTypeRefused("Send Content-Type: application/json")),
    (drf.NotAcceptable, _not_acceptable),
    (drf.Throttled, lambda _exc: TooManyRequests()),
    ((OperationalError, InterfaceError), lambda _exc: Unavailable("Try again in a moment")),
    (DisallowedHost, _host),
    (RequestDataTooBig, lambda _exc: PayloadTooLarge("Send at most 1 MiB in one request")),
)
