"""From approval to review: collect, pack, erase, in that order, each exactly as approved; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from dsar.lifecycle import Event, Status
from dsar.models import RequestPackage, SubjectRequest
from dsar.services import packing, planning
from dsar.services.moving import locked, move, note
from dsar.services.outcomes import keep_outcomes
from dsar.verification import reference_of
from governance import subjects
from governance.catalogue import planning as catalogue_planning
from governance.errors import Conflict
from governance.policy.principal import worker
from governance.systems import runtime

if TYPE_CHECKING:
    from dsar.models import RequestPlan
    from governance.catalogue.elements import CollectionRef
    from governance.catalogue.planning import Plan
    from governance.policy.principal import Principal


_AT_WORK: Final = (
    Status.PLANNING.value,
    Status.AWAITING_APPROVAL.value,
    Status.EXECUTING.value,
    Status.REVIEWING.value,
)


def approved_plan(request: SubjectRequest) -> tuple[RequestPlan, Plan]:
    """Give the plan that was approved; raises Conflict when the stored one is not what was approved."""
    row = planning.newest(request)
    if row is None or not row.approved_digest:
        raise Conflict("This request has no approved plan.")
    # Carried out exactly: a plan changed in the database after approval is not run.
    if planning.digest_of(row.plan, row.counts) != row.approved_digest:
        raise Conflict("The stored plan is not the one that was approved; make the plan again.")
    return row, catalogue_planning.from_dict(row.plan)


def open_next(request: SubjectRequest, row: RequestPlan) -> None:
    """Queue the first steps of an approved plan, in the caller's transaction."""
    made = catalogue_planning.from_dict(row.plan)
    _open(request, row, made, "collect" if "access" in made.rights else "erase")


def carry_on(request: SubjectRequest) -> bool:
    """Take one executing request as far as its finished steps allow; answers whether anything was done.

    Called again and again by workers, so every part is a transaction of its own and finds out by itself where it is.
    """
    row, made = approved_plan(request)
    steps = runtime.steps_of(request.pk, "collect") + runtime.steps_of(request.pk, "erase")
    if not all(map(runtime.has_ended, steps)):
        return False
    failed = runtime.failures(steps)
    collected = not any(step.kind == "collect" for step in failed)
    is_searched = not any(count["error"] for count in row.counts.values())
    # A copy with a hole is none: it is not made, and nothing is erased that it should have shown.
    erases = "erasure" in made.rights and collected and (is_searched or "access" not in made.rights)
    if (
        "access" in made.rights
        and collected
        and is_searched
        and not RequestPackage.objects.filter(request=request).exists()
    ):
        packing.pack(request, made)
        return True
    if erases and _queue_erasing(request, row, made):
        return True
    # The person's own key is needed until every system is done.
    if erases and not failed and is_searched and _erase_here(request):
        return True
    return _review(request, row, made)


@transaction.atomic(durable=True)
def retry(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Try the failed steps of a request under review again."""
    request = locked(request.pk)
    count = runtime.retry(request.pk)
    if not count:
        raise Conflict("No step failed, so there is nothing to try again.")
    move(request, Event.RETRY, principal=principal, details={"steps": count})
    return request


@transaction.atomic(durable=True)
def _queue_erasing(request: SubjectRequest, row: RequestPlan, made: Plan) -> bool:
    """Queue the erasing steps once everything was collected; answers whether any was new."""
    request = locked(request.pk)
    return request.status == Status.EXECUTING and _open(request, row, made, "erase") > 0


def _open(request: SubjectRequest, row: RequestPlan, made: Plan, kind: str) -> int:
    if kind == "erase" and not runtime.steps_of(request.pk, "erase"):
        _require_no_copy_waiting(request)
    places = [node.at for node in made.nodes if node.read] if kind == "collect" else list(made.erase_order)
    wanted = [at for at in places if _rows(row, at)]
    if wanted and runtime.plan_of(request.pk) != row.plan:
        raise Conflict("The queued plan is not the one that was approved; make the plan again.")
    return runtime.open_job(request.pk, request.controller, planning.orders(request, made, kind, wanted))


def _require_no_copy_waiting(request: SubjectRequest) -> None:
    """Raise Conflict while another request of the person still waits for its copy: it would show what is no more.

    Of two requests that ask for both, the first goes first; otherwise they would wait for each other.
    """
    if request.subject_id is None:
        return
    others = SubjectRequest.objects.filter(
        controller=request.controller_id, subject=request.subject_id, status__in=_AT_WORK, package__isnull=True
    ).exclude(pk=request.pk)
    for other in others.filter(rights__right="access").order_by("received_at", "pk"):
        is_later = (other.received_at, other.pk) > (request.received_at, request.pk)
        if not (is_later and other.rights.filter(right="erasure").exists()):
            msg = f"The copy for {other.reference} of the same person is not made yet; carry that out first."
            raise Conflict(msg)


def _rows(row: RequestPlan, at: CollectionRef) -> int:
    return int(row.counts.get(str(at), {}).get("rows", 0))


def _erase_here(request: SubjectRequest) -> bool:
    """Erase the person in this service too, once the connected systems are done; answers whether it was still to do."""
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        if request.status != Status.EXECUTING or request.erased_at is not None:
            return False
        machine, counts = worker(request.controller_id.hex), {}
        if request.subject is not None:
            counts = subjects.erase(request.subject, principal=machine, object_ref=reference_of(request))
        request.erased_at = timezone.now()
        request.save(update_fields=["erased_at"])
        note(request, principal=machine, details={"event": "erased_here", **counts})
    return True


@transaction.atomic(durable=True)
def _review(request: SubjectRequest, row: RequestPlan, made: Plan) -> bool:
    request = locked(request.pk)
    if request.status != Status.EXECUTING:
        return False
    counts = keep_outcomes(request, row, made)
    move(request, Event.COMPLETE, principal=worker(request.controller_id.hex), details=counts)
    return True
