"""Who works at the controller in view: which role, what it lets them do, since when, and who gave it; it only shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from governance.access import grants
from governance.console import explorer, pages
from governance.console.words import ACTION_WORDS, ROLE_WORDS, actor_words
from governance.models import LedgerEntry
from governance.policy.vocabulary import STAFF_ROLES, Action, AuditType, permits

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.console.desk import Desk, DeskRequest


@require_safe
def staff(request: DeskRequest) -> HttpResponse:
    """List staff with their roles, and what each role may do."""
    given = _given(request.desk)
    context = {
        "rows": [
            {"who": user, "role": ROLE_WORDS[role], "given": given.get((f"staff:{user.pk.hex}", role.value))}
            for user, role in grants.roles_at(request.desk.controller)
        ],
        "roles": [
            (ROLE_WORDS[role], [ACTION_WORDS[action] for action in Action if permits(frozenset({role}), action)])
            for role in STAFF_ROLES
        ],
    }
    return pages.render(request, "console/staff.html", context)


def register() -> None:
    """Put the page into the console."""
    pages.register(
        "settings/staff/", staff, "staff", label=_("Staff and roles"), section="Settings", action=Action.AUDIT_READ
    )


def _given(desk: Desk) -> dict[tuple[str, str], dict[str, Any]]:
    """Tell when each role was given last, and by whom: from the ledger, which is the only record of it."""
    names = dict(explorer.actors(desk))
    rows = LedgerEntry.objects.filter(controller=desk.controller.pk, type=AuditType.GRANT_CHANGED).order_by(
        "recorded_at"
    )
    found = {}
    for row in rows.defer("leaf"):
        details = json.loads(row.payload)["details"]
        if details["change"] == "granted" and "system" not in details:
            by = names.get(row.actor_ref) or actor_words(row.actor_ref)
            found[row.object_ref, details["role"]] = {"at": row.recorded_at, "by": by, "event": row.pk}
    return found
