"""ReadOnlyAdmin: Django's lists and pages for looking at rows, and no way to write one; sealed values never show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext

from governance import access
from governance.console.desk import DeskRequest, desk_of
from governance.console.pages import refusal, sections
from governance.errors import GovernanceError
from governance.fields import SealedField

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django_stubs_ext import StrPromise

    from governance.policy.vocabulary import Action


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """A list and a page of one row. Subclasses name `action`, `list_display` and `shown` (ids, states, dates)."""

    action: ClassVar[Action]
    #: What the list is called; the model's own plural when empty.
    label: ClassVar[StrPromise | str] = ""
    #: Attributes on the page of one row; `list_display` when empty.
    shown: ClassVar[tuple[str, ...]] = ()
    #: Foreign keys that the list names, and its order.
    related: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[tuple[str, ...]] = ("pk",)

    actions = None
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        """Two routes; add, delete and history do not exist."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", self._door(self.list_view), name=f"{name}_changelist"),
            path("<path:object_id>/", self._door(self.record_view), name=f"{name}_change"),
        ]

    @property
    def title(self) -> str:
        """The heading of the list."""
        return str(self.label) or capfirst(str(self.opts.verbose_name_plural))

    def list_view(self, request: DeskRequest) -> HttpResponse:
        """List rows, a page at a time; as many queries for one row as for fifty."""
        names = [name for name in self.list_display if isinstance(name, str)]
        rows = self.get_queryset(request).select_related(*(self.related or (None,))).order_by(*self.order)
        page = Paginator(rows, self.list_per_page).get_page(request.GET.get("page"))
        lines = [(row, [self._fact(row, name)[1] for name in names]) for row in page]
        headings = [self._heading(name) for name in names]
        context = {"title": self.title, "headings": headings, "lines": lines, "page": page, "opts": self.opts}
        return render(request, "console/records.html", context)

    def record_view(self, request: DeskRequest, object_id: str) -> HttpResponse:
        """Show one row."""
        row = self._row(request, unquote(object_id))
        access.require(request.desk.principal, self.action, row)
        facts = [self._fact(row, name) for name in self.shown or self.list_display if isinstance(name, str)]
        return render(request, "console/record.html", {"facts": facts, "opts": self.opts, "list_title": self.title})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Rows of the controllers that this person works for."""
        desk = desk_of(request)
        if desk is None:
            return super().get_queryset(request).none()
        return access.visible_to(desk.principal, self.action, super().get_queryset(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask the one table of roles; Django's own permissions count for nothing."""
        desk = desk_of(request)
        return desk is not None and desk.may(self.action)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def _door(self, view: Any) -> Any:
        def enter(request: DeskRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in {"GET", "HEAD"}:
                return HttpResponseNotAllowed(["GET", "HEAD"])
            request.desk.section = "Settings"
            request.desk.sections = sections(request.desk)
            try:
                access.require(request.desk.principal, self.action, controller_id=request.desk.controller.pk)
                response: HttpResponse = view(request, *args, **kwargs)
            except GovernanceError as error:
                return refusal(request, error)
            return response

        guarded = self.admin_site.admin_view(enter)
        guarded.action = self.action  # type: ignore[attr-defined]  # read by tests: every route declares one
        return guarded

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        try:
            return self.get_queryset(request).get(pk=object_id)
        except (self.model.DoesNotExist, ValidationError, ValueError) as absent:
            raise Http404 from absent

    def _heading(self, name: str) -> str:
        try:
            return capfirst(str(self.opts.get_field(name).verbose_name))  # type: ignore[union-attr]  # columns only
        except FieldDoesNotExist:
            return str(getattr(getattr(self, name), "short_description", capfirst(name.replace("_", " "))))

    def _fact(self, row: Any, name: str) -> tuple[str, Any]:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return self._heading(name), getattr(self, name)(row)
        if isinstance(field, SealedField):
            raise PermissionDenied  # a sealed column has no business in a list, even as a lozenge
        display = getattr(row, f"get_{name}_display", None)
        return self._heading(name), _plain(display() if display else getattr(row, name))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return ", ".join(str(each) for each in value) if isinstance(value, list) else value
