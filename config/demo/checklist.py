"""What to try in the demonstration, ticked off by what really happened to requests; it keeps no state of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from config.demo.company import SLUG
from dsar.models import SubjectRequest
from governance.models import Controller
from governance.policy.principal import operator
from governance.policy.vocabulary import Action
from governance.registry import Panel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from governance.policy.principal import Principal

_NOTHING = Panel("", (), "")
#: What of a request shows that a step was done, in the order of the steps.
_DONE = {
    "submit": Q(),
    "verify": Q(verified_at__isnull=False),
    "approve": Q(plans__approved_at__isnull=False),
    "answer": Q(responded_at__isnull=False),
    "download": Q(packages__downloaded_at__isnull=False),
}


def panel(principal: Principal, _instant: datetime) -> Panel:
    """Show the steps to whoever can take them: submit, verify, review and approve, answer, download; three queries."""
    if not settings.GOVERNANCE_DEMO or not principal.may(Action.REQUEST_APPROVE):
        return _NOTHING
    controller = Controller.objects.filter(
        slug=SLUG, pk__in=principal.controllers_where(Action.REQUEST_APPROVE)
    ).first()
    if controller is None:
        return _NOTHING
    visitors = _visitors(controller)
    counts = visitors.aggregate(**{step: Count("pk", filter=condition) for step, condition in _DONE.items()})
    newest = visitors.order_by("-received_at", "pk").values_list("pk", flat=True).first()
    to_request = reverse("admin:request", args=[newest]) if newest else reverse("admin:requests")
    return Panel(gettext("Try it out"), _rows(counts, to_request), "", order=5)


def _visitors(controller: Controller) -> QuerySet[SubjectRequest]:
    """Leave out what was made with the company: it has shown nobody anything. Nobody visited before there was one."""
    made_up = operator(controller.pk.hex).ref
    came = SubjectRequest.objects.filter(controller=controller, received_at__gte=controller.created_at)
    return came.exclude(created_by=made_up)


def _rows(counts: Mapping[str, int], to_request: str) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    is_next_found = False
    for number, (step, label, detail, url) in enumerate(_steps(to_request), start=1):
        done = counts[step] > 0
        is_next = not done and not is_next_found
        is_next_found = is_next_found or is_next
        state = {"status": gettext("done"), "tone": "ok"} if done else {"status": gettext("next"), "tone": "info"}
        rows.append({"label": f"{number}. {label}", "detail": detail, "url": url} | (state if done or is_next else {}))
    return rows


def _steps(to_request: str) -> list[tuple[str, str, str, str]]:
    mailbox = reverse("admin:mailbox")
    return [
        (
            "submit",
            gettext("Submit a request"),
            gettext("Be a customer: ask for a copy of your data as ada.marlow@example.org."),
            reverse("privacy"),
        ),
        (
            "verify",
            gettext("Verify the address"),
            gettext("The letter with the code is in the demo mailbox; type it into the page where you asked."),
            mailbox,
        ),
        (
            "approve",
            gettext("Review what was found, and approve the plan"),
            gettext("Three systems were searched; read what is given out, what is withheld and why."),
            to_request,
        ),
        (
            "answer",
            gettext("Review the outcome, and send the answer"),
            gettext("The workers have carried out exactly the plan that you approved."),
            to_request,
        ),
        (
            "download",
            gettext("Download the copy"),
            gettext("Be the customer again: come back with the reference, and a fresh code from the mailbox."),
            reverse("privacy_return"),
        ),
    ]
