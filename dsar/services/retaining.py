"""The end of retention: what an erasure had to keep until a date is erased on it, for the same request, by itself.

Three parts, each safe to repeat: before the request's own key goes, what was located is put aside for its date; the
kernel's queue works on it when the date comes; then how each field ended is told anew (GDPR Art. 5(1)(e), 17(1)(a)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from dsar.lifecycle import Status
from dsar.models import FieldOutcome, SubjectRequest
from dsar.services import turns
from dsar.services.moving import locked, note
from dsar.services.outcomes import renew
from dsar.services.planning import newest
from governance.catalogue import planning
from governance.catalogue.elements import CollectionRef
from governance.catalogue.planning import Ownership
from governance.errors import Erased
from governance.models import SystemStep
from governance.policy.principal import worker
from governance.systems import later, runtime

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from governance.catalogue.planning import Plan

_ANSWERED: Final = (Status.RESPONDED.value, Status.CLOSED.value)
_ENDED: Final = (SystemStep.State.DONE.value, SystemStep.State.FAILED.value)


def put_aside() -> int:
    """Put aside what answered requests keep until a date; answers how many requests."""
    kept = FieldOutcome.objects.filter(request=OuterRef("pk"), outcome="retained", until__isnull=False)
    rows = SubjectRequest.objects.filter(Exists(kept), status__in=_ANSWERED, purged_at=None, kept_job=None)
    return turns.each(rows, put_aside_one, broke="request.not_put_aside")


def settle() -> int:
    """Tell what was erased at the end of its time, and wait for the next date or finish; answers how many requests."""
    steps = SystemStep.objects.filter(job=OuterRef("kept_job"), kind=SystemStep.Kind.ERASE)
    tried = steps.filter(Q(state__in=_ENDED) | Q(state=SystemStep.State.PENDING, attempts__gt=0))
    rows = SubjectRequest.objects.filter(Exists(tried), kept_job__isnull=False)
    return turns.each(rows, _settle, broke="request.not_settled")


def _due(request: SubjectRequest) -> list[SystemStep]:
    steps = [step for step in runtime.steps_of(request.pk, "erase") if step.state == SystemStep.State.DONE]
    return [step for step in steps if later.soonest(step) is not None]


def put_aside_one(request_id: UUID) -> int:
    """Put aside what one answered request keeps until a date; safe to repeat. Call outside any transaction."""
    request = SubjectRequest.objects.select_related("controller").get(pk=request_id)
    if request.status not in _ANSWERED or request.kept_job is not None or request.purged_at is not None:
        return 0
    due, plan = _due(request), newest(request)
    if not due or plan is None:
        return 0
    whole = _around(planning.from_dict(plan.plan), {CollectionRef(step.dataset, step.collection) for step in due})
    try:
        found = later.opened([*_located(request, due, whole), *due])
    except Erased:
        return 0  # its key is gone, as after a restored backup: nobody can tell any more which rows are meant
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        if request.kept_job is not None or request.purged_at is not None:
            return 0
        request.kept_job = uuid4()
        later.keep(request.kept_job, found, whole, plan.plan)
        request.save(update_fields=["kept_job"])
        first = min(moment for step in due if (moment := later.soonest(step)) is not None)
        details = {"event": "put_aside", "until": first.date().isoformat(), "steps": len(due)}
        note(request, principal=worker(request.controller_id.hex), details=details)
    return 1


def _around(made: Plan, due: Collection[CollectionRef]) -> frozenset[CollectionRef]:
    """Name the places whose keys tell, on the day, whether somebody else needs a row that is due or pointed at."""
    found: set[CollectionRef] = set()
    for node in made:
        homes = {each.at.home for each in node.referrers}
        if node.ownership is Ownership.SHARED and (node.at in due or not homes.isdisjoint(due)):
            found |= {node.at, *homes}
    return frozenset(found)


def _located(request: SubjectRequest, due: list[SystemStep], whole: Collection[CollectionRef]) -> list[SystemStep]:
    """Choose the places that are needed on the day; all of them only where rows may belong to several people."""
    rows = SystemStep.objects.filter(job=request.pk, kind=SystemStep.Kind.LOCATE, found__isnull=False).order_by("pk")
    places = {(step.dataset, step.collection) for step in due}
    return [row for row in rows if whole or (row.dataset, row.collection) in places]


@transaction.atomic(durable=True)
def _settle(request_id: UUID) -> int:
    request = locked(request_id)
    plan = newest(request)
    if request.kept_job is None or plan is None:
        return 0
    machine, made, over = worker(request.controller_id.hex), planning.from_dict(plan.plan), []
    if missed := later.missed(request.kept_job):
        note(request, principal=machine, details={"event": "kept_missed", "failed": missed})
    for step in later.ended(request.kept_job):
        if step.state == SystemStep.State.DONE:
            over.append(renew(request, made, step))
        later.again(step)
    if over:
        details = {"event": "kept_erased" if any(over) else "kept_over", "rows": sum(over)}
        note(request, principal=machine, details=details)
    if later.finish(request.kept_job, {"event": "put_aside"}):
        request.kept_job = None
        request.save(update_fields=["kept_job"])
    return int(bool(missed or over))
