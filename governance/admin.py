"""Puts the kernel on the console: its pages, and its records to look at; nothing here writes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from governance.console import alarms, incidents, ledger, mailbox, overview, people, staff, systems, today
from governance.console.desk import desk_of
from governance.console.readonly import ReadOnlyAdmin
from governance.models import ChangeLogEntry, Controller, Dataset, Purpose, ServiceAccount, System
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

for room in (today, people, systems, ledger, alarms, overview, staff, mailbox):
    room.register()
incidents.register_pages()


@admin.register(Controller)
class ControllerAdmin(ReadOnlyAdmin):
    """Legal entities."""

    action = Action.CATALOGUE_READ
    list_display = ("slug", "country", "language", "is_default", "ruleset_version", "created_at")
    shown = (*list_display, "name", "host", "time_zone", "contact", "authority", "single_officer")
    order = ("slug",)


@admin.register(Purpose)
class PurposeAdmin(ReadOnlyAdmin):
    """Why data is used."""

    action = Action.CATALOGUE_READ
    list_display = ("key", "controller", "lawful_basis", "version", "direct_marketing", "retired_at", "created_at")
    shown = (*list_display, "name", "description", "data_categories", "channels", "special_category", "validity_days")
    related = ("controller",)
    order = ("key",)


@admin.register(System)
class SystemAdmin(ReadOnlyAdmin):
    """Connected systems; their addresses are sealed and not here."""

    action = Action.SYSTEM_READ
    list_display = ("key", "controller", "kind", "created_at", "disabled_at")
    shown = (*list_display, "name")
    related = ("controller",)
    order = ("key",)


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Imported dataset descriptions."""

    action = Action.CATALOGUE_READ
    list_display = ("key", "controller", "system", "version", "imported_at")
    shown = (*list_display, "name", "digest", "source")
    related = ("controller", "system")
    order = ("key",)


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ReadOnlyAdmin):
    """Internal services that hold keys."""

    action = Action.AUDIT_READ
    list_display = ("name", "controller", "roles", "purposes", "created_at", "disabled_at")
    related = ("controller",)
    order = ("name",)


@admin.register(ChangeLogEntry)
class ChangeLogAdmin(ReadOnlyAdmin):
    """The diary of configuration: which fields changed, never to what."""

    action = Action.AUDIT_READ
    label = _("Diary of configuration")
    list_display = ("timestamp", "content_type", "object_pk", "action_name", "field_names")
    related = ("content_type",)
    order = ("-timestamp",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChangeLogEntry]:
        """The diary does not know controllers: only who works for all of them may read it."""
        desk = desk_of(request)
        rows: QuerySet[ChangeLogEntry] = self.model.objects.all()
        if desk is None or not desk.may_everywhere(self.action):
            return rows.none()
        return rows

    @admin.display(description=_("Change"))
    def action_name(self, row: ChangeLogEntry) -> str:
        """Say what happened."""
        return str(row.get_action_display())

    @admin.display(description=_("Fields"))
    def field_names(self, row: ChangeLogEntry) -> str:
        """Name the changed fields."""
        return ", ".join(sorted(row.changes or {}))
