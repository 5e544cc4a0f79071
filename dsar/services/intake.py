"""From the first word to a proven address: receive, send a code, verify; the answer is the same for anybody."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar import letters
from dsar.deadlines import Regime
from dsar.lifecycle import Event, Status
from dsar.models import SubjectRequest
from dsar.services.acknowledging import confirmed
from dsar.services.clocks import acknowledgement, clocks
from dsar.services.moving import end, locked, move, note
from dsar.services.posting import post
from dsar.services.references import new_reference, normal_reference
from dsar.verification import challenge, contact_of, digest_of, is_contact, reference_of, seal_contact
from governance import subjects
from governance.errors import BadInput, CodeRefused, Erased, FieldError, TooManyRequests
from governance.models import LedgerEntry
from governance.policy.principal import data_subject, worker
from governance.policy.vocabulary import AuditType
from governance.subjects import proving

if TYPE_CHECKING:
    from governance.models import Brand, Controller
    from governance.policy.principal import Principal

#: Rights that can be carried out here; the others have clocks but no hands yet.
RIGHTS: Final = ("access", "erasure")
#: An unverified request is let go after this (ecosystem practice: 7 to 21 days).
PATIENCE: Final = timedelta(days=14)
_OLDEST: Final = timedelta(days=366)
_NEXT_TRY: Final = timedelta(minutes=15)
_BATCH: Final = 100
_BEFORE_PROOF: Final = (Status.RECEIVED.value, Status.VERIFYING.value)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Intake:
    """What came in. `received_at` may lie back: the clock starts on receipt, even in another mailbox."""

    rights: tuple[str, ...]
    email: str
    manner: str
    claimed: tuple[tuple[str, str], ...] = ()
    regime: str = Regime.GDPR.value
    language: str = "en"
    received_at: datetime | None = None
    #: The face that the person saw; letters come from it.
    brand: Brand | None = None
    #: Where a visitor of the portal comes from; None for staff and services.
    source: str | None = None
    id: UUID = field(default_factory=uuid4)


@transaction.atomic(durable=True)
def receive(controller: Controller, intake: Intake, *, principal: Principal) -> SubjectRequest:
    """Record a request, start its clocks and send a code; says the same whether or not the person is known.

    What staff or a service heard is recorded whatever the limits say: the law's clock runs since the person asked.
    Raises BadInput, RightNotCovered, and TooManyRequests towards a visitor of the portal.
    """
    known = SubjectRequest.objects.filter(pk=intake.id, controller=controller, created_by=principal.ref).first()
    if known is not None:  # a repeated call
        return known
    now = timezone.now()
    _require_usable(intake, now)
    received_at = intake.received_at or now
    rows = clocks(controller, intake.regime, intake.rights, received_at)
    request = SubjectRequest(
        id=intake.id,
        reference=new_reference(),
        controller=controller,
        brand=intake.brand,
        regime=intake.regime,
        manner=intake.manner,
        language=intake.language,
        received_at=received_at,
        due_at=min(row.due_at for row in rows),
        created_by=principal.ref,
    )
    if (confirming := acknowledgement(controller, intake.regime, intake.rights, received_at)) is not None:
        request.acknowledge_by, request.acknowledgement = confirming.due_at, confirming.as_json()
    request.contact = seal_contact(request, intake.email.strip(), intake.claimed)
    is_challenged = _challenged(request, intake)
    request.contact_digest = digest_of(controller.pk, intake.email)
    request.save(force_insert=True)
    for row in rows:
        row.request = request
        row.save(force_insert=True)
    note(request, principal=principal, details=_told(intake), type_=AuditType.REQUEST_RECEIVED)
    if is_challenged:
        move(request, Event.CHALLENGE, principal=principal)
    return request


def verify(request: SubjectRequest, code: str, *, principal: Principal) -> SubjectRequest:
    """Prove the address by its code; the first time this also starts the work. Raises CodeRefused.

    Call outside any transaction: each attempt is counted whatever happens afterwards.
    """
    if request.proof_id is None:
        raise CodeRefused
    try:
        proven = proving.confirm(request.proof_id, code)
    except CodeRefused as refused:
        if refused.is_counted:  # otherwise anybody could fill the ledger with guesses at a code that is spent
            _note_refused(request.pk, principal)
        raise
    return _proven(request.pk, proven, principal)


def send_code(request: SubjectRequest, *, principal: Principal, source: str | None = None) -> SubjectRequest:
    """Send a fresh code to the address on record. Call outside any transaction."""
    # Our own machinery reads the address; whoever asks for the letter does not see it.
    email = contact_of(request, principal=worker(request.controller_id.hex)).email
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        challenge(request, email, source)
        if request.status == Status.RECEIVED:
            move(request, Event.CHALLENGE, principal=principal, also=("proof_id",))
        else:
            request.save(update_fields=["proof_id"])
            note(request, principal=principal, details={"event": "code_sent"})
    return request


def send_waiting() -> int:
    """Send the codes that the limits held back when a request was recorded; answers how many went out."""
    waiting = SubjectRequest.objects.filter(status=Status.RECEIVED, proof_id=None, purged_at=None)
    sent = 0
    for request in waiting.select_related("controller").order_by("received_at")[:_BATCH]:
        # Every try opens the sealed address, which is an event of its own: not with every tick.
        if not cache.add(f"request.code:{request.pk.hex}", 1, timeout=int(_NEXT_TRY.total_seconds())):
            continue
        with suppress(TooManyRequests):
            send_code(request, principal=worker(request.controller_id.hex))
            sent += 1
    return sent


def start_again(controller: Controller, email: str, language: str = "en", source: str | None = None) -> UUID:
    """Send a code to a person who comes back, whatever reference they name; answers the proof's id."""
    with transaction.atomic(durable=True):
        return proving.start(controller, email, purpose="request", language=language, source=source).pk


def find_again(controller: Controller, typed_reference: str, proof_id: UUID, code: str) -> SubjectRequest:
    """Answer the request of a person who came back and proved the address; raises CodeRefused.

    An unknown reference, another controller's and one with another address give the same refusal.
    """
    proven = proving.confirm(proof_id, code)
    request = SubjectRequest.objects.filter(
        controller=controller, reference=normal_reference(typed_reference), purged_at=None
    ).first()
    if request is None or proven.controller_id != controller.pk or not is_contact(request, proven):
        raise CodeRefused
    principal = data_subject(request.pk.hex, controller.pk.hex)
    return _proven(request.pk, proven, principal)


def lapse_due() -> int:
    """Let unverified requests go a fortnight after they were recorded or the latest code was sent; answers how many."""
    since = timezone.now() - PATIENCE
    old = SubjectRequest.objects.filter(status=Status.VERIFYING, received_at__lte=since).select_related("controller")
    # Receipt may lie back; the ledger knows when the request was recorded and when its codes went out.
    waiting = [request for request in old.order_by("received_at", "pk") if not _has_moved(request, since)][:_BATCH]
    for request in waiting:
        _lapse(request)
    return len(waiting)


def _told(intake: Intake) -> dict[str, str | list[str]]:
    return {
        "rights": sorted(intake.rights),
        "regime": intake.regime,
        "manner": intake.manner,
        "claimed": sorted(type_ for type_, _value in intake.claimed),  # kinds alone
    }


def _challenged(request: SubjectRequest, intake: Intake) -> bool:
    """Send the first code; for staff and services one that the limits hold back is sent later."""
    try:
        challenge(request, intake.email, intake.source)
    except TooManyRequests:
        if intake.manner == SubjectRequest.Manner.PORTAL:
            raise
        return False
    return True


@transaction.atomic(durable=True)
def _proven(request_id: UUID, proven: proving.ProvenAddress, principal: Principal) -> SubjectRequest:
    request = locked(request_id)
    request.proof_id = proven.proof_id
    if request.status not in _BEFORE_PROOF:
        request.save(update_fields=["proof_id"])
        note(request, principal=principal, details={"event": "address_proven"})
        return request
    request.subject = subjects.match_proven(request.controller_id, proven.type, proven.value)
    request.verified_at = timezone.now()
    details = {"method": "email_code", "registered": request.subject is not None}
    confirmed(request)  # by the letter below
    also = ("proof_id", "subject", "verified_at", "acknowledged_at")
    move(request, Event.VERIFY, principal=principal, details=details, also=also)
    post(request, letters.received(request, min(row.due_on for row in request.rights.all())), proven.value)
    return request


@transaction.atomic(durable=True)
def _note_refused(request_id: UUID, principal: Principal) -> None:
    note(locked(request_id), principal=principal, details={}, type_=AuditType.REQUEST_CODE_FAILED)


def _has_moved(request: SubjectRequest, since: datetime) -> bool:
    moves = (AuditType.REQUEST_RECEIVED, AuditType.REQUEST_CHANGED)
    events = LedgerEntry.objects.filter(object_ref=reference_of(request), type__in=moves)
    return events.filter(recorded_at__gt=since).exists()


def _lapse(request: SubjectRequest) -> None:
    machine = worker(request.controller_id.hex)
    address = ""
    with suppress(Erased):  # without a key there is nobody left to write to
        address = contact_of(request, principal=machine).email
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        if request.status == Status.VERIFYING:
            end(request, Event.LAPSE, principal=machine)
            if address:
                post(request, letters.lapsed(request), address)


def _require_usable(intake: Intake, now: datetime) -> None:
    errors = [
        FieldError(f"/rights/{position}", gettext("Use one of: %(known)s") % {"known": ", ".join(RIGHTS)})
        for position, right in enumerate(intake.rights)
        if right not in RIGHTS
    ]
    if not intake.rights:
        errors.append(FieldError("/rights", gettext("Name at least one right")))
    if intake.regime not in list(Regime):
        errors.append(FieldError("/regime", gettext("Use one of: %(known)s") % {"known": ", ".join(Regime)}))
    if intake.received_at is not None and not now - _OLDEST <= intake.received_at <= now:
        errors.append(FieldError("/received_at", gettext("Give a moment within the last year, not in the future")))
    if errors:
        raise BadInput(gettext("The request cannot be recorded as it is"), errors=errors)
