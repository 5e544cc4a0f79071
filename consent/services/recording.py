"""Recording choices: the event, the projection, the audit row and the outbox event in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from consent import lifecycle
from consent.errors import EventFromTheFuture
from consent.lifecycle import State
from consent.models import ConsentEvent, ConsentState, NoticeRevision
from governance import access, audit, outbox, subjects, vault
from governance.audit import Occurrence
from governance.errors import BadInput, Conflict, Erased, FieldError
from governance.fields import Scope
from governance.models import DataSubject, Purpose
from governance.outbox import Thin
from governance.policy.principal import DATA_SUBJECT
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from governance.models import Controller
    from governance.policy.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody chose, as the door heard it. `evidence` may hold personal data and is sealed."""

    purpose: Purpose
    state: State | str
    method: str
    channel: str = ""
    consent_type: str = ConsentEvent.ConsentType.EXPRESSED.value
    notice_revision: NoticeRevision | None = None
    collection_point: str = ""
    occurred_at: datetime | None = None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event and whether it is what counts now; `is_effective` is False for history that arrived late."""

    event: ConsentEvent
    is_effective: bool


@transaction.atomic(durable=True)
def record(subject: DataSubject, *, principal: Principal, **choice: Any) -> Recorded:
    """Record one choice of a known person; takes the fields of `Choice`. Raises as `record_for`."""
    return record_within(subject, Choice(**choice), principal=principal)


def record_within(subject: DataSubject, choice: Choice, *, principal: Principal) -> Recorded:
    """Record inside the caller's transaction; the same promises as `record`."""
    return _record(_locked(subject), choice, principal, None)


@transaction.atomic(durable=True)
def record_for(  # who, what, by whom, how sure, once
    controller: Controller,
    identifiers: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    *,
    principal: Principal,
    verified: bool = False,
    event_id: uuid.UUID | None = None,
) -> list[Recorded]:
    """Record choices of the person with these identifiers, who is registered when unknown: all of them or none.

    Raises BadInput, EventFromTheFuture, IllegalTransition, Conflict. With `event_id` (a single choice) repeating the
    call answers the first event and changes nothing.
    """
    subject = subjects.register(controller, identifiers, principal=principal, verified=verified)
    locked = _locked(subject)
    return [_record(locked, choice, principal, event_id) for choice in choices]


@transaction.atomic(durable=True)
def withdraw_all(subject: DataSubject, *, method: str, principal: Principal) -> list[Recorded]:
    """Say no to everything that can be said no to, on every channel; answers what was recorded. Repeatable."""
    return withdraw_all_within(subject, method=method, principal=principal)


def withdraw_all_within(subject: DataSubject, *, method: str, principal: Principal) -> list[Recorded]:
    """Say no to everything inside the caller's transaction; the same promises as `withdraw_all`."""
    locked = _locked(subject)
    purposes = Purpose.objects.filter(controller_id=locked.controller_id).order_by("key")
    given = set(ConsentState.objects.filter(subject=locked, state=State.GIVEN).values_list("purpose", flat=True))
    choices = [
        Choice(purpose=purpose, state=no_for(purpose), method=method)
        for purpose in purposes
        if can_stop(purpose) and (purpose.retired_at is None or purpose.pk in given)
    ]
    return [_record(locked, choice, principal, None) for choice in choices]


def can_stop(purpose: Purpose) -> bool:
    """Whether a person's no ends this use: consent, what can be objected to, and all direct marketing."""
    return (
        purpose.direct_marketing
        or purpose.lawful_basis == Purpose.Basis.CONSENT
        or purpose.lawful_basis in lifecycle.NO_IS_OBJECTION
    )


def no_for(purpose: Purpose) -> State:
    """Answer what a person's no leads to: a withdrawal, or an objection where there is no consent to take back."""
    return State.WITHDRAWN if purpose.lawful_basis == Purpose.Basis.CONSENT else State.OBJECTED


def _locked(subject: DataSubject) -> DataSubject:
    """Lock the person's row, so that two events about one person are weighed one after the other."""
    locked = DataSubject.objects.select_for_update().get(pk=subject.pk)
    if locked.status == DataSubject.Status.ERASED:
        raise Erased
    return locked


def _record(subject: DataSubject, choice: Choice, principal: Principal, event_id: uuid.UUID | None) -> Recorded:
    """Write one choice. Numbered, because the order is the promise.

    1. a repeated call answers what was recorded; 2. the choice fits; 3. it may follow what counts now; 4. event,
    projection, audit row and outbox event.
    """
    known = ConsentEvent.objects.filter(pk=event_id, subject=subject).first() if event_id else None
    if known is not None:  # (1)
        return Recorded(known, ConsentState.objects.filter(event=known).exists())
    row = ConsentState.objects.filter(subject=subject, purpose=choice.purpose, channel=choice.channel).first()
    weighed = weigh(row, subject, choice, principal, timezone.now(), event_id)  # (2) (3)
    if choice.evidence:
        (weighed.event.evidence,) = vault.seal_many([evidence_of(weighed)])
    weighed.event.save(force_insert=True)  # (4)
    weighed.state.save()
    occurrence, thin = told(weighed, principal)
    audit.record_many([occurrence], actor=principal, controller_id=subject.controller_id)
    outbox.append(thin.type, controller_id=thin.controller_id, subject_id=thin.subject_id, payload=thin.payload)
    return Recorded(weighed.event, weighed.counts)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A choice that fits, as the rows it leads to; nothing is written yet."""

    choice: Choice
    event: ConsentEvent
    state: ConsentState
    counts: bool


def weigh(
    row: ConsentState | None,
    subject: DataSubject,
    choice: Choice,
    principal: Principal,
    instant: datetime,
    event_id: uuid.UUID | None = None,
) -> Weighed:
    """Judge a choice against the row that counts now, and bring that row up to date; writes nothing.

    Late history is kept as it was; it changes nothing that counts. Raises as `record_for`.
    """
    _require_fit(choice, instant)
    event = _event(subject, choice, principal, instant, event_id)
    counts, objected_at = lifecycle.weigh(row, event.state, event.occurred_at, basis=choice.purpose.lawful_basis)
    if counts:
        current = _current_state(row, event.occurred_at)
        lifecycle.act_towards(current, event.state, confirms=_confirms(choice, principal))
    return Weighed(choice, event, _projected(row, event, counts=counts, objected_at=objected_at), counts)


def _confirms(choice: Choice, principal: Principal) -> bool:
    """Whether a choice proves that the address is theirs: the link of the message, or a visitor with a proven address.

    The method is a claim of whoever calls; that the person acts is not.
    """
    is_person = principal.kind == DATA_SUBJECT and choice.method == ConsentEvent.Method.PREFERENCE_CENTRE
    return is_person or choice.method == ConsentEvent.Method.DOUBLE_OPT_IN


def evidence_of(weighed: Weighed) -> tuple[dict[str, Any], str, Scope]:
    """Answer the evidence with the place it is sealed in."""
    event = weighed.event
    scope = Scope(event.controller_id.hex, "subject", event.subject_id.hex)
    return dict(weighed.choice.evidence or {}), "consent.evidence", scope


def _require_fit(choice: Choice, instant: datetime) -> None:
    if choice.channel and choice.channel not in choice.purpose.channels:
        known = ", ".join(choice.purpose.channels) or "none; add it to the purpose first"
        raise BadInput(
            gettext("The choice cannot be recorded"),
            errors=[FieldError("/channel", gettext("Channels of this purpose: %(known)s") % {"known": known})],
        )
    if choice.occurred_at is not None and choice.occurred_at > instant + lifecycle.CLOCK_SKEW:
        complaint = FieldError("/occurred_at", gettext("Send a moment that has passed, with its time zone"))
        raise EventFromTheFuture(gettext("The event lies in the future"), errors=[complaint])
    if choice.state == State.GIVEN and choice.purpose.retired_at is not None:
        raise Conflict(gettext("This purpose is retired; nothing new can be consented to"))


def _event(
    subject: DataSubject, choice: Choice, principal: Principal, instant: datetime, event_id: uuid.UUID | None
) -> ConsentEvent:
    # A yes from a clock that runs ahead must not outrank a withdrawal that follows at once.
    occurred_at = min(choice.occurred_at or instant, instant)
    return ConsentEvent(
        id=event_id or uuid.uuid4(),
        controller_id=subject.controller_id,
        subject=subject,
        purpose=choice.purpose,
        purpose_version=choice.purpose.version,
        channel=choice.channel,
        state=State(choice.state).value,
        consent_type=choice.consent_type,
        method=choice.method,
        notice_revision=choice.notice_revision,
        collection_point=choice.collection_point,
        occurred_at=occurred_at,
        recorded_at=instant,
        expires_at=_expiry(choice, occurred_at),
        actor_ref=principal.ref,
    )


def _expiry(choice: Choice, occurred_at: datetime) -> datetime | None:
    if choice.state != State.GIVEN or choice.purpose.validity_days is None:
        return None
    return occurred_at + timedelta(days=choice.purpose.validity_days)


def _current_state(row: ConsentState | None, instant: datetime) -> str:
    if row is None:
        return lifecycle.UNKNOWN
    has_ended = row.state == State.GIVEN and row.expires_at is not None and row.expires_at <= instant
    return State.EXPIRED if has_ended else row.state


def _projected(
    row: ConsentState | None, event: ConsentEvent, *, counts: bool, objected_at: datetime | None
) -> ConsentState:
    if row is None:
        row = ConsentState(
            controller_id=event.controller_id, subject=event.subject, purpose=event.purpose, channel=event.channel
        )
    row.objected_at = objected_at
    if counts:
        revision = event.notice_revision
        row.state, row.consent_type, row.method = event.state, event.consent_type, event.method
        row.event, row.expires_at = event, event.expires_at
        row.occurred_at, row.recorded_at = event.occurred_at, event.recorded_at
        row.notice_id, row.notice_version = (revision.notice_id, revision.version) if revision else (None, None)
    return row


def told(weighed: Weighed, principal: Principal) -> tuple[Occurrence, Thin]:
    """Say what the ledger and what others hear of it."""
    event, purpose, revision = weighed.event, weighed.choice.purpose, weighed.choice.notice_revision
    rules, ruleset = access.decided(principal, Action.CONSENT_RECORD, event.controller_id)
    occurrence = Occurrence(
        type=AuditType.CONSENT_RECORDED,
        subject_id=event.subject_id,
        object_ref=f"consent-event:{event.pk.hex}",
        purpose=purpose.key,
        decision=event.state,
        rules=rules,
        ruleset=ruleset,
        details={
            "channel": event.channel,
            "effective": weighed.counts,
            "method": event.method,
            "notice_version": revision.version if revision else None,
            "type": event.consent_type,
        },
    )
    payload = {
        "channel": event.channel,
        "effective": weighed.counts,
        "event": event.pk.hex,
        "purpose": purpose.key,
        "state": event.state,
    }
    thin = Thin(
        type="consent.recorded", controller_id=event.controller_id, subject_id=event.subject_id, payload=payload
    )
    return occurrence, thin
