"""A request and the person's erasure here: what a legal hold keeps, what waits for its grace, when it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import Status
from dsar.models import SubjectRequest
from dsar.services.clocks import is_held
from dsar.services.moving import locked, note
from dsar.services.outcomes import Withholding
from dsar.services.wording import PERSON_HOLD_WORDS
from dsar.verification import reference_of
from governance import subjects
from governance.errors import Conflict
from governance.models import Erasure
from governance.policy.principal import worker
from governance.subjects import certifying, holding

if TYPE_CHECKING:
    from typing import Any

    from governance.policy.principal import Principal

_BATCH: Final = 100
_CITATIONS: Final = {
    "legal_claim": "GDPR Art. 17(3)(e)",
    "legal_obligation": "GDPR Art. 17(3)(b)",
    "authority_order": "GDPR Art. 17(3)(b)",
    "subject_asked": "GDPR Art. 18(1)",
}


def kept_by_law(request: SubjectRequest) -> Withholding | None:
    """Answer why nothing of this person may be erased now, in any system; None where no legal hold stands."""
    hold = None if request.subject is None else holding.standing_on(request.subject)
    if hold is None:
        return None
    return Withholding(str(PERSON_HOLD_WORDS[hold.reason]), _CITATIONS[hold.reason], hold.until)


def is_restrained(request: SubjectRequest) -> bool:
    """Whether nothing may be erased for this request now, for its own hold or its person's."""
    return is_held(request) or kept_by_law(request) is not None


def erase_here(request: SubjectRequest) -> bool:
    """Erase the person in this service too, once the connected systems are done; answers whether it was still to do.

    A hold or a grace answers False: the request goes on to its review, and the erasure here follows by itself.
    """
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        # The hold is asked for again: one may have been committed before this lock was ours.
        if request.status != Status.EXECUTING or request.erased_at is not None or is_held(request):
            return False
        machine = worker(request.controller_id.hex)
        details: dict[str, Any] = {"event": "erased_here"}
        if request.subject is not None:
            erasure = subjects.request_erasure(request.subject, principal=machine, object_ref=reference_of(request))
            if erasure.state != Erasure.State.DESTROYED:
                event = "erasure_held" if erasure.state == Erasure.State.HELD else "erasure_in_grace"
                due = {"due_at": erasure.due_at.isoformat()} if erasure.due_at else {}
                note(request, principal=machine, details={"event": event, **due})
                return False
            details |= erasure.removed
        request.erased_at = timezone.now()
        request.save(update_fields=["erased_at"])
        note(request, principal=machine, details=details)
    return True


def certificate(request: SubjectRequest, *, principal: Principal) -> str:
    """Give the signed certificate of destruction of this request's person.

    Every value is tried again now. Raises Conflict when nothing was destroyed, and when a value still opens.
    """
    erasure = certifying.certificate_for(reference_of(request))
    if erasure is None:
        raise Conflict(gettext("Nobody was erased for this request, or not yet"))
    return certifying.certify(erasure, principal=principal)


def note_destroyed() -> int:
    """Note on requests that the person's key is gone by now, after its grace or hold; answers how many."""
    waiting = SubjectRequest.objects.filter(erased_at=None, subject__status="erased", rights__right="erasure")
    done = 0
    for request_id in list(waiting.values_list("pk", flat=True).distinct()[:_BATCH]):
        done += _note_one(SubjectRequest(pk=request_id))
    return done


@transaction.atomic(durable=True)
def _note_one(request: SubjectRequest) -> int:
    request = locked(request.pk)
    rows = Erasure.objects.filter(object_ref=reference_of(request), state=Erasure.State.DESTROYED)
    erasure = rows.order_by("-ended_at").first()
    if erasure is None or request.erased_at is not None:
        return 0
    request.erased_at = erasure.ended_at
    request.save(update_fields=["erased_at"])
    note(request, principal=worker(request.controller_id.hex), details={"event": "erased_here", **erasure.removed})
    return 1
