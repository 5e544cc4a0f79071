"""The pages outside the console: the front page, and one-time sign-in links that a scanner cannot use up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.utils import perform_login
from django.contrib.auth import logout
from django.db.models import Q
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from governance.access import sign_in
from governance.models import Controller

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Say what can be done here."""
    return render(request, "portal/front.html", {"controller": controller_for(request.get_host())})


@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button on GET, because mail scanners follow links; sign in on POST, once."""
    if request.method != "POST":
        return render(request, "account/link.html")
    staff = sign_in.consume_link(token, instant=timezone.now())
    if staff is None:
        # Wrong, used, expired and inactive look the same: the page tells nobody which links exist.
        return render(request, "account/link_unusable.html", status=410)
    if request.user.is_authenticated:
        logout(request)  # whoever sat here leaves first, so that two people never share a session
    signed_in: HttpResponse = perform_login(request, staff, redirect_url="/console/")
    return signed_in


def controller_for(host: str) -> Controller | None:
    """Answer the controller behind a host name, or the default one."""
    name = host.rsplit(":", 1)[0].lower()
    return Controller.objects.filter(Q(host=name) | Q(is_default=True)).order_by("is_default").first()
