"""The pages outside the console: the front page, one-time links that a scanner cannot use up, and one's own factors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from governance.access import second_factor, sign_in
from governance.access.second_factor import Standing
from governance.console import faces

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

View = Callable[..., Any]


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Say what can be done here."""
    return render(request, "portal/front.html", faces.face_of(request))


@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button on GET, because mail scanners follow links; sign in on POST, once.

    The link takes the password's place and no more: whoever has a second factor is asked for it, and whoever has none
    is led to enrolment before the console opens. Only a demonstration signs in at once.
    """
    if request.method != "POST":
        return render(request, "account/link.html")
    staff = sign_in.consume_link(token, instant=timezone.now())
    if staff is None:
        # Wrong, used, expired and inactive look the same: the page tells nobody which links exist.
        return render(request, "account/link_unusable.html", status=410)
    if request.user.is_authenticated:
        logout(request)  # whoever sat here leaves first, so that two people never share a session
    second_factor.note_link(request, staff)
    signed_in: HttpResponse = perform_login(request, staff, redirect_url="/console/")
    return signed_in


def own_factors(view: View) -> View:
    """Wrap a page on which people manage their own factors: who may, one transaction for each change, no caches."""

    @never_cache
    @wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return redirect_to_login(page_behind(request), "account_login")
        if second_factor.standing(request, request.user) is Standing.UNPROVEN:
            return confirm(request)
        try:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            with second_factor.recorded(request):
                return view(request, *args, **kwargs)
        except ReauthenticationRequired:
            # allauth would keep the whole request in the session, with address, cookies and what was typed.
            return confirm(request)

    return enter


def confirm(request: HttpRequest) -> HttpResponse:
    """Send somebody to show the second factor again, and back from there; what was sent is not kept."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    page = methods[0]["url"] if methods else reverse("account_login")
    return redirect(f"{page}?{urlencode({'next': page_behind(request)})}")


def page_behind(request: HttpRequest) -> str:
    """Answer the page that a person sees: for a button that was pressed, the page that shows it."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    referrer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referrer, allowed_hosts={request.get_host()}):
        return urlsplit(referrer).path
    return "/console/"
