"""Tells people and systems of an alarm: letters to officers and a post to the hook, queued, retried, then given up."""

from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from governance import vault
from governance.access import grants
from governance.alarms import hooks
from governance.alarms.rules import RULES
from governance.errors import GovernanceError
from governance.models import AlarmHook, Alert, AlertDelivery
from governance.policy.principal import STAFF, worker
from governance.policy.vocabulary import RevealPurpose, Role

_BATCH = 50
#: How long a claim keeps others away, and when the next attempt is due; after the last one it is given up.
_NEXT_ATTEMPT = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))


def queue(alert: Alert) -> None:
    """Queue the tellings of an alarm, in its transaction. Whoever it is about is not told."""
    now = timezone.now()
    people = [
        each
        for each in grants.staff_with(Role.PRIVACY_OFFICER, alert.controller)
        if f"{STAFF}:{each.pk.hex}" != alert.actor_ref
    ]
    rows = [AlertDelivery(alert=alert, staff=each, due_at=now) for each in people]
    if AlarmHook.objects.filter(controller_id=alert.controller_id).exists():
        rows.append(AlertDelivery(alert=alert, due_at=now))
    AlertDelivery.objects.bulk_create(rows)


def deliver_due() -> int:
    """Carry out what is due; answers how many arrived. Claimed by compare-and-set: no two workers tell it."""
    told = 0
    for row in _due()[:_BATCH]:
        if _claim(row):
            error = _post(row) if row.staff is None else _write(row)
            _note(row, error)
            told += not error
    return told


def _due() -> QuerySet[AlertDelivery]:
    rows = AlertDelivery.objects.filter(state=AlertDelivery.State.QUEUED, due_at__lte=timezone.now())
    return rows.select_related("alert__controller", "staff").order_by("due_at", "pk")


def _claim(row: AlertDelivery) -> bool:
    held = AlertDelivery.objects.filter(
        pk=row.pk, state=AlertDelivery.State.QUEUED, attempts=row.attempts, due_at=row.due_at
    )
    wait = _NEXT_ATTEMPT[min(row.attempts, len(_NEXT_ATTEMPT) - 1)]
    row.attempts += 1
    return held.update(attempts=row.attempts, due_at=timezone.now() + wait) == 1


def _note(row: AlertDelivery, error: str) -> None:
    if not error:
        state = AlertDelivery.State.SENT
    else:
        is_last = row.attempts >= len(_NEXT_ATTEMPT)
        state = AlertDelivery.State.FAILED if is_last else AlertDelivery.State.QUEUED
    AlertDelivery.objects.filter(pk=row.pk).update(state=state, error=error)


def _write(row: AlertDelivery) -> str:
    if row.staff is None or not row.staff.is_active:
        return "mail.nobody"
    letter = EmailMessage(
        gettext("Alarm: %(rule)s") % {"rule": RULES[row.alert.rule].label},
        gettext(
            "An alarm was raised at %(controller)s: %(meaning)s\n\n"
            "Who, when and which events is shown in the console:\n%(link)s\n"
        )
        % {"controller": row.alert.controller.name, "meaning": RULES[row.alert.rule].meaning, "link": _link(row.alert)},
        settings.DEFAULT_FROM_EMAIL,
        [row.staff.email],
        connection=get_connection(),
    )
    try:
        letter.send()
    except (SMTPException, OSError):
        return "mail.unavailable"
    return ""


def _post(row: AlertDelivery) -> str:
    alert = row.alert
    hook = AlarmHook.objects.filter(controller_id=alert.controller_id).first()
    if hook is None:
        return "hook.none"
    try:
        url, secret = vault.reveal_many(
            [hook.url, hook.secret],
            principal=worker(alert.controller_id.hex),
            purpose=RevealPurpose.SYSTEM_CONNECTION,
            object_ref=f"alarm_hook:{alert.controller_id.hex}",
        )
    except GovernanceError:  # one hook that does not open must not keep other alarms from being told
        return "hook.unreadable"
    now = timezone.now()
    # The same id at every attempt: the receiver tells a repetition by it.
    return hooks.post(
        str(url),
        str(secret),
        message_id=f"alert_{alert.pk.hex}",
        timestamp=int(now.timestamp()),
        data=_data(alert, now),
    )


def _data(alert: Alert, now: datetime) -> dict[str, Any]:
    return {
        "type": "alarm.raised",
        "timestamp": now.isoformat(),
        "data": {
            "alert": str(alert.pk),
            "controller": str(UUID(str(alert.controller_id))),
            "rule": alert.rule,
            "actor": alert.actor_ref,
            "bucket": alert.bucket,
            "count": alert.count,
            "limit": alert.limit,
            "raised_at": alert.raised_at.isoformat(),
            "link": _link(alert),
        },
    }


def _link(alert: Alert) -> str:
    return str(settings.GOVERNANCE_PUBLIC_URL).rstrip("/") + reverse("admin:alarm", args=[alert.pk])
