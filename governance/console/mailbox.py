"""The demonstration's mailbox: letters that would have been sent, opened like every sealed value; absent elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from governance import vault
from governance.console import pages
from governance.models import OutgoingMessage
from governance.policy.vocabulary import Action, RevealPurpose
from governance.vault import DisabledMark, ErasedMark

if TYPE_CHECKING:
    from governance.console.desk import DeskRequest

_SHOWN = 10


@require_safe
def mailbox(request: DeskRequest) -> HttpResponse:
    """Show the newest letters. Each person or request they belong to gets its row in the ledger."""
    if not settings.GOVERNANCE_DEMO:
        raise Http404
    rows = list(
        OutgoingMessage.objects.filter(controller=request.desk.controller)
        .defer("html")
        .order_by("-created_at", "-id")[:_SHOWN]
    )
    values = vault.reveal_many(
        [sealed for row in rows for sealed in (row.to, row.subject, row.text)],
        principal=request.desk.principal,
        purpose=RevealPurpose.DEMONSTRATION_MAILBOX.value,
    )
    plain = [None if isinstance(value, ErasedMark | DisabledMark) else value for value in values]
    letters = [
        {"row": row, "to": plain[3 * index], "subject": plain[3 * index + 1], "text": plain[3 * index + 2]}
        for index, row in enumerate(rows)
    ]
    return pages.render(request, "console/mailbox.html", {"letters": letters, "most": _SHOWN})


def register() -> None:
    """Put the page into the console; the page itself is absent outside the demonstration."""
    label = _("Demo mailbox") if settings.GOVERNANCE_DEMO else ""
    pages.register("mailbox/", mailbox, "mailbox", label=label, section="Requests", action=Action.SUBJECT_REVEAL)
