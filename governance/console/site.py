"""The console as an AdminSite: our own pages first, read-only records second, nothing else of Django's admin."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import update_wrapper, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from governance import access
from governance.access import second_factor
from governance.access.second_factor import Standing
from governance.console import doors, pages
from governance.console.desk import desk_of
from governance.console.readonly import ReadOnlyAdmin
from governance.errors import AccessDenied
from governance.models import StaffUser
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse

    from governance.console.desk import DeskRequest

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

#: What opens sealed data asks for a second factor that was shown a few minutes ago (GOVERNANCE_FRESH_FACTOR_SECONDS).
FRESH_ACTIONS = frozenset({Action.ACCESS_ELEVATE, Action.SUBJECT_REVEAL, Action.SUBJECT_VIEW})


class ConsoleSite(AdminSite):
    """Takes the place of Django's admin site at /console/."""

    site_header = site_title = _("Governance console")
    index_title = "Today"
    enable_nav_sidebar = False
    final_catch_all_view = True

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Take read-only pages and pass over the rest.

        Libraries register pages that write past our services; here every write is a view that calls one (invariant 6).
        """
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in active staff who showed a second factor in this session and have a role and a controller.

        Being a superuser is not enough (invariant 4).
        """
        return request.user.is_authenticated and _standing(request).opens_console and desk_of(request) is not None

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002  # Django's signature
        """Send strangers to sign in and staff without a second factor to theirs; say whom to ask for a role."""
        checked = super().admin_view(view, cacheable)

        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(doors.page_behind(request), "account_login")
            if (standing := _standing(request)) is Standing.UNPROVEN:
                return doors.confirm(request)
            if standing is Standing.INCOMPLETE:
                return redirect("mfa_index")
            if not self.has_permission(request):
                return _not_staff(request, request.user)
            response: HttpResponseBase = checked(request, *args, **kwargs)
            return response

        return cast("View", update_wrapper(enter, view))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Every door of the console."""
        routes: list[URLResolver | URLPattern] = [
            path("login/", self.login, name="login"),
            path("logout/", self.logout, name="logout"),
        ]
        routes.extend(path(page.path, self.admin_view(_fresh(page)), name=page.name) for page in pages.registered())
        for model, model_admin in self._registry.items():
            meta = model._meta
            routes.append(path(f"records/{meta.app_label}/{meta.model_name}/", include(model_admin.urls)))
        routes.append(re_path(r"(?P<url>.*)$", self.admin_view(self.catch_all_view)))
        return routes

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page."""
        return redirect_to_login(request.GET.get("next", "/console/"), "account_login")

    def logout(self, _request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        """There is one sign-out page."""
        return redirect("account_logout")

    def each_context(self, request: HttpRequest) -> Any:
        """Give what Django's own templates ask for; ours take the desk from the request."""
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": "/",
            "has_permission": self.has_permission(request),
            "available_apps": [],
            "is_popup": False,
            "is_nav_sidebar_enabled": False,
        }


def _standing(request: HttpRequest) -> Standing:
    return second_factor.standing(request, cast("StaffUser", request.user))  # asked of signed-in people only


def _fresh(page: pages.Page) -> Callable[..., HttpResponse]:
    """Ask for a fresh second factor before what opens sealed data; whoever may not open it is told so instead."""
    view = pages.guarded(page)
    if page.action not in FRESH_ACTIONS:
        return view

    @wraps(view)
    def enter(request: DeskRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.desk.may(page.action) and _standing(request) is not Standing.FRESH:
            return doors.confirm(request)
        return view(request, *args, **kwargs)

    return enter


def _not_staff(request: HttpRequest, user: Any) -> HttpResponse:
    if isinstance(user, StaffUser) and user.is_active:
        with suppress(AccessDenied):  # it is recorded; the page below says what to do
            access.require(access.principal_of(user), Action.CONSOLE_ENTER)
    response = render(request, "console/no_role.html", status=403)
    add_never_cache_headers(response)
    return response
