"""The alarm pages: what was raised, one alarm with its events, and the thresholds; each change is a service's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Case, When
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from governance import access
from governance.alarms import raising, settling
from governance.alarms.rules import RULES
from governance.console import pages
from governance.console.forms import ConsoleForm
from governance.console.words import EVENT_WORDS, words
from governance.errors import BadInput, NotFound
from governance.models import AlarmHook, Alert, LedgerEntry, StaffUser
from governance.policy.principal import STAFF
from governance.policy.vocabulary import Action
from governance.registry import Panel, register_panel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from governance.console.desk import Desk, DeskRequest
    from governance.policy.principal import Principal

_PAGE = 50
_SHOWN = 5
BASIS_WORDS = {
    "fixed": _("a threshold, see Rules and thresholds"),
    "floor": _("the lowest limit: too little has happened so far to say what is usual"),
    "floor_people": _("the lowest limit: too little has happened so far to say what is usual"),
    "own": _("what is usual for this person"),
    "own_people": _("how many people's data this person usually opens"),
    "role": _("what is usual for others in the same role"),
    "role_people": _("how many people's data others in the same role usually open"),
}
FINDING_WORDS = {
    "expected": _("Expected: part of the work"),
    "explained": _("Explained by the person"),
    "incident": _("An incident: it goes to the breach register"),
    "under_review": _("Still being looked into elsewhere"),
}


class AcknowledgeForm(ConsoleForm):
    """What an alarm turned out to be."""

    finding = forms.ChoiceField(
        label=_("What was it?"),
        choices=[("", _("Choose what you found")), *FINDING_WORDS.items()],
        error_messages={"required": _("Choose what you found")},
    )


class HookForm(ConsoleForm):
    """Where alarms are posted."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=1000,
        help_text=_("Such as https://alarms.example/hook; it is sealed, and is not shown again. Empty: post nowhere."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )


class RuleForm(ConsoleForm):
    """The thresholds of one rule."""

    is_on = forms.BooleanField(label=_("Raise this alarm"), required=False)

    def __init__(self, rule: str, data: Mapping[str, Any] | None, initial: Mapping[str, Any]) -> None:
        super().__init__(data, prefix=rule, initial=dict(initial))
        for name, each in RULES[rule].thresholds.items():
            self.fields[name] = forms.IntegerField(label=each.label, min_value=each.lowest, max_value=each.highest)


@require_safe
def alarms(request: DeskRequest) -> HttpResponse:
    """List alarms, those that nobody looked at first, then the newest."""
    is_settled = Case(When(acknowledgement=None, then=0), default=1)
    rows = _of(request.desk).alias(is_settled=is_settled).order_by("is_settled", "-raised_at")[:_PAGE]
    context = {"rows": _told(rows), "may_change": request.desk.may(Action.ALARM_CHANGE)}
    return pages.render(request, "console/alarms.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def alarm(request: DeskRequest, alert_id: UUID) -> HttpResponse:
    """Show one alarm with its events; whoever may says here what it was."""
    row = _of(request.desk).filter(pk=alert_id).prefetch_related("deliveries").first()
    if row is None:
        raise NotFound
    form = AcknowledgeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        access.require(request.desk.principal, Action.ALARM_ACKNOWLEDGE, row)
        settling.acknowledge(row, principal=request.desk.principal, **form.cleaned_data)
        return redirect("admin:alarms")
    entries = LedgerEntry.objects.filter(pk__in=[UUID(each) for each in row.events]).defer("payload", "leaf")
    context = {
        "line": _told([row])[0],
        "basis": BASIS_WORDS.get(row.basis, row.basis),
        "entries": [(each, words(each.type, EVENT_WORDS)) for each in entries.order_by("recorded_at", "id")],
        "form": form,
        "may_acknowledge": request.desk.may(Action.ALARM_ACKNOWLEDGE) and not hasattr(row, "acknowledgement"),
        "is_own": row.actor_ref == request.desk.principal.ref and not row.controller.single_officer,
        "finding": FINDING_WORDS.get(row.acknowledgement.finding) if hasattr(row, "acknowledgement") else "",
    }
    return pages.render(request, "console/alarm.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: DeskRequest) -> HttpResponse:
    """Show the thresholds, and set those of one rule or the hook at a time."""
    chosen = request.POST.get("rule", "") if request.method == "POST" else ""
    controller, principal = request.desk.controller, request.desk.principal
    bound = {
        rule: RuleForm(rule, request.POST if rule == chosen else None, {"is_on": settings.is_on, **settings.values})
        for rule, settings in raising.thresholds(controller).items()
    }
    hook = HookForm(request.POST if chosen == "hook" else None)
    secret = ""
    if chosen == "hook" and hook.is_valid():
        try:
            secret = settling.set_hook(controller, hook.cleaned_data["url"].strip(), principal=principal)
        except BadInput as unusable:
            _complain(hook, unusable)
    elif chosen in bound and bound[chosen].is_valid():
        values = dict(bound[chosen].cleaned_data)
        settling.set_rule(controller, chosen, is_on=values.pop("is_on"), values=values, principal=principal)
        messages.success(request, gettext("The thresholds were set."))
        return redirect("admin:alarm_rules")
    context = {
        "rules": [(rule, RULES[rule], form) for rule, form in bound.items()],
        "form": bound.get(chosen, hook),
        "hook": hook,
        "has_hook": AlarmHook.objects.filter(controller=controller).exists(),
        "secret": secret,
    }
    return pages.render(request, "console/alarm_rules.html", context)


def panel(principal: Principal, _instant: datetime) -> Panel:
    """Name the alarms that nobody has looked at."""
    if not principal.may(Action.AUDIT_READ):
        return Panel(gettext("Insider alarms"), (), "", order=45)
    served = [UUID(each) for each in principal.controllers_where(Action.AUDIT_READ)]
    waiting = Alert.objects.filter(controller__in=served, acknowledgement=None).select_related("acknowledgement")
    rows = list(waiting.order_by("-raised_at")[:_SHOWN])
    return Panel(
        gettext("Insider alarms"),
        [
            {
                "label": line["rule"].label,
                "detail": line["told"],
                "status": gettext("open"),
                "tone": "danger",
                "url": reverse("admin:alarm", args=[line["row"].pk]),
            }
            for line in _told(rows)
        ],
        gettext("No alarm waits: nothing unusual was done with people's data."),
        order=45,
    )


def register() -> None:
    """Put the pages and the panel into the console."""
    pages.register("alarms/", alarms, "alarms", label=_("Alarms"), section="Ledger", action=Action.AUDIT_READ)
    pages.register("alarms/<uuid:alert_id>/", alarm, "alarm", label="", section="Ledger", action=Action.AUDIT_READ)
    pages.register("alarms/rules/", rules, "alarm_rules", label="", section="Ledger", action=Action.ALARM_CHANGE)
    register_panel(panel)


def _of(desk: Desk) -> QuerySet[Alert]:
    rows = Alert.objects.filter(controller=desk.controller)
    return rows.select_related("controller", "acknowledgement__by")


def _told(rows: Iterable[Alert]) -> list[dict[str, Any]]:
    """Put names to the staff, with one query however many rows."""
    found = list(rows)
    names = _names({row.actor_ref for row in found})
    return [
        {
            "row": row,
            "rule": RULES[row.rule],
            "who": names.get(row.actor_ref, row.actor_ref),
            "told": _sentence(row, names.get(row.actor_ref, row.actor_ref)),
            "acknowledgement": getattr(row, "acknowledgement", None),
        }
        for row in found
    ]


def _sentence(row: Alert, who: str) -> str:
    if row.basis.endswith("_people"):
        counted = ngettext("data of %(count)d person", "data of %(count)d people", row.count) % {"count": row.count}
    else:
        counted = ngettext("%(count)d event", "%(count)d events", row.count) % {"count": row.count}
    return gettext("%(who)s, %(when)s: %(counted)s") % {
        "who": who,
        "when": row.bucket.replace("T", " ").replace(":00Z", ":00 UTC"),
        "counted": counted,
    }


def _names(refs: set[str]) -> Mapping[str, str]:
    ids = {ref.partition(":")[2]: ref for ref in refs if ref.startswith(f"{STAFF}:")}
    people = StaffUser.objects.in_bulk([UUID(each) for each in ids])
    return {ids[pk.hex]: person.name or person.email for pk, person in people.items()}


def _complain(form: forms.Form, refused: BadInput) -> None:
    for error in refused.errors:
        form.add_error(error.pointer.strip("/") or None, error.detail)
