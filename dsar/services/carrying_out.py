"""From approval to review: collect, pack, erase, in that order, each exactly as approved; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext

from dsar.lifecycle import Event, Status
from dsar.models import SubjectRequest
from dsar.services import erasing, packing, planning, reaching
from dsar.services.clocks import is_held
from dsar.services.moving import locked, move
from dsar.services.outcomes import Withholding, keep_outcomes
from governance.catalogue import planning as catalogue_planning
from governance.errors import Conflict
from governance.policy.principal import worker
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsar.models import RequestPlan
    from governance.catalogue.elements import CollectionRef
    from governance.catalogue.planning import Plan
    from governance.models import SystemStep
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
        raise Conflict(gettext("This request has no approved plan."))
    # Carried out exactly: a plan changed in the database after approval is not run.
    if planning.digest_of(row.plan, row.counts) != row.approved_digest:
        raise Conflict(gettext("The stored plan is not the one that was approved; make the plan again."))
    return row, catalogue_planning.from_dict(row.plan)


def open_next(request: SubjectRequest, row: RequestPlan) -> None:
    """Queue the first steps of an approved plan, in the caller's transaction."""
    made = catalogue_planning.from_dict(row.plan)
    kind = "collect" if "access" in made.rights else "erase"
    if kind == "collect" or not erasing.is_restrained(request):
        _open(request, row, made, kind)


def carry_on(request: SubjectRequest) -> bool:
    """Take one executing request as far as its finished steps allow; answers whether anything was done.

    Called again and again by workers, so every part is a transaction of its own and finds out by itself where it is.
    """
    row, made = approved_plan(request)
    steps = runtime.steps_of(request.pk, "collect") + runtime.steps_of(request.pk, "erase")
    if not all(map(runtime.has_ended, steps)):
        return False
    failed = runtime.failures(steps)
    is_copied = _is_copied(request, row, failed)
    erases = "erasure" in made.rights and (is_copied or "access" not in made.rights)
    if "access" in made.rights and is_copied and packing.wants_copy(request):
        packing.pack(request, made)
        return True
    if erases and not any(step.kind == "erase" for step in steps):
        kept = erasing.kept_by_law(request)
        if kept or is_held(request):
            return not is_held(request) and _review(request, row, made, kept)
    if erases and (_queue_erasing(request, row, made) or (_is_last(request) and erasing.erase_here(request))):
        return True
    return _review(request, row, made, erases=erases)


def _is_copied(request: SubjectRequest, row: RequestPlan, failed: Sequence[SystemStep]) -> bool:
    """Whether all was collected, but for what an officer left out.

    A copy with a hole that nobody decided on is none: it is not made, and nothing is erased that it should have shown.
    """
    lacking = {step.system.key for step in failed if step.kind == "collect"}
    lacking |= {count["system"] for count in row.counts.values() if count["error"]}
    return lacking <= set(request.left_out)


def _is_last(request: SubjectRequest) -> bool:
    """Whether nothing follows: the person's own key is needed until every system is done."""
    return not reaching.is_part(request, reaching.unreached(request)) and reaching.goes_without(
        request, reaching.unreached(request)
    )


@transaction.atomic(durable=True)
def retry(request: SubjectRequest, *, principal: Principal) -> SubjectRequest:
    """Try the failed steps of a request under review again; what was to be left out is decided anew if they fail."""
    request = locked(request.pk)
    count = runtime.retry(request.pk)
    if not count:
        raise Conflict(gettext("No step failed, so there is nothing to try again."))
    # A copy that was made without a system must not stand for the whole one once the system answers and is erased in.
    packing.take_back(request)
    request.left_out = []
    reaching.look_again(request, principal=principal, details={"steps": count}, also=("left_out",))
    return request


@transaction.atomic(durable=True)
def _queue_erasing(request: SubjectRequest, row: RequestPlan, made: Plan) -> bool:
    """Queue the erasing steps once everything was collected; answers whether any was new."""
    request = locked(request.pk)
    # Asked again under the lock: a hold committed since the caller looked must not be run over.
    if request.status != Status.EXECUTING or erasing.is_restrained(request):
        return False
    return _open(request, row, made, "erase") > 0


def _open(request: SubjectRequest, row: RequestPlan, made: Plan, kind: str) -> int:
    if kind == "erase" and not runtime.steps_of(request.pk, "erase"):
        _require_no_copy_waiting(request)
    places = [node.at for node in made.nodes if node.read] if kind == "collect" else list(made.erase_order)
    uncopied = {(step.dataset, step.collection) for step in runtime.failures(runtime.steps_of(request.pk, "collect"))}
    wanted = [at for at in places if _rows(row, at) and (at.dataset, at.collection) not in uncopied]
    if wanted and runtime.plan_of(request.pk) != row.plan:
        raise Conflict(gettext("The queued plan is not the one that was approved; make the plan again."))
    return runtime.open_job(request.pk, request.controller, planning.orders(request, made, kind, wanted))


def _require_no_copy_waiting(request: SubjectRequest) -> None:
    """Raise Conflict while another request of the person still waits for its copy: it would show what is no more.

    Of two requests that ask for both, the first goes first; otherwise they would wait for each other.
    """
    if request.subject_id is None:
        return
    others = SubjectRequest.objects.filter(
        controller=request.controller_id, subject=request.subject_id, status__in=_AT_WORK
    ).exclude(pk=request.pk)
    asking = others.filter(rights__right="access").order_by("received_at", "pk")
    for other in filter(packing.awaits_copy, asking):
        is_later = (other.received_at, other.pk) > (request.received_at, request.pk)
        if not (is_later and other.rights.filter(right="erasure").exists()):
            msg = gettext("The copy for %(reference)s of the same person is not made yet; carry that out first.")
            raise Conflict(msg % {"reference": other.reference})


def _rows(row: RequestPlan, at: CollectionRef) -> int:
    return int(row.counts.get(str(at), {}).get("rows", 0))


@transaction.atomic(durable=True)
def _review(
    request: SubjectRequest, row: RequestPlan, made: Plan, kept: Withholding | None = None, *, erases: bool = False
) -> bool:
    request = locked(request.pk)
    if request.status != Status.EXECUTING:
        return False
    if erases and kept is None:
        if erasing.is_restrained(request) and not runtime.steps_of(request.pk, "erase"):
            return False  # held since the caller looked: the next round tells it as kept
        kept = erasing.kept_by_law(request)
    counts = keep_outcomes(request, row, made, kept)
    held = {"held": True} if kept else {}
    move(request, Event.COMPLETE, principal=worker(request.controller_id.hex), details={**held, **counts})
    return True
