"""What requests plug into the kernel: periodic work, a person's own requests for their copy, the console's panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from dsar.models import SubjectRequest
from dsar.selectors import lasting, queue, reach
from dsar.services.erasing import is_restrained
from governance.policy.vocabulary import Action
from governance.registry import Chart, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from governance.policy.principal import Principal


def personal_data(subject_id: UUID) -> Mapping[str, Any]:
    """Give the requests a person made, for their copy."""
    rows = SubjectRequest.objects.filter(subject_id=subject_id).prefetch_related("rights").order_by("received_at")
    return {
        "requests": [
            {
                "reference": row.reference,
                "received_at": row.received_at.isoformat(),
                "rights": ", ".join(right.right for right in row.rights.all()),
                "status": row.status,
            }
            for row in rows
        ]
    }


def restrains(job: UUID) -> bool:
    """Tell whether a hold stands on the request, or its person, whose erasing step is about to be worked on."""
    request = (
        SubjectRequest.objects.select_related("controller", "subject__controller")
        .filter(Q(pk=job) | Q(kept_job=job))
        .first()
    )
    return request is not None and is_restrained(request)


def references(subject_id: UUID) -> list[str]:
    """Name the person's requests as the ledger does."""
    return [
        f"request:{pk.hex}" for pk in SubjectRequest.objects.filter(subject_id=subject_id).values_list("pk", flat=True)
    ]


def panel(principal: Principal, now: datetime) -> Panel:
    """Give the figures of the queue at this moment, and the requests with the least time left."""
    if not principal.may(Action.REQUEST_READ):
        return Panel("Requests", (), "", order=10)
    here = reverse("admin:requests")
    counts = queue.counts(principal, now)
    figures: list[Mapping[str, Any]] = [
        {"label": gettext("due this week"), "figure": counts["due_this_week"], "url": f"{here}?tab=open"},
        {"label": _waiting_words(principal), "figure": counts["waiting"], "url": f"{here}?tab=waiting"},
        {
            "label": gettext("overdue"),
            "figure": counts["overdue"],
            "url": f"{here}?tab=overdue",
            **({"tone": "danger"} if counts["overdue"] else {}),
        },
    ]
    chart = Chart(
        title=gettext("Open requests by right, and their deadlines"),
        heading=gettext("Right"),
        series=(gettext("on track"), gettext("due soon"), gettext("overdue")),
        tones=("pale", "grey", "danger"),
        lines=queue.health(principal, now),
        empty=gettext("No open requests."),
    )
    empty = gettext("No open requests. Those from the privacy page and from your services appear here.")
    rows = [*figures, *reach.unreached(principal), *queue.first(principal, now)]
    count = counts["open"]
    words = ngettext("The open request", "All %(n)d open requests", count) % {"n": count}
    more = (words, f"{here}?tab=open") if count else None
    return Panel(gettext("What to do first"), rows, empty, order=10, chart=chart, more=more)


def _waiting_words(principal: Principal) -> str:
    if principal.may(Action.REQUEST_APPROVE):
        return gettext("waiting for you")
    return gettext("waiting for an officer")


def lasting_panel(principal: Principal, now: datetime) -> Panel:
    """Give what is kept longer than it should be; the box is there only when something is."""
    rows = (
        [*lasting.past_their_date(principal, now), *lasting.past_their_hold(principal, now)]
        if principal.may(Action.REQUEST_READ)
        else []
    )
    return Panel(gettext("Kept longer than it should be"), rows, "", order=11)
