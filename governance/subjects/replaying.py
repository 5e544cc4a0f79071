"""Carrying out again what the erasure ledger names and a restored database has undone; it reads the file, never writes.

Each line is a transaction of its own, so that a kill in the middle loses nothing: what is done is marked and known.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from governance import audit
from governance.errors import LedgerBroken
from governance.fields import Scope
from governance.keys import data_keys
from governance.models import Controller, DataKey, DataSubject, Erasure, ErasureLine
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import AuditType
from governance.subjects import erasing, outside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.subjects.outside import Line

_SLICE: Final = 500


def replay() -> Counter[str]:
    """Destroy again every key that the file names, and leave tombstones of people that this database never knew.

    Answers how many were erased again, buried, known already, or belong to a controller that is not here. Raises
    LedgerBroken for a file that is not whole, or that another database wrote.
    """
    for _line in outside.verified():  # first all of it: a changed file must not destroy a single key
        pass
    _require_same_history()
    done: Counter[str] = Counter()
    for some in _slices():
        living, known = _living(some), _known(some)
        for line in some:
            if line.id in known and living.isdisjoint(line.key_ids):
                done["known"] += 1
            else:
                done[_carry_out(line)] += 1
    return done


def _slices() -> Iterator[list[Line]]:
    rest = outside.lines()
    while some := [line for line, _count in zip(rest, range(_SLICE), strict=False)]:
        yield some


def _require_same_history() -> None:
    rows = dict(ErasureLine.objects.exclude(position=None).values_list("position", "digest"))
    for line in outside.lines():
        if rows.get(line.position, line.digest) != line.digest:
            raise LedgerBroken(
                "This erasure ledger belongs to another database: its lines are not the ones written here"
            )


def _living(some: list[Line]) -> set[str]:
    ids = [key_id for line in some for key_id in line.key_ids]
    rows = DataKey.objects.filter(key_id__in=ids).exclude(state=DataKey.State.DESTROYED)
    return set(rows.values_list("key_id", flat=True))


def _known(some: list[Line]) -> set[object]:
    rows = ErasureLine.objects.filter(pk__in=[line.id for line in some], written_at__isnull=False)
    return set(rows.values_list("pk", flat=True))


@transaction.atomic(durable=True)
def _carry_out(line: Line) -> str:
    outcome = "without_controller"
    if Controller.objects.filter(pk=line.controller).exists():
        outcome = _destroy(line)
    outside.mark(line)
    return outcome


def _destroy(line: Line) -> str:
    who = operator(line.controller.hex)
    rows = DataSubject.objects.select_for_update(of=("self",)).select_related("controller")
    person = rows.filter(pk=line.subject).first()
    scope = Scope(line.controller.hex, "subject", line.subject.hex)
    if person is None:
        _bury(line, who)
        outcome = "buried"
    elif person.status == DataSubject.Status.ERASED:
        data_keys.destroy(scope)
        outcome = "erased"
    else:
        erasing.destroy(person, _asking(person, who), who, AuditType.ERASURE_REPLAYED)
        outcome = "erased"
    data_keys.bury(line.controller, scope, line.key_ids)
    return outcome


def _asking(person: DataSubject, who: Principal) -> Erasure:
    """Answer an open row to be destroyed with the person; every other open one goes the same way."""
    known = person.erasures.filter(state__in=["requested", "held", "disabled"]).first()
    return known or Erasure.objects.create(
        controller_id=person.controller_id,
        subject=person,
        object_ref="",
        requested_at=timezone.now(),
        requested_by=who.ref,
    )


def _bury(line: Line, who: Principal) -> None:
    """Leave a tombstone of a person registered after the backup: their id must not be used for anybody again."""
    erased_at = datetime.fromisoformat(line.at)
    DataSubject.objects.create(
        pk=line.subject,
        controller_id=line.controller,
        status=DataSubject.Status.ERASED,
        erased_at=erased_at,
    )
    audit.record(
        AuditType.ERASURE_REPLAYED, actor=who, controller_id=line.controller, details={"keys": list(line.key_ids)}
    )
