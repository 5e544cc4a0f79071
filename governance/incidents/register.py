"""The breach register's services: open, note, count, decide, close; each change, its line and its event together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit, vault
from governance.errors import BadInput, Conflict, FieldError
from governance.fields import Scope
from governance.incidents import clock
from governance.models import Incident, IncidentEntry, IncidentSubject
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from governance.incidents.counting import Affected
    from governance.models import Controller
    from governance.policy.principal import Principal

KINDS = ("confidentiality", "integrity", "availability")
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
#: Which grounds carry which decision.
AUTHORITY_GROUNDS = {"tell": ("risk", "high_risk"), "do_not_tell": ("risk_unlikely",)}
PERSONS_GROUNDS = {
    "tell": ("high_risk",),
    "do_not_tell": ("risk", "risk_unlikely", "unintelligible", "risk_removed", "public_instead"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known when an incident is opened. `what` may name people: it is sealed."""

    kinds: Sequence[str]
    noticed_by: str
    noticed_at: datetime
    aware_at: datetime
    happened_at: datetime | None = None
    what: str


@transaction.atomic(durable=True)
def open_incident(controller: Controller, opening: Opening, *, principal: Principal) -> Incident:
    """Open an incident and start its clock at awareness. Raises BadInput for times that cannot be."""
    _require_possible(controller, opening)
    due = clock.due(opening.aware_at, country=controller.country, time_zone=controller.time_zone)
    incident: Incident = Incident.objects.create(
        reference="B-" + "".join(secrets.choice(_ALPHABET) for _ in range(8)),
        controller=controller,
        kinds=list(opening.kinds),
        noticed_by=opening.noticed_by,
        happened_at=opening.happened_at,
        noticed_at=opening.noticed_at,
        aware_at=opening.aware_at,
        rule_id=due.rule_id,
        due_at=due.at,
        derivation=list(due.derivation),
        opened_by=principal.ref,
        opened_at=timezone.now(),
    )
    details = {"kinds": list(opening.kinds), "rule": due.rule_id, "due_at": due.at.isoformat()}
    line(AuditType.INCIDENT_OPENED, incident, principal, details, {"what": opening.what})
    return incident


@transaction.atomic(durable=True)
def note(incident: Incident, text: str, *, principal: Principal) -> None:
    """Add something to the timeline; it is sealed."""
    line(AuditType.INCIDENT_NOTED, locked(incident), principal, {}, {"note": text})


@transaction.atomic(durable=True)
def record_count(incident: Incident, affected: Affected, how: str, *, principal: Principal) -> None:
    """Write down whom and what it touched; a later count adds people and replaces the figures."""
    row = locked(incident)
    known = set(row.subjects.values_list("subject_id", flat=True))
    rows = [IncidentSubject(incident=row, subject_id=each) for each in sorted(affected.people - known)]
    IncidentSubject.objects.recorded().bulk_create(rows, batch_size=500)
    row.persons, row.records = affected.persons, affected.records
    row.categories = sorted({*row.categories, *affected.labels})
    row.save(update_fields=["persons", "records", "categories"])
    details = {"how": how, "persons": row.persons, "records": row.records, "labels": list(affected.labels)}
    line(AuditType.INCIDENT_COUNTED, row, principal, details)


@transaction.atomic(durable=True)
def decide(
    incident: Incident, *, about: str, decision: str, ground: str, text: Mapping[str, str], principal: Principal
) -> Incident:
    """Decide whether the authority or the people are told, on a ground of the law, and why; it can be decided anew.

    Raises BadInput for a ground that does not carry the decision, and Conflict once they were told.
    """
    row = locked(incident)
    grounds = (AUTHORITY_GROUNDS if about == "authority" else PERSONS_GROUNDS).get(decision, ())
    if ground not in grounds:
        raise BadInput(errors=[FieldError("/ground", gettext("This ground does not carry this decision"))])
    if about == "authority":
        if row.authority_told_at is not None and decision != Incident.Decision.TELL:
            raise Conflict(gettext("The authority was told already"))
        row.authority_decision, row.authority_ground = decision, ground
        row.risk = {"risk": "risk", "high_risk": "high", "risk_unlikely": "unlikely"}[ground]
    else:
        if row.subjects.filter(outcome="queued").exists() and decision != Incident.Decision.TELL:
            raise Conflict(gettext("Letters to people went out already"))
        row.persons_decision, row.persons_ground = decision, ground
    row.save()
    details = {"about": about, "decision": decision, "ground": ground}
    line(AuditType.INCIDENT_DECIDED, row, principal, details, text)
    return row


@transaction.atomic(durable=True)
def close(incident: Incident, *, principal: Principal) -> None:
    """Close an incident. Raises Conflict while a decision is missing, or somebody who is to be told was not."""
    row = locked(incident)
    if not row.authority_decision or not row.persons_decision:
        raise Conflict(gettext("Decide first whether the authority and the people are told"))
    if row.authority_decision == Incident.Decision.TELL and row.authority_told_at is None:
        raise Conflict(gettext("The authority was not told yet"))
    if row.persons_decision == Incident.Decision.TELL and row.subjects.filter(outcome="").exists():
        raise Conflict(gettext("Not all letters to people went out yet"))
    row.closed_at = timezone.now()
    row.save(update_fields=["closed_at"])
    line(AuditType.INCIDENT_CLOSED, row, principal, {})


def locked(incident: Incident) -> Incident:
    """Lock an incident that is still open, for the transaction."""
    rows = Incident.objects.select_for_update(of=("self",)).select_related("controller")
    row: Incident = rows.get(pk=incident.pk)
    if row.closed_at is not None:
        raise Conflict(gettext("This incident is closed; open a new one that refers to it"))
    return row


def line(
    type_: AuditType,
    incident: Incident,
    principal: Principal,
    details: Mapping[str, Any],
    text: Mapping[str, str] | None = None,
) -> None:
    """Write one line of the timeline, and its event into the ledger, in the caller's transaction."""
    entry = IncidentEntry(
        controller_id=incident.controller_id,
        incident=incident,
        at=timezone.now(),
        actor_ref=principal.ref,
        event=type_.value.partition(".")[2],
        details=dict(details),
    )
    if text and any(text.values()):
        entry.text = vault.seal(dict(text), label="incident.text", scope=scope_of(incident))
    entry.save(force_insert=True)
    audit.record(
        type_,
        actor=principal,
        controller_id=incident.controller_id,
        object_ref=f"incident:{incident.pk.hex}",
        details=dict(details),
    )


def scope_of(incident: Incident) -> Scope:
    """The incident's own key: free text about it may name people, and is destroyed apart from them."""
    return Scope(incident.controller_id.hex, "incident", incident.pk.hex)


def _require_possible(controller: Controller, opening: Opening) -> None:
    now, errors = timezone.now(), []
    if not opening.kinds or not set(opening.kinds) <= set(KINDS):
        errors.append(FieldError("/kinds", gettext("Choose from: %(known)s") % {"known": ", ".join(KINDS)}))
    if opening.aware_at > now:
        errors.append(FieldError("/aware_at", gettext("Give a time that has passed")))
    try:
        clock.due(opening.aware_at, country=controller.country, time_zone=controller.time_zone)
    except ValueError:
        errors.append(FieldError("/aware_at", gettext("No rule on breaches was in force then; give a later time")))
    if opening.noticed_at > opening.aware_at:
        errors.append(FieldError("/noticed_at", gettext("It was noticed before it was certain, or at the same time")))
    if opening.happened_at is not None and opening.happened_at > opening.noticed_at:
        errors.append(FieldError("/happened_at", gettext("It happened before it was noticed")))
    if errors:
        raise BadInput(gettext("The incident cannot be opened like this"), errors=errors)
