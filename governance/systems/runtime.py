"""The durable queue of steps on connected systems: rows are claimed with a fenced lease; it knows no SQL dialect.

1. claim: one compare-and-set UPDATE moves the fence; 2. work: on the connected system, outside any transaction;
3. record: result, audit row and new state in one transaction, only while the fence is still ours. A worker killed
anywhere leaves a lease that runs out; repeating a step does nothing twice (planning and masks are deterministic).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from governance import audit
from governance.errors import Conflict, GovernanceError, SystemUnavailable
from governance.fields import Scope, Sealed
from governance.models import Controller, System, SystemStep
from governance.policy.principal import Principal, worker
from governance.policy.vocabulary import AuditType
from governance.registry import sockets
from governance.systems import working

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from governance.catalogue.elements import CollectionRef
    from governance.systems.working import Result

logger = structlog.get_logger(__name__)

#: After this many attempts a step has failed; an officer can have it tried again.
ATTEMPTS: Final = 8
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)
#: A held step looks again whether the hold still stands.
_RESTRAINED_WAIT: Final = timedelta(minutes=5)
#: Positions of one lane stand in one block of this size; lanes never wait for each other.
LANE: Final = 10_000
#: A table may have any name; only plain ones are put where nothing can be taken back.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\- ]{1,200}")
_OPEN: Final = (SystemStep.State.PENDING, SystemStep.State.CLAIMED)
#: Mark of a step whose system is waited for without end.
PATIENT: Final = "patient"
_ENDED: Final = (SystemStep.State.DONE, SystemStep.State.FAILED, SystemStep.State.SKIPPED)


class LeaseLost(Conflict):
    """Another worker took the step over while this one was working; its result counts, not ours."""

    code = "step.lease_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """One step to be opened: what, where, and in which lane; steps of a lane run in the order given."""

    system: System
    kind: str
    at: CollectionRef
    lane: int
    spec: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def open_job(
    job: UUID,
    controller: Controller,
    steps: Sequence[StepOrder],
    *,
    plan: dict[str, Any] | None = None,
    seeds: Sealed | None = None,
) -> int:
    """Queue steps, in the caller's transaction; a step that is queued already stays as it is. Answers how many.

    The first steps of a job bring its plan, which its first row keeps, and whom to look for.
    """
    known = set(SystemStep.objects.filter(job=job).values_list("kind", "dataset", "collection"))
    instant = timezone.now()
    rows = [
        SystemStep(
            controller=controller,
            system=order.system,
            job=job,
            kind=order.kind,
            dataset=order.at.dataset,
            collection=order.at.collection,
            position=order.lane * LANE + number,
            due_at=instant,
            spec=order.spec,
            seeds=seeds,
        )
        for number, order in enumerate(steps)
        if (order.kind, order.at.dataset, order.at.collection) not in known
    ]
    if plan is not None and rows:
        rows[0].spec = {**rows[0].spec, "plan": plan}
    for row in rows:
        row.save(force_insert=True)
    return len(rows)


def plan_of(job: UUID) -> dict[str, Any] | None:
    """Give the plan that the steps of a job carry out."""
    first = SystemStep.objects.filter(job=job, kind=SystemStep.Kind.LOCATE).only("spec").order_by("pk").first()
    return None if first is None else first.spec.get("plan")


def run_due(limit: int = 50) -> int:
    """Work on due steps until none is left or the limit is reached; answers how many attempts were made."""
    done = 0
    while done < limit and (step := claim()) is not None:
        _work(step)
        done += 1
    return done


def steps_of(job: UUID, kind: str) -> list[SystemStep]:
    """Give the steps of a job of one kind, without what they found."""
    rows = SystemStep.objects.filter(job=job, kind=kind).select_related("system")
    return list(rows.defer("seeds", "found", "collected").order_by("position"))


def systems_of(job: UUID) -> dict[str, System]:
    """Give the systems that the job was located in, by dataset key; a map changed since does not matter."""
    return {step.dataset: step.system for step in steps_of(job, SystemStep.Kind.LOCATE)}


def has_ended(step: SystemStep) -> bool:
    """Tell whether the step needs nobody any more; a failed one may still be tried again."""
    return step.state in _ENDED


@transaction.atomic
def retry(job: UUID) -> int:
    """Queue the failed steps of a job once more; answers how many."""
    return SystemStep.objects.filter(job=job, state=SystemStep.State.FAILED).update(
        state=SystemStep.State.PENDING, attempts=0, due_at=timezone.now(), finished_at=None, error=""
    )


@transaction.atomic
def wait_for(job: UUID) -> int:
    """Queue the failed steps of a job until their system answers, however long that takes; answers how many."""
    rows = list(SystemStep.objects.select_for_update().filter(job=job, state=SystemStep.State.FAILED))
    for row in rows:
        row.state, row.attempts, row.due_at = SystemStep.State.PENDING, 0, timezone.now()
        row.finished_at, row.error, row.spec = None, "", {**row.spec, PATIENT: True}
        row.save(update_fields=["state", "attempts", "due_at", "finished_at", "error", "spec"])
    return len(rows)


@transaction.atomic
def give_up(job: UUID) -> int:
    """Let the steps that wait for their system fail, whoever holds them now; answers how many."""
    waiting = [row.pk for row in SystemStep.objects.filter(job=job, state__in=_OPEN).only("spec") if is_waiting(row)]
    return SystemStep.objects.filter(pk__in=waiting, state__in=_OPEN).update(
        state=SystemStep.State.FAILED,
        fence=F("fence") + 1,
        lease_until=None,
        finished_at=timezone.now(),
        error=SystemUnavailable.code,
    )


def is_waiting(step: SystemStep) -> bool:
    """Tell whether a step is asked for again and again until its system answers."""
    return step.state in _OPEN and bool(step.spec.get(PATIENT))


@transaction.atomic
def clear(job: UUID) -> None:
    """Delete the steps of a job, for a new plan. A worker still busy with one of them cannot record any more."""
    SystemStep.objects.filter(job=job).delete()


@transaction.atomic
def forget(job: UUID) -> None:
    """Delete what the steps of a job found; what was done stays on record."""
    SystemStep.objects.filter(job=job).update(seeds=None, found=None, collected=None)


def scope_of(step: SystemStep) -> Scope:
    """Give the scope that the step's findings are sealed in: the job's own key."""
    return Scope(step.controller_id.hex, "request", step.job.hex)


def lease() -> timedelta:
    """Tell how long a claim keeps others away unless it is renewed."""
    return timedelta(seconds=settings.GOVERNANCE_STEP_LEASE_SECONDS)


def renew(step: SystemStep) -> None:
    """Keep the claim alive during long work; raises LeaseLost when another worker holds it now."""
    held = SystemStep.objects.filter(pk=step.pk, fence=step.fence, state=SystemStep.State.CLAIMED)
    if not held.update(lease_until=timezone.now() + lease()):
        raise LeaseLost


def claim() -> SystemStep | None:
    """Take the next due step for this worker; None when nothing is due."""
    for step_id, fence in _due(timezone.now()).values_list("pk", "fence")[:20]:
        instant = timezone.now()
        # Compare-and-set: of two workers that read the same fence only one moves it (invariant 8).
        claimed = _claimable(instant).filter(pk=step_id, fence=fence)
        won = claimed.update(
            state=SystemStep.State.CLAIMED,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_until=instant + lease(),
        )
        if won and not _is_restrained(step_id, fence + 1):
            return SystemStep.objects.select_related("system", "controller").get(pk=step_id)
    return None


def _is_restrained(step_id: int, fence: int) -> bool:
    """Withdraw what a legal hold, placed since it was queued, forbids to erase.

    What nobody has begun is deleted, and the app that queued it tells what is kept; a step that broke off waits.
    """
    step = SystemStep.objects.only("kind", "job", "state", "spec").get(pk=step_id)
    if step.kind != SystemStep.Kind.ERASE or not any(restrains(step.job) for restrains in sockets.restraints):
        return False
    later, pending = timezone.now() + _RESTRAINED_WAIT, SystemStep.State.PENDING
    SystemStep.objects.filter(pk=step_id, fence=fence).update(
        state=pending, attempts=F("attempts") - 1, lease_until=None, due_at=later
    )
    if not is_waiting(step):
        SystemStep.objects.filter(job=step.job, kind=step.kind, attempts=0, state=pending).delete()
    return True


def _claimable(instant: datetime) -> QuerySet[SystemStep]:
    pending = Q(state=SystemStep.State.PENDING, due_at__lte=instant)
    abandoned = Q(state=SystemStep.State.CLAIMED, lease_until__lte=instant)
    return SystemStep.objects.filter(pending | abandoned)


def _due(instant: datetime) -> QuerySet[SystemStep]:
    """Find what can be claimed: nothing earlier in the same lane of the same job and kind is still open."""
    first_of_lane = OuterRef("position") - OuterRef("position") % LANE
    earlier = SystemStep.objects.filter(
        job=OuterRef("job"), kind=OuterRef("kind"), position__lt=OuterRef("position"), position__gte=first_of_lane
    ).exclude(state__in=_ENDED)
    return _claimable(instant).filter(~Exists(earlier)).order_by("due_at", "pk")


def _work(step: SystemStep) -> None:
    if step.attempts > ATTEMPTS:
        # A step that kills its worker each time must not do so for ever.
        _record_quietly(step, error="step.abandoned", is_final=True)
        return
    try:
        result = working.carry_out(step, renew)
    except LeaseLost:
        return
    except SystemUnavailable as error:
        is_final = step.attempts >= ATTEMPTS and not is_waiting(step)
        _record_quietly(step, error=error.code, is_final=is_final)
    except GovernanceError as error:
        _record_quietly(step, error=error.code, is_final=True)
    except Exception as error:  # noqa: BLE001  # one broken system must not stop the others; the class is logged
        logger.warning("step.broke", step=step.pk, kind=step.kind, error=type(error).__name__)
        _record_quietly(step, error="step.broke", is_final=step.attempts >= ATTEMPTS)
    else:
        _record_quietly(step, result=result)


def _record_quietly(step: SystemStep, *, result: Result | None = None, error: str = "", is_final: bool = False) -> None:
    try:
        record(step, result=result, error=error, is_final=is_final)
    except LeaseLost:
        logger.info("step.lease_lost", step=step.pk)


@transaction.atomic(durable=True)
def record(step: SystemStep, *, result: Result | None, error: str, is_final: bool) -> None:
    """Write down how an attempt ended; raises LeaseLost when the step is no longer this worker's."""
    row = SystemStep.objects.select_for_update().filter(pk=step.pk).first()
    # The fence: a worker that slept through its lease must not overwrite what its successor did.
    if row is None or row.fence != step.fence or row.state != SystemStep.State.CLAIMED:
        raise LeaseLost
    row.lease_until, row.error = None, error
    if result is not None:
        row.state = SystemStep.State.DONE
        row.rows, row.outcome = result.rows, result.outcome
        row.found, row.collected = result.found or row.found, result.collected or row.collected
    elif is_final:
        row.state = SystemStep.State.FAILED
    else:
        row.state = SystemStep.State.PENDING
        row.due_at = timezone.now() + min(_FIRST_WAIT * 3 ** (row.attempts - 1), _LONGEST_WAIT)
        if is_waiting(row):
            row.attempts = min(row.attempts, ATTEMPTS - 1)  # the limit is for steps that kill their worker
    row.finished_at = timezone.now() if row.state in _ENDED else None
    row.save()
    if row.state in _ENDED:
        _note(row)
    if row.state == SystemStep.State.FAILED and row.error == SystemUnavailable.code:
        # The system was waited for long enough: what is left for it in this job is tried once, not as long again.
        left = SystemStep.objects.filter(job=row.job, kind=row.kind, system=row.system_id)
        left.filter(state=SystemStep.State.PENDING, attempts__lt=ATTEMPTS - 1).update(attempts=ATTEMPTS - 1)


def _note(row: SystemStep) -> None:
    actor: Principal = worker(row.controller_id.hex)
    audit.record(
        AuditType.STEP_FINISHED,
        actor=actor,
        controller_id=row.controller_id,
        object_ref=row.object_ref,
        details={
            "kind": row.kind,
            "system": row.system_id.hex,
            "dataset": row.dataset,
            "collection": row.collection if _PLAIN.fullmatch(row.collection) else "",
            "state": row.state,
            "rows": row.rows or 0,
            "attempts": row.attempts,
            "error": row.error,
        },
    )


def failures(steps: Iterable[SystemStep]) -> list[SystemStep]:
    """Give the steps that failed."""
    return [step for step in steps if step.state == SystemStep.State.FAILED]
