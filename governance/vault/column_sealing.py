"""Sealing a plaintext column of a live table, beside it, row by row; the column itself is dropped by a migration.

Three passes, each in batches of one transaction, each free to be killed and called again. `fill` seals what has no
sealed twin yet. `verify` compares both columns and seals anew where the plain one was changed meanwhile by a process
that does not know of the sealed one. `clear` empties the plain column, only where the sealed one opens to the very same
value, in the transaction that compared them; a row that somebody else writes is locked until then, or was before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import models, transaction

from governance import ledger
from governance.crypto.errors import CryptoError
from governance.errors import BadInput, SealRefused
from governance.fields import SealedField
from governance.fields.codec import decode
from governance.keys import data_keys
from governance.ledger import LedgerEvent
from governance.models import DataKey
from governance.policy.vocabulary import AuditType
from governance.vault import declared
from governance.vault.writing import write_many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.db.models import Model

    from governance.keys.data_key_rows import OpenKey

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Pair:
    """A plain column and its sealed twin."""

    model: type[Model]
    plain: str
    sealed: SealedField

    @property
    def empty(self) -> Any:
        """What the plain column holds once it is cleared."""
        return None if self.model._meta.get_field(self.plain).null else ""

    def rows(self) -> models.QuerySet[Any]:
        """Answer the rows whose plain column still holds something, by key."""
        held = self.model._base_manager.filter(**{f"{self.plain}__isnull": False})  # noqa: SLF001  # every row there is
        return (held if self.empty is None else held.exclude(**{self.plain: ""})).order_by("pk")


def pair(model: type[Model], plain: str, sealed: str) -> Pair:
    """Answer the two columns; raises BadInput where they cannot be twins, with what to declare."""
    column = declared.field(model, sealed)
    field = model._meta.get_field(plain)
    if isinstance(field, SealedField) or not isinstance(field, models.Field) or field.is_relation:
        message = f"{model.__name__}.{plain} is no plain column"
        raise BadInput(message)
    if not column.null:
        message = f"{model.__name__}.{sealed} must be null=True while rows have no sealed value yet"
        raise BadInput(message)
    if not field.null and not field.empty_strings_allowed:
        message = f"{model.__name__}.{plain} must be null=True, so that it can be emptied"
        raise BadInput(message)
    if any(part != sealed for index in column.indexes for part in index.parts):
        message = f"{model.__name__}.{sealed} has a compound index: fill it with vault.write, all parts together"
        raise BadInput(message)
    return Pair(model, plain, column)


def fill(of: Pair, *, batch: int = BATCH) -> int:
    """Seal every value that has no sealed twin; answers how many. What belongs to closed owners `verify` counts."""
    rows = of.rows().filter(**{f"{of.sealed.name}__isnull": True})
    return sum(_walk(of, rows, batch, "filled", lambda held: _sealed(of, _open(of, held))))


def verify(of: Pair, *, batch: int = BATCH) -> Counter[str]:
    """Compare both columns; a value changed since is sealed anew. Answers how many are equal, and how many were not.

    `closed` counts the values of people who were erased or are being: nothing is sealed for them.
    """
    counts: Counter[str] = Counter()

    def compare(held: Sequence[Model]) -> int:
        rows = _open(of, held)
        stale = [row for row, is_equal in zip(rows, _equal(of, rows), strict=True) if not is_equal]
        counts.update(equal=len(rows) - len(stale), renewed=_sealed(of, stale))
        if len(rows) < len(held):
            counts["closed"] += len(held) - len(rows)
        return len(held)

    for _count in _walk(of, of.rows(), batch, "verified", compare):
        pass
    return counts


def clear(of: Pair, *, batch: int = BATCH) -> Counter[str]:
    """Empty the plain column where the sealed one opens to the same value. Answers how many were, and were not."""
    counts: Counter[str] = Counter()

    def empty(held: Sequence[Model]) -> int:
        same = [row.pk for row, is_equal in zip(held, _equal(of, held), strict=True) if is_equal]
        # Not save(): a hook of the application must not see, log or copy the row once more.
        of.model._base_manager.filter(pk__in=same).update(**{of.plain: of.empty})  # noqa: SLF001  # exactly these rows
        counts.update(cleared=len(same), kept=len(held) - len(same))
        return len(held)

    for _count in _walk(of, of.rows(), batch, "cleared", empty):
        pass
    return counts


def _walk(
    of: Pair, rows: models.QuerySet[Any], batch: int, stage: str, work: Callable[[Sequence[Model]], int]
) -> Iterator[int]:
    # Up to the last row there is now: a table that grows as fast as it is read would have no end.
    newest = rows.order_by("-pk").values_list("pk", flat=True).first()
    last: Any = None
    while newest is not None:
        with transaction.atomic():
            ahead = rows.filter(pk__lte=newest, **({} if last is None else {"pk__gt": last}))
            held = list(ahead.select_for_update(of=("self",))[:batch])
            if not held:
                return
            last = held[-1].pk
            count = work(held)
            _record(of, stage, count)
        yield count


def _open(of: Pair, rows: Sequence[Model]) -> list[Model]:
    """Leave out the rows of owners for whom nothing is sealed any more, or now: one would stop all the others."""
    scopes = [of.sealed.scope_of(row) for row in rows]
    data_keys.hold_still(scopes)  # nobody among them is erased before the batch is written
    owners = {UUID(scope.id) for scope in scopes}
    keys = DataKey.objects.filter(scope_kind=of.sealed.scope_kind, scope_id__in=owners)
    states = list(keys.values_list("scope_id", "state"))
    closed = {owner.hex for owner, _state in states} - {
        owner.hex for owner, state in states if state == DataKey.State.ACTIVE
    }
    return [row for row, scope in zip(rows, scopes, strict=True) if scope.id not in closed]


def _sealed(of: Pair, rows: Sequence[Model]) -> int:
    """Seal and index the plain values. Only the sealed column is written: the rest of the row is not ours."""
    write_many([(row, {of.sealed.name: getattr(row, of.plain)}) for row in rows], only=[of.sealed.name])
    return len(rows)


def _equal(of: Pair, rows: Sequence[Model]) -> list[bool]:
    """Whether each sealed value opens to the plain one beside it. Nothing is told but that."""
    scopes = [of.sealed.scope_of(row) for row in rows]
    keys = data_keys.opener(set(scopes))
    return [_is_equal(of, row, keys[scope], scope) for row, scope in zip(rows, scopes, strict=True)]


def _is_equal(of: Pair, row: Model, key: OpenKey | None, scope: Any) -> bool:
    sealed = getattr(row, of.sealed.name)
    if sealed is None or key is None:
        return False
    try:
        value = decode(key.at(scope).decrypt(sealed.envelope, sealed.label))
    except (CryptoError, SealRefused):
        return False
    plain = getattr(row, of.plain)
    return value == (bytes(plain) if isinstance(plain, memoryview) else plain)


def _record(of: Pair, stage: str, count: int) -> None:
    ledger.append(
        LedgerEvent(
            type=AuditType.COLUMN_SEALED,
            actor_ref="service:keys",
            object_ref=f"column:{of.model._meta.label_lower}.{of.plain}",
            details={"stage": stage, "rows": count},
        )
    )
