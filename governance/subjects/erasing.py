"""Restricting and erasing a person: asked for, held or in its grace, then the key destroyed for good (GDPR 17, 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.errors import Conflict, GovernanceError
from governance.keys import data_keys
from governance.models import BlindIndex, DataKey, DataSubject, Erasure, ErasureLine, SubjectIdentifier, VaultToken
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType
from governance.registry import sockets
from governance.subjects import certifying, grace, letters, outside
from governance.subjects.holding import held_still, require_none, standing_on
from governance.subjects.registering import scope_of

if TYPE_CHECKING:
    from uuid import UUID

    from governance.policy.principal import Principal

logger = structlog.get_logger(__name__)

_OPEN = (Erasure.State.REQUESTED, Erasure.State.HELD, Erasure.State.DISABLED)
_NOTHING = {"identifiers": 0, "indexes": 0, "keys": 0}
_BATCH = 100


@transaction.atomic
def request_erasure(subject: DataSubject, *, principal: Principal, object_ref: str = "") -> Erasure:
    """Ask for a person to be erased; answers how far it came: held by a legal hold, disabled for its grace, destroyed.

    Joins the caller's transaction. Asking again for the same thing answers the same row.
    """
    locked = _locked(subject)
    erasure = _row(locked, principal, object_ref)
    if erasure.state == Erasure.State.REQUESTED:
        _go_on(locked, erasure, principal)
    return erasure


@transaction.atomic
def erase(subject: DataSubject, *, principal: Principal, object_ref: str = "") -> dict[str, int]:
    """Make a person unrecoverable here at once, in one transaction; answers counts. Repeating it changes nothing.

    Raises Held while a legal hold stands.
    """
    locked = _locked(subject)
    if locked.status == DataSubject.Status.ERASED:
        return dict(_NOTHING)
    require_none(locked)
    return destroy(locked, _row(locked, principal, object_ref), principal)


@transaction.atomic(durable=True)
def undo_erasure(erasure_id: UUID, subject: DataSubject, *, reason: str, principal: Principal) -> Erasure:
    """Take an erasure back within its grace: the person's data opens again. Raises Conflict once it is too late."""
    locked = _locked(subject)
    erasure: Erasure | None = Erasure.objects.filter(pk=erasure_id, subject=locked).first()
    if erasure is None or erasure.state not in {Erasure.State.DISABLED, Erasure.State.HELD}:
        raise Conflict(gettext("Only an erasure that is held or in its grace can be taken back"))
    if reason not in Erasure.UndoReason.values:
        message = f"Say why: {', '.join(Erasure.UndoReason.values)}"
        raise Conflict(message)
    others = Erasure.objects.filter(subject=locked, state=Erasure.State.DISABLED).exclude(pk=erasure.pk)
    if erasure.state == Erasure.State.DISABLED and not others.exists():
        grace.leave_grace(locked, erasure)
    erasure.state, erasure.undo_reason, erasure.ended_at = Erasure.State.UNDONE, reason, timezone.now()
    erasure.save(update_fields=["state", "undo_reason", "ended_at"])
    _note(AuditType.ERASURE_UNDONE, locked, erasure, principal, {"reason": reason})
    return erasure


def work() -> int:
    """Carry erasures on, tell the file outside of those that it has not heard of, and certify. For the tick.

    None of the three keeps the others waiting: what fails is logged, and tried again by the next tick.
    """
    done = 0
    for part in (carry_on, outside.write_waiting, certifying.certify_waiting):
        try:
            done += part()
        except Exception as error:
            logger.exception("erasure.work_failed", part=part.__name__, error=type(error).__name__)
    return done


def carry_on() -> int:
    """Destroy what has passed its grace and take up what no hold keeps any more; answers how many."""
    waiting = Erasure.objects.filter(~held_still(), state__in=[Erasure.State.REQUESTED, Erasure.State.HELD])
    due = Erasure.objects.filter(state=Erasure.State.DISABLED, due_at__lte=timezone.now())
    done = 0
    for erasure_id, subject_id in [*due.order_by("due_at")[:_BATCH].values_list("pk", "subject_id")]:
        done += _try(erasure_id, subject_id)
    for erasure_id, subject_id in waiting.order_by("requested_at").values_list("pk", "subject_id").iterator():
        done += _try(erasure_id, subject_id)
    return done


def destroy(
    locked: DataSubject, erasure: Erasure, principal: Principal, type_: AuditType = AuditType.SUBJECT_ERASED
) -> dict[str, int]:
    """Destroy everything that is derived from a locked person, in the caller's transaction; answers counts.

    1. the record, while the pseudonym still exists; 2. what the apps and other rooms hold; 3. indexes, identifiers and
    the key; 4. the tombstones; 5. the line for the file that a restored database cannot take back.
    """
    counts = {"identifiers": locked.identifiers.count(), "indexes": locked.blind_indexes.count(), "keys": 1}
    _note(type_, locked, erasure, principal, counts)  # (1)
    for erase_in_app in sockets.erasure:  # (2)
        erase_in_app(locked)
    letters.forget(scope_of(locked))
    BlindIndex.objects.filter(subject=locked).recorded().delete()  # (3)
    SubjectIdentifier.objects.filter(subject=locked).recorded().delete()
    VaultToken.objects.filter(subject=locked).recorded().delete()
    key_ids = list(data_keys.destroy(scope_of(locked)))
    instant = timezone.now()
    locked.status, locked.erased_at = DataSubject.Status.ERASED, instant  # (4)
    locked.save(update_fields=["status", "erased_at"])
    rows = Erasure.objects.filter(subject=locked, state__in=_OPEN).recorded()
    rows.update(state=Erasure.State.DESTROYED, ended_at=instant, key_ids=key_ids, removed=counts)
    erasure.refresh_from_db()
    if type_ == AuditType.SUBJECT_ERASED:  # (5) a replay comes from the file and is in it
        ErasureLine.objects.create(
            controller_ref=locked.controller_id, subject_ref=locked.pk, key_ids=key_ids, destroyed_at=instant
        )
        transaction.on_commit(outside.write_waiting, robust=True)
    return counts


def _locked(subject: DataSubject) -> DataSubject:
    rows = DataSubject.objects.select_for_update(of=("self",)).select_related("controller")
    locked: DataSubject = rows.get(pk=subject.pk)
    return locked


def _row(locked: DataSubject, principal: Principal, object_ref: str) -> Erasure:
    """Answer the row of this asking, a new one if there is none; one of an erased person is born at its end."""
    rows = Erasure.objects.filter(subject=locked, object_ref=object_ref)
    if locked.status == DataSubject.Status.ERASED:
        ended = rows.filter(state=Erasure.State.DESTROYED).order_by("-ended_at").first()
        return ended or _late(locked, principal, object_ref)
    known = rows.filter(state__in=_OPEN).first()
    return known or Erasure.objects.create(
        controller_id=locked.controller_id,
        subject=locked,
        object_ref=object_ref,
        requested_at=timezone.now(),
        requested_by=principal.ref,
    )


def _late(locked: DataSubject, principal: Principal, object_ref: str) -> Erasure:
    keys = DataKey.objects.filter(scope_kind="subject", scope_id=locked.pk).order_by("version")
    return Erasure.objects.create(
        controller_id=locked.controller_id,
        subject=locked,
        object_ref=object_ref,
        state=Erasure.State.DESTROYED,
        requested_at=timezone.now(),
        requested_by=principal.ref,
        ended_at=locked.erased_at,
        key_ids=list(keys.values_list("key_id", flat=True)),
        removed=dict(_NOTHING),
    )


def _go_on(locked: DataSubject, erasure: Erasure, principal: Principal) -> None:
    hold = standing_on(locked)
    if hold is not None:
        if erasure.state != Erasure.State.HELD:
            erasure.state = Erasure.State.HELD
            erasure.save(update_fields=["state"])
            _note(AuditType.ERASURE_HELD, locked, erasure, principal, {"reason": hold.reason})
        return
    if grace.period() and erasure.state != Erasure.State.DISABLED:
        grace.enter_grace(locked, erasure)
        erasure.state, erasure.due_at = Erasure.State.DISABLED, timezone.now() + grace.period()
        erasure.save(update_fields=["state", "due_at", "standing_before"])
        _note(AuditType.ERASURE_DISABLED, locked, erasure, principal, {"due_at": erasure.due_at.isoformat()})
        return
    destroy(locked, erasure, principal)


def _try(erasure_id: UUID, subject_id: UUID) -> int:
    """Take one erasure a step further; one that fails stops no other, and its row stays where it was."""
    try:
        with transaction.atomic(durable=True):
            locked = _locked(DataSubject(pk=subject_id))
            erasure = Erasure.objects.get(pk=erasure_id)
            before = erasure.state
            is_early = erasure.due_at is not None and erasure.due_at > timezone.now()
            if before not in _OPEN or (before == Erasure.State.DISABLED and is_early):
                return 0
            _go_on(locked, erasure, worker(locked.controller_id.hex))
            return int(erasure.state != before)
    except Exception as error:  # noqa: BLE001  # an app's mistake with one person must not keep the others' data
        code = error.code if isinstance(error, GovernanceError) else type(error).__name__
        logger.warning("erasure.stuck", erasure=erasure_id.hex, error=code)
        return 0


def _note(
    type_: AuditType,
    locked: DataSubject,
    erasure: Erasure,
    principal: Principal,
    details: dict[str, int] | dict[str, str],
) -> None:
    audit.record(
        type_,
        actor=principal,
        controller_id=locked.controller_id,
        subject_id=locked.pk,
        object_ref=erasure.object_ref,
        details=dict(details),
    )
