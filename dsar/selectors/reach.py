"""Whether the person can be reached, and what else they named: counts and kinds from the ledger; it opens nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.translation import gettext

from dsar.lifecycle import OPEN, Status
from dsar.models import SubjectRequest
from governance import access
from governance.models import LedgerEntry, OutgoingMessage
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.policy.principal import Principal

_MOST: Final = 3
_WAITING: Final = OPEN | {Status.RESPONDED}


def named_kinds(request: SubjectRequest, object_ref: str) -> list[str]:
    """Tell the kinds of identifiers that were named beside the address; their values are sealed with it."""
    if request.purged_at is not None:
        return []
    received = LedgerEntry.objects.filter(object_ref=object_ref, type=AuditType.REQUEST_RECEIVED).first()
    return list(json.loads(received.payload).get("details", {}).get("claimed", ())) if received else []


def lost_letters(request: SubjectRequest, object_ref: str) -> int:
    """Count the letters about a request, and its latest code, that failed for good."""
    places = [object_ref, f"proof:{request.proof_id.hex}"] if request.proof_id else [object_ref]
    return LedgerEntry.objects.filter(object_ref__in=places, type=AuditType.LETTER_FAILED).count()


def unreached(principal: Principal) -> list[Mapping[str, Any]]:
    """Give requests whose person did not get a letter, until they are closed; one query."""
    failed = OutgoingMessage.objects.filter(scope_kind="request", state=OutgoingMessage.State.FAILED)
    rows = access.visible_to(principal, Action.REQUEST_READ, SubjectRequest.objects.all()).filter(
        pk__in=failed.values("scope_id"), status__in=_WAITING
    )
    return [
        {
            "label": row.reference,
            "detail": gettext("A letter to the person could not be delivered. Reach them in another way."),
            "status": gettext("letter failed"),
            "tone": "danger",
            "url": reverse("admin:request", args=[row.pk]),
        }
        for row in rows.order_by("due_at", "pk").only("pk", "reference")[:_MOST]
    ]
