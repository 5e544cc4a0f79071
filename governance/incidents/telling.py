"""Telling the authority (GDPR Art. 33) and the people (Art. 34) of a breach, by sealed letters; it decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from governance import subjects, vault
from governance.errors import (
    BadInput,
    Conflict,
    Disabled,
    Erased,
    FieldError,
    GovernanceError,
    KeyUnavailable,
    Unavailable,
)
from governance.incidents.register import line, locked, scope_of
from governance.models import DataSubject, Incident, IncidentEntry, IncidentSubject
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType, RevealPurpose
from governance.subjects import letters
from governance.subjects.registering import scope_of as scope_of_person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from governance.policy.principal import Principal

logger = structlog.get_logger(__name__)

_BATCH: Final = 100


@transaction.atomic(durable=True)
def tell_authority(
    incident: Incident, to: str, text: Mapping[str, str], *, delay_reason: str = "", principal: Principal
) -> None:
    """Send a letter to the authority; more may follow in phases (Art. 33(4)).

    Raises Conflict unless it was decided to tell, BadInput for a late first letter without reasons (Art. 33(1)).
    """
    row, now = locked(incident), timezone.now()
    if row.authority_decision != Incident.Decision.TELL:
        raise Conflict(_("Decide first that the authority is told"))
    phase = row.entries.filter(event="authority_told").count() + 1
    if row.authority_told_at is None:
        if now > row.due_at and delay_reason not in Incident.DelayReason.values:
            message = "More than 72 hours have passed: say why (GDPR Art. 33(1))"
            raise BadInput(errors=[FieldError("/delay_reason", message)])
        row.authority_told_at = now
        row.delay_reason = delay_reason if now > row.due_at else ""
        row.save(update_fields=["authority_told_at", "delay_reason"])
    context = {"incident": row, "controller": row.controller, "text": text, "phase": phase, "now": now}
    letters.queue(
        row.controller,
        scope_of(row),
        to,
        _("Notification of a personal data breach, %(reference)s") % {"reference": row.reference},
        render_to_string("letters/breach_authority.txt", context),
        render_to_string("letters/breach_authority.html", context),
        reference=f"incident:{row.pk.hex}",
    )
    details = {"phase": phase, "late": bool(row.delay_reason), "reason": row.delay_reason}
    line(AuditType.INCIDENT_AUTHORITY_TOLD, row, principal, details, dict(text))


def tell_people() -> int:
    """Send the letters that were decided on, some at a time; answers how many. For the tick."""
    waiting = IncidentSubject.objects.filter(
        outcome="", incident__persons_decision=Incident.Decision.TELL, incident__closed_at=None
    )
    done = 0
    texts: dict[object, tuple[UUID | None, Mapping[str, str]] | None] = {}
    for row in list(waiting.select_related("incident__controller", "subject").order_by("pk")[:_BATCH]):
        if row.incident_id not in texts:
            texts[row.incident_id] = _readable_text(row.incident)
        found = texts[row.incident_id]
        if found is not None:
            done += _try_one(row, *found)
    return done


def _readable_text(incident: Incident) -> tuple[UUID | None, Mapping[str, str]] | None:
    """Open the text, or answer None: one incident whose text does not open must not keep the others waiting."""
    try:
        return _text_for_people(incident)
    except GovernanceError as error:
        logger.warning("incident.text_unreadable", incident=incident.reference, error=error.code)
        return None


def _try_one(row: IncidentSubject, entry: UUID | None, text: Mapping[str, str]) -> int:
    """Tell one person; an address that does not open is an outcome, so that those behind it are told."""
    try:
        return _tell_one(row, entry, text)
    except (KeyUnavailable, Unavailable) as error:  # passes: the next tick tries again
        logger.warning("incident.letter_waits", row=row.pk, error=error.code)
        return 0
    except GovernanceError as error:
        logger.warning("incident.address_unreadable", row=row.pk, error=error.code)
        return _end(row, entry, lambda _incident: "unreadable")


def _newest_text(incident: Incident) -> IncidentEntry | None:
    entries = IncidentEntry.objects.filter(incident=incident, event="decided", details__about="persons")
    return entries.exclude(text__isnull=True).order_by("-at").first()


def _text_for_people(incident: Incident) -> tuple[UUID | None, Mapping[str, str]]:
    """Open what the officer wrote to people when they decided to tell them, and name the line it stands in."""
    newest = _newest_text(incident)
    if newest is None:
        return None, {}
    machine = worker(incident.controller_id.hex)
    opened = vault.reveal(newest.text, principal=machine, purpose=RevealPurpose.LETTER_DELIVERY)
    return newest.pk, {key: str(value) for key, value in opened.items()} if isinstance(opened, dict) else {}


def _tell_one(row: IncidentSubject, entry: UUID | None, text: Mapping[str, str]) -> int:
    subject, machine = row.subject, worker(row.incident.controller_id.hex)
    reference = f"incident:{row.incident_id.hex}"
    known = subjects.identifiers_of(
        subject, principal=machine, purpose=RevealPurpose.LETTER_DELIVERY, object_ref=reference
    )
    to = next((value for type_, value in known if type_ == "email"), "")
    return _end(row, entry, lambda incident: _queue(incident, subject, to, text))


@transaction.atomic(durable=True)
def _end(row: IncidentSubject, entry: UUID | None, outcome: Callable[[Incident], str]) -> int:
    """Write down how one person's letter ended, unless the officer has decided or written otherwise since."""
    incident = Incident.objects.select_for_update(of=("self",)).select_related("controller").get(pk=row.incident_id)
    newest = _newest_text(incident)
    is_still_wanted = incident.persons_decision == Incident.Decision.TELL and incident.closed_at is None
    if not is_still_wanted or (newest.pk if newest else None) != entry:
        return 0
    locked_row = IncidentSubject.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked_row.outcome:
        return 0
    locked_row.outcome = outcome(incident)
    locked_row.told_at = timezone.now() if locked_row.outcome == "queued" else None
    locked_row.save(update_fields=["outcome", "told_at"])
    _finish(incident, worker(incident.controller_id.hex))
    return 1


def _queue(incident: Incident, subject: DataSubject, to: str, text: Mapping[str, str]) -> str:
    """Queue one letter under the person's own key: erased with them. Answers how it ended."""
    if not to:
        return "erased" if subject.status == DataSubject.Status.ERASED else "no_address"
    context = {"incident": incident, "controller": incident.controller, "text": text}
    try:
        letters.queue(
            incident.controller,
            scope_of_person(subject),
            to,
            _("What happened to your data at %(name)s") % {"name": incident.controller.name},
            render_to_string("letters/breach_person.txt", context),
            render_to_string("letters/breach_person.html", context),
            reference=f"incident:{incident.pk.hex}",
        )
    except (Disabled, Erased):
        return "erased"
    return "queued"


def _finish(incident: Incident, machine: Principal) -> None:
    """Write one line when the last letter is queued: counts, so that nobody is named."""
    rows = IncidentSubject.objects.filter(incident=incident)
    if not rows.filter(outcome="").exists():
        counts = {outcome: rows.filter(outcome=outcome).count() for outcome in ("queued", "erased", "no_address")}
        if unreadable := rows.filter(outcome="unreadable").count():
            counts["unreadable"] = unreadable
        line(AuditType.INCIDENT_PERSONS_TOLD, incident, machine, counts)
