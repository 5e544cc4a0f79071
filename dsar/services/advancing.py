"""The clockwork: moves every request whose steps are finished one part further; safe to call at any time, anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import Status
from dsar.models import SubjectRequest
from dsar.services import acknowledging, carrying_out, erasing, intake, planning, purging, retaining
from dsar.services.moving import locked, note
from governance.errors import Conflict, GovernanceError
from governance.models import SystemStep
from governance.policy.principal import worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from governance.policy.principal import Principal

logger = structlog.get_logger(__name__)
_BATCH: Final = 100
_UNFINISHED: Final = (SystemStep.State.PENDING.value, SystemStep.State.CLAIMED.value)
#: Parts one request may take in one call, so that a mistake here cannot spin for ever.
_PARTS: Final = 6
_LONGEST: Final = 64


def advance() -> int:
    """Take every waiting request as far as it goes now; answers how many parts were done."""
    return sum(_advance_one(request_id, status) for request_id, status in _waiting())


def go_on(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Let a request that could not go on try again now, and note who asked; raises Conflict where it still cannot."""
    with transaction.atomic(durable=True):
        note(locked(request.pk), principal=principal, details={"event": "tried_again"})
    _advance_one(request.pk, request.status)
    request = SubjectRequest.objects.select_related("controller").get(pk=request.pk)
    if request.stuck_code:
        raise Conflict(gettext("It still does not go on; repair the cause first, or make the plan again."))
    return request


def tidy() -> int:
    """Let go, close and purge what is due; answers how many."""
    return (
        intake.send_waiting()
        + acknowledging.acknowledge_due()
        + intake.lapse_due()
        + purging.close_answered()
        + retaining.put_aside()
        + retaining.settle()
        + purging.purge_due()
        + erasing.note_destroyed()
    )


def _waiting() -> Iterator[tuple[UUID, str]]:
    """Walk all requests that nothing is queued for, in portions, least time left first.

    Whatever number of them cannot move today (a system is down, a plan was tampered with) holds up no other.
    """
    unfinished = SystemStep.objects.filter(job=OuterRef("pk"), state__in=_UNFINISHED)
    rows = SubjectRequest.objects.filter(~Exists(unfinished), status__in=list(_PARTS_OF)).order_by("due_at", "pk")
    after = Q()
    while portion := list(rows.filter(after).values_list("pk", "status", "due_at")[:_BATCH]):
        yield from ((request_id, status) for request_id, status, _due_at in portion)
        request_id, _status, due_at = portion[-1]
        after = Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=request_id)


def _advance_one(request_id: UUID, status: str) -> int:
    done, code = 0, ""
    try:
        while done < _PARTS and status in _PARTS_OF:
            request = SubjectRequest.objects.select_related("controller", "brand", "subject").get(pk=request_id)
            status = request.status
            if status not in _PARTS_OF or not _PARTS_OF[status](request):
                break
            done += 1
    except GovernanceError as error:
        code = error.code
        logger.warning("request.stuck", request=str(request_id), error=code)
    except Exception as error:  # noqa: BLE001  # one broken request must not stop the others; the class is logged
        code = f"error.{type(error).__name__}"[:_LONGEST]
        logger.warning("request.broke", request=str(request_id), error=type(error).__name__)
    _note_stuck(request_id, code)
    return done


def _note_stuck(request_id: UUID, code: str) -> None:
    """Let officers see what keeps a request from going on, since when; nothing is said while it goes on."""
    rows = SubjectRequest.objects.filter(pk=request_id).exclude(stuck_code=code)
    if not rows.exists():
        return
    with transaction.atomic():
        # An observation of the machine, as a log line is: nothing about the request changes, so no event is due.
        rows.recorded().update(stuck_code=code, stuck_at=timezone.now() if code else None)


def _plan_on(request: SubjectRequest) -> bool:
    machine = worker(request.controller_id.hex)
    if planning.wants_plan(request, planning.newest(request)):
        planning.plan(request, principal=machine)
        return True
    return planning.counted(request, principal=machine)


_PARTS_OF: Final[dict[str, Callable[[SubjectRequest], bool]]] = {
    Status.PLANNING.value: _plan_on,
    Status.EXECUTING.value: carrying_out.carry_on,
}
