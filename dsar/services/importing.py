"""Taking over many requests that were received elsewhere: row for row what the doors write, in few statements."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import TERMINAL, Event, Status
from dsar.models import RequestRight, SubjectRequest
from dsar.services.clocks import acknowledgement, clocks
from dsar.services.references import ALPHABET
from dsar.verification import digest_of, reference_of, scope_of
from governance import audit, outbox, vault
from governance.audit import Occurrence
from governance.errors import BadInput
from governance.models.inserting import insert_many
from governance.outbox import Thin
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from governance.models import Brand, Controller, DataSubject
    from governance.policy.principal import Principal

#: Where a request taken over may stand, with the event that led there. What is between planning and the answer is
#: planned anew: nobody here has approved it.
_LED_BY: Final = {
    Status.RECEIVED: None,
    Status.VERIFYING: Event.CHALLENGE,
    Status.PLANNING: Event.VERIFY,
    Status.CLOSED: Event.CLOSE,
    Status.REFUSED: Event.REFUSE,
    Status.WITHDRAWN: Event.WITHDRAW,
    Status.LAPSED: Event.LAPSE,
}
_OPEN: Final = frozenset({Status.RECEIVED, Status.VERIFYING, Status.PLANNING})
_PROVEN: Final = frozenset({Status.PLANNING, Status.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Past:
    """A request as another system kept it. Who was answered there needs no address here, and has none kept."""

    rights: tuple[str, ...]
    regime: str
    manner: str
    status: Status
    received_at: datetime
    email: str = ""
    subject: DataSubject | None = None
    verified_at: datetime | None = None
    responded_at: datetime | None = None
    closed_at: datetime | None = None
    refusal_reason: str = ""
    language: str = "en"
    brand: Brand | None = None
    id: UUID = field(default_factory=uuid4)


@transaction.atomic(durable=True)
def import_many(controller: Controller, told: Sequence[Past], *, principal: Principal) -> list[SubjectRequest]:
    """Take over these requests, all or none; those whose id is known are passed over.

    A few hundred at a time keep the statements short; their number does not grow with the requests. Raises BadInput,
    RightNotCovered.
    """
    for each in told:
        _require_whole(each)
    ids = {each.id: _own_id(controller, each) for each in told}
    known = set(SubjectRequest.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
    fresh = [each for each in told if ids[each.id] not in known]
    references = _references(len(fresh))
    rights: list[RequestRight] = []
    rows = [_row(controller, each, references.pop(), principal, rights) for each in fresh]
    _seal(rows, fresh)
    insert_many(rows, recorded=True)
    insert_many(rights, recorded=True)
    said = [occurrence for row, each in zip(rows, fresh, strict=True) for occurrence in _said(row, each)]
    audit.record_many(said, actor=principal, controller_id=controller.pk)
    outbox.append_many(_thin(row) for row in rows)
    return rows


def _own_id(controller: Controller, past: Past) -> UUID:
    """Under the controller's own number: an id that another controller chose as well is another request."""
    return uuid5(controller.pk, past.id.hex)


def _require_whole(past: Past) -> None:
    is_open = past.status in _OPEN
    fits = (
        past.status in _LED_BY
        and bool(past.rights)
        and is_open == bool(past.email)
        and is_open != (past.closed_at is not None)
        and (past.status not in _PROVEN or past.verified_at is not None)
        and (past.status is Status.REFUSED) == bool(past.refusal_reason)
    )
    if not fits:
        raise BadInput(
            gettext("A request taken over is open with an address, or ended with its day; a refused one has its reason")
        )


def _row(
    controller: Controller, past: Past, reference: str, principal: Principal, rights: list[RequestRight]
) -> SubjectRequest:
    own = clocks(controller, past.regime, past.rights, past.received_at)
    row = SubjectRequest(
        id=_own_id(controller, past),
        reference=reference,
        controller=controller,
        brand=past.brand,
        subject=past.subject,
        status=past.status.value,
        regime=past.regime,
        manner=past.manner,
        language=past.language,
        received_at=past.received_at,
        verified_at=past.verified_at,
        responded_at=past.responded_at,
        closed_at=past.closed_at,
        due_at=min(each.due_at for each in own),
        refusal_reason=past.refusal_reason,
        # Its contact never came here, so that there is nothing left to purge.
        purged_at=timezone.now() if past.status in TERMINAL else None,
        created_by=principal.ref,
    )
    if (confirming := acknowledgement(controller, past.regime, past.rights, past.received_at)) is not None:
        row.acknowledge_by, row.acknowledgement = confirming.due_at, confirming.as_json()
        row.acknowledged_at = past.verified_at
    for each in own:
        each.request = row
        each.outcome = {Status.CLOSED: "granted", Status.REFUSED: "refused"}.get(past.status, "")
    rights += own
    return row


def _seal(rows: Sequence[SubjectRequest], told: Sequence[Past]) -> None:
    waiting = [(row, each) for row, each in zip(rows, told, strict=True) if each.email]
    values = [({"email": each.email, "claimed": []}, "request.contact", scope_of(row)) for row, each in waiting]
    for (row, each), sealed in zip(waiting, vault.seal_many(values), strict=True):
        row.contact, row.contact_digest = sealed, digest_of(row.controller_id, each.email)


def _said(row: SubjectRequest, past: Past) -> list[Occurrence]:
    facts = {"rights": sorted(past.rights), "regime": past.regime, "manner": past.manner, "imported": True}
    said = [_occurrence(row, AuditType.REQUEST_RECEIVED, facts)]
    led = _LED_BY[past.status]
    if led is not None:
        said.append(_occurrence(row, AuditType.REQUEST_CHANGED, {"event": led.value, "imported": True}))
    return said


def _occurrence(row: SubjectRequest, type_: AuditType, details: dict[str, object]) -> Occurrence:
    told = {"status": row.status, **details}
    return Occurrence(type=type_, subject_id=row.subject_id, object_ref=reference_of(row), details=told)  # type: ignore[arg-type]  # checked by record_many


def _thin(row: SubjectRequest) -> Thin:
    payload = {"request": row.pk.hex, "reference": row.reference, "status": row.status}
    return Thin(
        type=AuditType.REQUEST_RECEIVED.value,
        controller_id=row.controller_id,
        subject_id=row.subject_id,
        payload=payload,
    )


def _references(count: int) -> list[str]:
    """Draw so many unused references, with one statement a round."""
    found: set[str] = set()
    while len(found) < count:
        drawn = {f"R-{text[:4]}-{text[4:]}" for text in (_draw() for _ in range(count - len(found)))}
        found |= drawn - set(SubjectRequest.objects.filter(reference__in=drawn).values_list("reference", flat=True))
    return list(found)


def _draw() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(8))
