"""A key that somebody else may hold: marked, its people listed, a new version made for each; re-sealing is the vault's.

Until every value is sealed anew the compromised version still opens; nothing is sealed under it from the mark on.
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from governance import ledger
from governance.crypto.envelope import KEY_LENGTH
from governance.errors import KeyUnavailable, NotFound
from governance.fields import Scope
from governance.keys import controller_keys, data_key_rows, data_keys, health
from governance.keys.stored_keys import stored
from governance.models import ControllerKey, DataKey
from governance.policy.vocabulary import AuditType

BATCH: Final = 500

_Epoch = ControllerKey.State
_State = DataKey.State
#: Nothing lies under a retired epoch, and marked it would open again: there is nothing to seal anew.
_ENDED: Final = (_Epoch.COMPROMISED, _Epoch.RETIRED, _Epoch.DESTROYED)


def mark(key_id: str) -> int:
    """Mark an epoch of a controller, or one person's key; answers how many living keys that exposes.

    May be repeated. Raises NotFound for an id that names no key, or one that was destroyed.
    """
    epoch = ControllerKey.objects.filter(pk=key_id).exclude(state=_Epoch.DESTROYED).first()
    if epoch is not None:
        _mark_epoch(epoch)
    elif not _mark_key(key_id):
        raise NotFound("No living key has this id; manage.py rotate_keys --status shows those of controllers")
    return exposed().filter(Q(pk=key_id) | Q(controller_key=key_id)).count()


def exposed() -> QuerySet[DataKey]:
    """Answer the living keys that somebody else may hold: compromised themselves, or wrapped by a compromised epoch."""
    found: QuerySet[DataKey] = DataKey.objects.filter(
        Q(state=_State.COMPROMISED) | _under_compromised(), wrapped__isnull=False
    )
    return found.order_by("key_id")


def replace(limit: int = BATCH, *, wait: bool = False) -> int:
    """Give the owners of exposed keys a new version under a sound epoch; answers how many. Shared and resumed freely.

    Keys that another worker has in hand are left to it. None may then mean that it has all of them; with `wait` it is
    waited for instead, and none means that no other owner is to be given one.

    A suspended key, whose owner is being erased, is left: nobody can read by it here, and it ends with the erasure.
    One that does not open is left too, for `waiting` to count, and stops nobody else's.
    """
    made, after = 0, ""
    while not made and (batch := list(waiting().filter(pk__gt=after)[:limit])):
        made, after = _replace(batch, wait=wait), batch[-1].pk
    return made


def waiting() -> QuerySet[DataKey]:
    """Answer the keys under a compromised epoch whose owners have no newer version yet."""
    found: QuerySet[DataKey] = DataKey.objects.filter(_under_compromised(), state=_State.ACTIVE).order_by("key_id")
    return found


def _under_compromised() -> Q:
    # By way of the controller: the epoch itself has no index, for the sake of rotation.
    epochs = ControllerKey.objects.filter(state=_Epoch.COMPROMISED)
    return Q(controller__in=epochs.values("controller"), controller_key__state=_Epoch.COMPROMISED)


@transaction.atomic
def _replace(chosen: Sequence[DataKey], *, wait: bool) -> int:
    data_keys.hold_still(map(_owner, chosen))
    skip = not wait and connection.features.has_select_for_update_skip_locked
    found = waiting().filter(pk__in=[row.pk for row in chosen]).select_related("controller_key")
    rows = list(found.select_for_update(of=("self",), skip_locked=skip))
    old, new = [], []
    for row in rows:
        try:
            new.append(_successor(row))
        except KeyUnavailable:
            if not health.works():  # then each would be waited for in vain
                raise
        else:
            old.append(row)
    _put(old, new)
    return len(new)


def _mark_epoch(epoch: ControllerKey) -> None:
    if epoch.state == _Epoch.ACTIVE:
        controller_keys.next_epoch(epoch, _Epoch.COMPROMISED)
        return
    with transaction.atomic():
        others = ControllerKey.objects.filter(pk=epoch.pk).exclude(state__in=_ENDED)
        if others.recorded().update(state=_Epoch.COMPROMISED):
            ledger.append(controller_keys.event_of(AuditType.KEY_COMPROMISED, epoch))


@transaction.atomic
def _mark_key(key_id: str) -> bool:
    """Mark one owner's key and make its successor in one transaction: nobody seals in between under neither."""
    found = DataKey.objects.filter(pk=key_id).select_related("controller_key")
    # First the people, then their keys, as an erasure does: one that waited for these rows alone would disable a
    # version that is no longer in use, and miss its successor.
    data_keys.hold_still(map(_owner, found))
    rows = list(found.select_for_update(of=("self",)))
    if not rows or rows[0].state == _State.DESTROYED:
        return False
    row = rows[0]
    if row.state in {_State.ACTIVE, _State.SUSPENDED}:
        _put([row], [_successor(row)])
    return True


def _successor(row: DataKey) -> DataKey:
    """Make the next version of an owner's key, disabled where the earlier is: undoing the erasure enables it."""
    parent = controller_keys.active(row.controller_id)
    # The pseudonym key stays: the ledger is append-only, and the person's history hangs on it.
    pseudonyms = data_key_rows.unwrapped(stored(row))[KEY_LENGTH:]
    made, _key = data_key_rows.new_row(_owner(row), parent, version=row.version + 1, pseudonym_key=pseudonyms)
    made.state = row.state
    return made


def _owner(row: DataKey) -> Scope:
    return Scope(row.controller_id.hex, row.scope_kind, row.scope_id.hex)


def _put(old: Sequence[DataKey], new: Sequence[DataKey]) -> None:
    if not old:
        return
    for parent in {row.controller_key for row in new}:
        controller_keys.hold(parent)
    DataKey.objects.filter(pk__in=[row.pk for row in old]).recorded().update(
        state=_State.COMPROMISED, compromised_at=timezone.now()
    )
    DataKey.objects.recorded().bulk_create(new)
    ledger.append_many(
        [data_key_rows.event_of(AuditType.KEY_COMPROMISED, row) for row in old]
        + [data_key_rows.event_of(AuditType.KEY_CREATED, row) for row in new]
    )
