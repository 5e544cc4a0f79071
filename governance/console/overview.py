"""The settings page: keys, services and records as they stand; never key material, and nothing to change here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Count, Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from governance.console import pages
from governance.console.explorer import checkpoint_facts
from governance.console.readonly import ReadOnlyAdmin
from governance.console.words import KEY_WORDS, ROLE_WORDS, SCOPE_WORDS, words
from governance.keys import signing
from governance.models import Brand, ControllerKey, DataKey, ServiceAccount, ServiceKey
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from governance.console.desk import DeskRequest


@require_safe
def overview(request: DeskRequest) -> HttpResponse:
    """Show the state of the house."""
    controller = request.desk.controller
    keys = ControllerKey.objects.filter(controller=controller).defer("wrapped", "commitment").order_by("-epoch")
    counted = (
        DataKey.objects.filter(controller=controller)
        .values("scope_kind", "state")
        .annotate(count=Count("key_id"))
        .order_by("scope_kind", "state")
    )
    services = ServiceAccount.objects.filter(controller=controller).prefetch_related(
        Prefetch("keys", ServiceKey.objects.defer("digest").order_by("-created_at"))
    )
    instant = timezone.now()
    context = {
        "brands": Brand.objects.filter(controller=controller).order_by("name"),
        "controller_keys": [(key, words(key.state, KEY_WORDS)) for key in keys],
        "data_keys": [
            (words(row["scope_kind"], SCOPE_WORDS), words(row["state"], KEY_WORDS), row["count"]) for row in counted
        ],
        "services": [
            (
                service,
                [words(role, ROLE_WORDS) for role in service.roles],
                [_key(key, instant) for key in service.keys.all()],
            )
            for service in services.order_by("name")
        ],
        "checkpoint": checkpoint_facts(),
        "verifier_key": signing.verifier_key(),
        "records": _records(request),
    }
    return pages.render(request, "console/overview.html", context)


def register() -> None:
    """Put the page into the console."""
    pages.register("settings/", overview, "settings", label=_("Overview"), section="Settings", action=Action.AUDIT_READ)


def _key(key: ServiceKey, instant: datetime) -> dict[str, object]:
    state = "revoked" if key.revoked_at is not None else "expired" if key.expires_at <= instant else "active"
    return {"row": key, "state": state, "words": words(state, KEY_WORDS)}


def _records(request: DeskRequest) -> list[tuple[str, str]]:
    found = []
    for model, model_admin in admin.site._registry.items():  # Django lists by it too
        if isinstance(model_admin, ReadOnlyAdmin) and model_admin.has_view_permission(request):
            meta = model._meta
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
            found.append((model_admin.title, url))
    return sorted(found)
