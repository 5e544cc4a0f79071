"""Turns refusals of the services into portal pages that help; one place, so that no page tells more than another."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from governance.console.doors import controller_for
from governance.errors import GovernanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


def answered(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer an error of the tree as a page with the same status as the API gives."""

    @wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except GovernanceError as error:
            context = {"error": error, "controller": controller_for(request.get_host())}
            return render(request, "dsar/portal/refused.html", context, status=error.status)

    return enter
