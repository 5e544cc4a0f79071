"""Answering although a connected system cannot be reached: which one, what follows for it, and the rest later.

What was reached is answered within its time (GDPR Art. 12(3)); a system that does not answer is no system with nothing
in it. Its steps stay open and are carried out when it answers, or an officer refuses that part (Art. 12(4)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import Event, Status
from dsar.models import RequestPlan, SubjectRequest
from dsar.services.moving import locked, move, note, owned
from dsar.services.pausing import require_running
from governance.errors import BadInput, Conflict, FieldError
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from governance.policy.opaque import Detail
    from governance.policy.principal import Principal

_KINDS: Final = ("locate", "collect", "erase")
_COPYING: Final = ("locate", "collect")
#: Where a part that was answered waits for the rest.
_WAITING: Final = frozenset({Status.PLANNING.value, Status.EXECUTING.value})


def unreached(request: SubjectRequest, kinds: Sequence[str] = _KINDS) -> dict[str, str]:
    """Name the systems in which a step of this request failed or still waits for them: name by key."""
    steps = [step for kind in kinds for step in runtime.steps_of(request.pk, kind)]
    lacking = {*runtime.failures(steps), *filter(runtime.is_waiting, steps)}
    errors = _count_errors(request)
    found = {step.system.key: step.system.name for step in steps if step in lacking or step.system.key in errors}
    return dict(sorted(found.items()))


def uncopied(request: SubjectRequest) -> list[str]:
    """Name the systems that a copy made now is without; one in which only erasing failed was read before."""
    return list(unreached(request, _COPYING).values())


def goes_without(request: SubjectRequest, missing: Mapping[str, str]) -> bool:
    """Whether an officer decided to answer without every system that is missing."""
    return set(missing) <= set(request.left_out)


def may_go_without(request: SubjectRequest, missing: Mapping[str, str]) -> bool:
    """Whether an officer has to decide about what is missing, or may decide anew."""
    if request.status in _WAITING:
        return bool(missing) and request.part_answered_at is not None
    return request.status == Status.REVIEWING and bool(missing) and not goes_without(request, missing)


@transaction.atomic(durable=True)
def go_without(request: SubjectRequest, follows: str, *, principal: Principal) -> SubjectRequest:
    """Prepare the answer without the systems that cannot be reached, and decide what follows for them.

    While the rest of an answer in part is waited for, it can still be refused. Raises BadInput, Conflict.
    """
    request = locked(request.pk)
    require_running(request)
    _require_known(request, follows)
    missing = unreached(request)
    if not may_go_without(request, missing):
        raise Conflict(gettext("There is no system to go without: every one was reached, or it is still being tried."))
    request.left_out, request.what_follows = list(missing), follows
    details = {"event": Event.PROCEED.value, "follows": follows, "systems": list(missing)}
    if request.status in _WAITING:
        runtime.give_up(request.pk)
        request.save(update_fields=["left_out", "what_follows", *owned(request, principal)])
        note(request, principal=principal, details=details)
        return request
    move(request, Event.PROCEED, principal=principal, details=details, also=("left_out", "what_follows"))
    return request


def is_part(request: SubjectRequest, missing: Collection[str]) -> bool:
    """Whether the coming answer is only the first part of it."""
    return bool(missing) and request.what_follows == SubjectRequest.WhatFollows.SUPPLEMENT


def wait_for_rest(request: SubjectRequest, missing: Mapping[str, str], *, principal: Principal) -> None:
    """Keep a request open after an answer in part, in the caller's transaction; what is missing is asked for again."""
    request.left_out = []
    request.save(update_fields=["left_out", "part_answered_at", "part_told"])
    details = {"event": "respond_part", "systems": list(missing)}
    note(request, principal=principal, details=details)
    runtime.wait_for(request.pk)
    look_again(request, principal=principal)


def look_again(
    request: SubjectRequest,
    *,
    principal: Principal,
    details: Mapping[str, Detail] | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Take a reviewed request up again, in the caller's transaction, once its failed steps are queued.

    What was not searched has no approved plan: it is searched, counted and approved first, as everything was. What was
    collected stays: nothing else may know it any more.
    """
    if not _count_errors(request):
        move(request, Event.RETRY, principal=principal, details=details, also=also)
        return
    move(request, Event.REPLAN, principal=principal, details=details, also=also)
    current = request.plans.order_by("-pk")[0]
    RequestPlan.objects.create(request=request, plan=current.plan, created_at=timezone.now())


def _count_errors(request: SubjectRequest) -> set[str]:
    current = request.plans.order_by("-pk").first()
    return {count["system"] for count in current.counts.values() if count["error"]} if current else set()


def _require_known(request: SubjectRequest, follows: str) -> None:
    known = list(SubjectRequest.WhatFollows)
    if request.status in _WAITING:
        known = [SubjectRequest.WhatFollows.REFUSAL]  # the supplement is waited for already
    if follows not in known:
        words = ", ".join(known)
        raise BadInput(
            gettext("Say what follows for the rest"),
            errors=[FieldError("/follows", gettext("Use one of: %(known)s") % {"known": words})],
        )
