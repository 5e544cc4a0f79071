"""Keeping the contact log: who was written to, for what and when, in few statements however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.utils import timezone

from consent.models import Contact
from governance import access, audit, subjects
from governance.models import DataSubject
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from governance.models import Controller, Purpose
    from governance.policy.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sent:
    """One message as its sender tells of it. `id` is the sender's own: told twice, it is kept once."""

    identifier: tuple[str, str] = ("", "")
    purpose: Purpose
    channel: str
    message_class: str
    sent_at: datetime
    campaign: str = ""
    id: UUID | None = None


@transaction.atomic(durable=True)
def log_contacts(controller: Controller, messages: Sequence[Sent], *, principal: Principal) -> None:
    """Keep what was sent to people who are known here.

    Whoever is not known is not kept, and not told apart: a log of strangers would be a register of its own. Few
    statements however many messages there are.
    """
    people = subjects.find_many(controller, [message.identifier for message in messages])
    now = timezone.now()
    rows = [
        row_of(controller, person, message, now)
        for person, message in zip(people, messages, strict=True)
        if person is not None and person.status != DataSubject.Status.ERASED
    ]
    write(controller, rows, principal=principal)


def write(controller: Controller, rows: Sequence[Contact], *, principal: Principal) -> None:
    """Write rows of the log and one event about all, in the caller's transaction; repeated ids change nothing."""
    if not rows:
        return
    # Locked, so that nobody is written to the log after their erasure passed it; in one order, against deadlocks.
    people = DataSubject.objects.select_for_update().filter(pk__in={row.subject_id for row in rows}).order_by("pk")
    kept = set(people.exclude(status=DataSubject.Status.ERASED).values_list("pk", flat=True))
    known = set(Contact.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    rows = list({row.pk: row for row in rows if row.subject_id in kept and row.pk not in known}.values())
    if not rows:
        return
    Contact.objects.recorded().bulk_create(rows, ignore_conflicts=True, batch_size=500)
    details = {"count": len(rows), "purposes": sorted({row.purpose.key for row in rows})}
    rules, ruleset = access.decided(principal, Action.CONSENT_RECORD, controller.pk)
    audit.record(
        AuditType.CONTACT_RECORDED,
        actor=principal,
        controller_id=controller.pk,
        rules=rules,
        ruleset=ruleset,
        details=details,
    )


def row_of(controller: Controller, person: DataSubject, message: Sent, now: datetime) -> Contact:
    """Answer the unsaved row of a message."""
    return Contact(
        # Under the controller's own number: an id that another controller chose as well is another message.
        id=uuid5(controller.pk, message.id.hex) if message.id else uuid4(),
        controller=controller,
        subject=person,
        purpose=message.purpose,
        channel=message.channel,
        message_class=message.message_class,
        campaign=message.campaign,
        sent_at=message.sent_at,
        recorded_at=now,
    )
