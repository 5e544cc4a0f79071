"""Systems and datasets: connect a system, import its description, see what the data map makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance import access
from governance.access import grants
from governance.catalogue import datasets, planning
from governance.catalogue.elements import MapField, Problem
from governance.catalogue.planning import REASONS
from governance.console import pages
from governance.console.forms import ImportForm, OwnerForm, SystemForm
from governance.console.words import FAILURE_WORDS, STEP_WORDS, words
from governance.errors import BadInput, Conflict, NotFound, SystemUnavailable
from governance.models import Controller, Dataset, System, SystemStep
from governance.policy.vocabulary import Action, Role
from governance.subjects.registering import TYPES
from governance.systems import registering, silence

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest


_STEPS_SHOWN = 20


@require_safe
def systems(request: DeskRequest) -> HttpResponse:
    """List the connected systems with their datasets."""
    described = Prefetch("datasets", Dataset.objects.defer("source").order_by("key"))
    rows = System.objects.filter(controller=request.desk.controller).defer("url").prefetch_related(described)
    context = {
        "systems": rows.order_by("key"),
        "silent": _silent(System.objects.filter(controller=request.desk.controller)),
        "may_change": request.desk.may(Action.SYSTEM_CHANGE),
        "may_import": request.desk.may(Action.CATALOGUE_CHANGE),
        "may_read_datasets": request.desk.may(Action.CATALOGUE_READ),
    }
    return pages.render(request, "console/systems.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_system(request: DeskRequest) -> HttpResponse:
    """Connect a system; its address is sealed before it is stored."""
    form = SystemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            _require_new(request.desk.controller, asked["key"])
            registering.register(
                request.desk.controller,
                key=asked["key"],
                name=asked["name"],
                url=asked["url"],
                principal=request.desk.principal,
            )
        except (BadInput, Conflict) as refused:
            _complain(form, refused)
        else:
            return redirect("admin:systems")
    return pages.render(request, "console/system_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def import_dataset(request: DeskRequest, system_id: UUID) -> HttpResponse:
    """Import a dataset description for one system after comparing the two; problems are listed by place."""
    system = _system(request, system_id)
    form = ImportForm(request.POST or None, request.FILES or None)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            imported, warnings = registering.describe(
                request.desk.controller, system.key, form.cleaned_data["source"], principal=request.desk.principal
            )
        except (BadInput, Conflict) as refused:
            problems = [Problem(error.pointer, error.detail) for error in refused.errors]
            form.add_error(None, refused.detail or refused.title)
        else:
            for warning in warnings:
                messages.warning(request, warning)
            return redirect("admin:dataset", dataset_id=imported[0].pk)
    return pages.render(request, "console/dataset_import.html", {"form": form, "system": system, "problems": problems})


@require_safe
def system(request: DeskRequest, system_id: UUID) -> HttpResponse:
    """Show one system: its datasets, its last steps, and who owns it."""
    return _system_page(request, _system(request, system_id))


@require_POST
def assign_owner(request: DeskRequest, system_id: UUID) -> HttpResponse:
    """Make somebody an owner of this system."""
    row = _system(request, system_id)
    form = OwnerForm(grants.staff_with(Role.SYSTEM_OWNER, request.desk.controller), request.POST)
    if not form.is_valid():
        return _system_page(request, row, form)
    with transaction.atomic(durable=True):
        grants.own(form.cleaned_data["owner"], row, principal=request.desk.principal)
    return redirect("admin:system", system_id=row.pk)


@require_POST
def remove_owner(request: DeskRequest, system_id: UUID) -> HttpResponse:
    """End somebody's ownership of this system."""
    row = _system(request, system_id)
    form = OwnerForm(grants.owners_of(row), request.POST)
    if not form.is_valid():
        return _system_page(request, row)
    with transaction.atomic(durable=True):
        grants.disown(form.cleaned_data["owner"], row, principal=request.desk.principal)
    return redirect("admin:system", system_id=row.pk)


@require_safe
def own_systems(request: DeskRequest) -> HttpResponse:
    """Show somebody the systems they own, with what is to be done on them; nothing of any other."""
    principal = request.desk.principal
    rows = access.visible_to(principal, Action.SYSTEM_OWN, System.objects.defer("url")).order_by("key")
    steps = access.visible_to(principal, Action.SYSTEM_OWN, SystemStep.objects.all())
    context = {"systems": rows, "silent": _silent(rows), "steps": _last(steps), "shown": _STEPS_SHOWN}
    return pages.render(request, "console/own_systems.html", context)


@require_safe
def dataset(request: DeskRequest, dataset_id: UUID) -> HttpResponse:
    """Show one dataset as the data map reads it, and what would be found of a person in it."""
    row = Dataset.objects.filter(pk=dataset_id, controller=request.desk.controller).select_related("system").first()
    if row is None:
        raise NotFound
    access.require(request.desk.principal, Action.CATALOGUE_READ, row)
    whole = datasets.data_map(request.desk.controller)
    described = next((each for each in whole.datasets if each.key == row.key), None)
    plan = planning.plan(whole, frozenset(TYPES), frozenset({"access", "erasure"}))
    context = {
        "dataset": row,
        "collections": [
            (home, [_field_line(item) for item in home.fields]) for home in (described.collections if described else ())
        ],
        "problems": datasets.map_of([row]).check_within(),
        "excluded": [
            (each.at.collection, gettext(REASONS[each.reason])) for each in plan.excluded if each.at.dataset == row.key
        ],
        "rules": [rule for rule in whole.rules if rule.dataset == row.key],
    }
    return pages.render(request, "console/dataset.html", context)


def register() -> None:
    """Put the pages into the console."""
    for path, view, name, label, action in (
        ("systems/", systems, "systems", _("Systems"), Action.SYSTEM_READ),
        ("systems/own/", own_systems, "own_systems", _("Your systems"), Action.SYSTEM_OWN),
        ("systems/<uuid:system_id>/", system, "system", "", Action.SYSTEM_READ),
        ("systems/<uuid:system_id>/owners/", assign_owner, "system_own", "", Action.SYSTEM_CHANGE),
        ("systems/<uuid:system_id>/owners/remove/", remove_owner, "system_disown", "", Action.SYSTEM_CHANGE),
        ("systems/new/", add_system, "system_new", "", Action.SYSTEM_CHANGE),
        ("systems/<uuid:system_id>/import/", import_dataset, "dataset_import", "", Action.CATALOGUE_CHANGE),
        ("datasets/<uuid:dataset_id>/", dataset, "dataset", "", Action.CATALOGUE_READ),
    ):
        pages.register(path, view, name, label=label, section="Systems", action=action)


def _system(request: DeskRequest, system_id: UUID) -> System:
    row: System | None = System.objects.filter(controller=request.desk.controller, pk=system_id).defer("url").first()
    if row is None:
        raise NotFound
    return row


def _system_page(request: DeskRequest, row: System, form: OwnerForm | None = None) -> HttpResponse:
    owners = grants.owners_of(row)
    possible = [each for each in grants.staff_with(Role.SYSTEM_OWNER, request.desk.controller) if each not in owners]
    context = {
        "system": row,
        "silent": _silent(System.objects.filter(pk=row.pk)),
        "datasets": row.datasets.defer("source").order_by("key"),
        "owners": owners,
        "possible": possible,
        "form": form or OwnerForm(possible),
        "steps": _last(SystemStep.objects.filter(system=row)),
        "may_change": request.desk.may(Action.SYSTEM_CHANGE),
        "may_import": request.desk.may(Action.CATALOGUE_CHANGE),
    }
    return pages.render(request, "console/system.html", context)


def _silent(systems: QuerySet[System]) -> frozenset[UUID]:
    return frozenset(silence.among(systems).values_list("pk", flat=True))


def _last(steps: QuerySet[SystemStep]) -> list[dict[str, object]]:
    """The newest steps in words, with why they failed, without what they found."""
    unsealed = steps.defer("seeds", "found", "collected").select_related("system")
    return [
        {
            "step": step,
            "kind": words(step.kind, STEP_WORDS),
            "state": words(step.state, STEP_WORDS),
            "failure": _failure(step),
        }
        for step in unsealed.order_by("-pk")[:_STEPS_SHOWN]
    ]


def _failure(step: SystemStep) -> str:
    if step.error == SystemUnavailable.code and step.finished_at is None:
        return gettext("The system does not answer; it is asked again by itself.")
    return words(step.error, FAILURE_WORDS) if step.error else ""


def _require_new(controller: Controller, key: str) -> None:
    if System.objects.filter(controller=controller, key=key).exists():
        # Registering again would give the known system another address; that is not what this form says.
        raise Conflict(gettext("A system with this key is connected already; choose another key"))


def _field_line(item: MapField) -> dict[str, object]:
    notes = []
    if item.primary_key:
        notes.append(gettext("key"))
    if item.identity:
        notes.append(gettext("finds people by %(kind)s") % {"kind": item.identity})
    notes.extend(
        gettext("refers to %(place)s") % {"place": f"{reference.target.collection}.{reference.target.field}"}
        for reference in item.references
    )
    if item.strategy:
        notes.append(gettext("erased by %(strategy)s") % {"strategy": item.strategy.strategy})
    return {"name": item.name, "categories": item.all_categories, "notes": notes}


def _complain(form: SystemForm, refused: BadInput | Conflict) -> None:
    for error in refused.errors:
        name = error.pointer.strip("/")
        form.add_error(name if name in form.fields else None, error.detail)
    if not refused.errors:
        form.add_error(None, refused.detail or refused.title)
