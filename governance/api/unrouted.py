"""Failures outside any door, such as an address that is none: a problem for callers of the API, a page for people."""

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from governance.api.problem import as_error, problem, request_id
from governance.errors import AccessDenied, BadInput, GovernanceError, NotFound

#: Addresses below this one answer problem+json, whatever happens.
API = "/v1/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400: a wrong Host header, too many headers, and the like."""
    if not request.path_info.startswith(API):
        return defaults.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        return problem(as_error(exception), request_id(request))
    error = BadInput("The request cannot be read")
    error.status = 400
    return problem(error, request_id(request))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403."""
    if not request.path_info.startswith(API):
        return defaults.permission_denied(request, exception)
    return problem(AccessDenied(), request_id(request))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404: no route has this address, or what stands for an id in it is none."""
    if not request.path_info.startswith(API):
        return defaults.page_not_found(request, exception)
    return problem(NotFound("See /schema/ for the doors there are"), request_id(request))


class WrongMethod:
    """Gives people a page that helps where Django's 405 is blank; doors of the API answer for themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.get("Content-Type", "").startswith("application/"):
            return response
        if request.path_info.startswith(API) or request.method in {"HEAD", "OPTIONS"}:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response.get("Allow", "")
        return page


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: something failed before or after the door."""
    if not request.path_info.startswith(API):
        return defaults.server_error(request)
    return problem(GovernanceError(), request_id(request))
