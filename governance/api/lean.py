"""The short way to the decision doors, past sessions, pages and messages; it decides nothing."""

from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from governance.api.problem import as_error, problem
from governance.errors import GovernanceError

View = Callable[[HttpRequest], HttpResponse]
#: Exact path → view. Filled by `door` in config/urls.py, where every door stands on one page.
DOORS: dict[str, View] = {}
PROBES: dict[str, View] = {}


def door(route: str, view: View, name: str) -> URLPattern:
    """Declare a lean door on the page of doors."""
    DOORS[f"/{route}"] = view
    return path(route, csrf_exempt(lambda request: answer(view, request)), name=name)


def probe(route: str, view: View, name: str) -> URLPattern:
    """Declare a probe of operations on the page of doors."""
    PROBES[f"/{route}"] = view
    return path(route, view, name=name)


class LeanDoors:
    """An early middleware: answers lean doors itself and passes everything else on."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        import_module(settings.ROOT_URLCONF)  # the doors are named there

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = DOORS.get(request.path_info)
        if view is not None:
            return answer(view, request)
        # Probes call by address; the answer says nothing that a Host header could turn against somebody.
        probe = PROBES.get(request.path_info)
        return self.get_response(request) if probe is None else probe(request)


def answer(view: View, request: HttpRequest) -> HttpResponse:
    """Call a lean view, with errors as problems and answers that nobody may store."""
    try:
        response = _require_post(view, request)
    except Exception as exc:  # noqa: BLE001  # every door answers problem+json; as_error logs what is unknown
        response = problem(as_error(exc))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _require_post(view: View, request: HttpRequest) -> HttpResponse:
    # What Django's own middleware would ask, were these doors not past it.
    request.get_host()
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # A redirect would have the key sent in the clear once more.
        error = GovernanceError("Call this door over https")
        error.status, error.code, error.title = 403, "request.insecure", "This door is served over https only"
        return problem(error)
    if request.method == "POST":
        return view(request)
    error = GovernanceError("Use POST")
    error.status, error.code, error.title = 405, "request.method", "This method is not offered here"
    response = problem(error)
    response["Allow"] = "POST"
    return response
