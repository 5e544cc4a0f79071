"""Erasing on a later day what a law keeps today: steps that wait for their date, under a key of their own.

The request's own key is destroyed long before a retention period ends. So the little that is needed then, which rows,
is sealed again under the key of a second job of the same request; that key is destroyed with the last of them.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from governance import audit, vault
from governance.catalogue.elements import CollectionRef
from governance.errors import Erased
from governance.keys import data_keys
from governance.models import SystemStep
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType, RevealPurpose
from governance.systems import runtime
from governance.systems.sql import Located
from governance.vault import ErasedMark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from governance.policy.opaque import Detail

#: A system that refused is asked again after this long: nobody may be looking any more.
_AGAIN: Final = timedelta(days=1)
#: A system that does not answer has this long before its date is called missed: it may be back within the hour.
_GRACE: Final = timedelta(days=1)
#: Mark of a step whose missed date is on record.
_MISSED: Final = "missed"
_ENDED: Final = (SystemStep.State.DONE, SystemStep.State.FAILED)


def soonest(step: SystemStep) -> datetime | None:
    """Tell when the first of what a finished erasing step kept may be erased; None where nothing has an end."""
    found = [datetime.fromisoformat(each["soonest"]) for each in step.outcome if each.get("soonest")]
    return min(found, default=None)


@transaction.atomic
def keep(
    job: UUID, steps: Iterable[tuple[SystemStep, str]], whole: Collection[CollectionRef], plan: Mapping[str, Any]
) -> None:
    """Open a second job, in the caller's transaction: what stayed for its erasing steps, where that is, and no more.

    Of the places in `whole` all keys are kept: they tell on the day which rows other people need.
    """
    for step, text in steps:
        row, found = _copy(step, job), text
        if step.kind == SystemStep.Kind.ERASE:
            row.due_at = soonest(step) or row.due_at
            row.spec = _spec(step.job.hex, row.due_at)
        else:
            row.state, row.finished_at, row.rows = SystemStep.State.DONE, step.finished_at, step.rows
            row.spec = {"plan": plan, "request": step.job.hex}
            found = _bare(text, with_keys=CollectionRef(step.dataset, step.collection) in whole)
        row.found = vault.seal(found, label="step.found", scope=runtime.scope_of(row))
        row.save(force_insert=True)


def _bare(found: str, *, with_keys: bool) -> str:
    """Leave of what was located nothing but where, and keys: what was found by them, or in the rows, was erased."""
    told = json.loads(found)
    rows = Located.from_dict(told).rows if with_keys else ()
    return json.dumps({**Located(rows).to_dict(), "place": told["place"]})


def ended(job: UUID) -> list[SystemStep]:
    """Give the erasing steps of a job whose date came and which were tried."""
    rows = SystemStep.objects.filter(job=job, kind=SystemStep.Kind.ERASE, state__in=_ENDED)
    return list(rows.select_related("system").defer("seeds", "found", "collected").order_by("pk"))


@transaction.atomic
def missed(job: UUID) -> int:
    """Mark the steps of a job that could not be carried out on their date; answers how many were not marked yet."""
    tried = Q(state=SystemStep.State.FAILED) | Q(state=SystemStep.State.PENDING, attempts__gt=0)
    rows = SystemStep.objects.select_for_update().filter(tried, job=job, kind=SystemStep.Kind.ERASE)
    late = [row for row in rows.defer("seeds", "found", "collected") if _is_missed(row)]
    for row in late:
        row.spec = {**row.spec, _MISSED: True}
        row.save(update_fields=["spec"])
    return len(late)


def _is_missed(step: SystemStep) -> bool:
    if step.spec.get(_MISSED):
        return False
    is_refused = step.state == SystemStep.State.FAILED
    return is_refused or timezone.now() >= datetime.fromisoformat(step.spec["instant"]) + _GRACE


@transaction.atomic
def again(step: SystemStep) -> bool:
    """Let a tried step wait for its next date; answers False where none is left and it needs nobody any more."""
    is_done = step.state == SystemStep.State.DONE
    moment = soonest(step) if is_done else timezone.now() + _AGAIN
    if moment is None:
        step.delete()
        return False
    step.state, step.attempts, step.finished_at, step.due_at = SystemStep.State.PENDING, 0, None, moment
    step.spec = _spec(step.spec["request"], moment) | (
        {_MISSED: True} if step.spec.get(_MISSED) and not is_done else {}
    )
    step.save(update_fields=["state", "attempts", "finished_at", "due_at", "spec"])
    return True


@transaction.atomic
def finish(job: UUID, details: Mapping[str, Detail]) -> bool:
    """Destroy the key of a job that has no erasing step left, and forget what it held; answers whether it is over."""
    rows = SystemStep.objects.filter(job=job)
    first = rows.defer("found").first()
    if first is None or rows.filter(kind=SystemStep.Kind.ERASE).exists():
        return False
    rows.delete()
    data_keys.destroy(runtime.scope_of(first))
    audit.record(
        AuditType.KEY_DESTROYED,
        actor=worker(first.controller_id.hex),
        controller_id=first.controller_id,
        object_ref=first.object_ref,
        details={"scope": "request", **details},
    )
    return True


def opened(steps: Iterable[SystemStep]) -> list[tuple[SystemStep, str]]:
    """Open what steps found, each with its text; audited. Raises Erased. Call outside any transaction."""
    rows = [step for step in steps if step.found is not None]
    if not rows:
        return []
    values = vault.reveal_many(
        [row.found for row in rows],
        principal=worker(rows[0].controller_id.hex),
        purpose=RevealPurpose.SUBJECT_REQUEST,
        object_ref=rows[0].object_ref,
    )
    if any(isinstance(value, ErasedMark) for value in values):
        raise Erased("The request was purged; what it found is gone.")
    return [(row, str(value)) for row, value in zip(rows, values, strict=True)]


def _copy(step: SystemStep, job: UUID) -> SystemStep:
    return SystemStep(
        controller_id=step.controller_id,
        system_id=step.system_id,
        job=job,
        kind=step.kind,
        dataset=step.dataset,
        collection=step.collection,
        position=step.position,
        due_at=step.due_at,
    )


def _spec(request: str, moment: datetime) -> dict[str, Any]:
    # Judged at its own date, however late it is carried out: a repeated step then does the same again.
    return {"instant": moment.isoformat(), "request": request, runtime.PATIENT: True}
