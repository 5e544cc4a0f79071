"""Bulk writes on governed models: refused, recorded, or said to be recorded by the caller (invariant 13).

    DataSubject.objects.filter(status="active").audited("import_corrected", actor=principal).update(status="restricted")

writes one summary row with the model, the count, the fields and the filter as field names and lookups, never a value.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn, Self, TypeVar

from django.db import connections, models, transaction

from governance.errors import AuditRefused
from governance.policy.principal import Principal

Result = TypeVar("Result")

_REASON = re.compile(r"[a-z][a-z0-9_]{2,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BulkWrite:
    """What one bulk call did. `conditions` are names such as `status__exact`; `fields` those that were written."""

    model: str
    call: str
    count: int
    fields: Sequence[str]
    conditions: Sequence[str]
    reason: str
    actor: Principal


#: Writes the summary row; the ledger stands above the models, and puts its writer here when the service starts.
_writers: list[Callable[[BulkWrite], None]] = []


def summarise_with(writer: Callable[[BulkWrite], None]) -> None:
    """Plug in who writes the summary of an audited bulk call, within its transaction."""
    _writers[:] = [writer]


class GovernedRows(models.QuerySet[Any, Any]):
    """Refuses `update`, `delete`, `bulk_*` and `raw` unless the call is `audited()`, or `recorded()` by its caller.

    `save()` and `delete()` of one row are the services' own; a bulk call would bypass whoever watches single rows.
    """

    _is_recorded = False
    _audit: tuple[str, Principal] | None = None

    def audited(self, reason: str, *, actor: Principal) -> Self:
        """Have the next bulk call leave one summary row in its own transaction. `reason` is a code, not a sentence."""
        if not _REASON.fullmatch(reason):
            self._refuse("an audit reason is a code such as import_corrected; free text could be personal")
        rows: Self = self.all()
        rows._audit = (reason, actor)  # a queryset of this class
        return rows

    def recorded(self) -> Self:
        """State that the caller records this write in the same transaction. Services only; grep for it in review."""
        rows: Self = self.all()
        rows._is_recorded = True  # a queryset of this class
        return rows

    def update(self, **kwargs: Any) -> int:
        if self._audit is not None:
            return self._audited("update", sorted(kwargs), lambda rows: rows.update(**kwargs), int)
        self._require_recorded("update")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        if self._audit is not None:
            return self._audited("delete", (), lambda rows: rows.delete(), lambda done: int(done[0]))
        self._require_recorded("delete")
        return super().delete()

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        if self._audit is not None:
            return self._audited("bulk_create", (), lambda rows: rows.bulk_create(objs, *args, **kwargs), len)
        self._require_recorded("bulk_create")
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        names = list(fields)
        if self._audit is not None:
            return self._audited("bulk_update", names, lambda rows: rows.bulk_update(objs, names, *args, **kwargs), int)
        self._require_recorded("bulk_update")
        # Django carries it out with update() on querysets cloned from this one, which are recorded as well.
        return super().bulk_update(objs, names, *args, **kwargs)

    def raw(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: raw SQL writes as well as it reads, and nobody would see it."""
        self._refuse("raw() is refused on a governed model; read with the query methods, write with a service")

    def _raw_delete(self, using: str | None) -> int:
        # Django's own way past delete(), signals and cascades. Its collector takes the base manager, never this class.
        self._require_recorded("delete")
        deleted: int = super()._raw_delete(using)
        return deleted

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # Django's own hook, without a stub
        clone._is_recorded, clone._audit = self._is_recorded, self._audit
        return clone

    def _audited(
        self, call: str, fields: Sequence[str], run: Callable[[Self], Result], count: Callable[[Result], int]
    ) -> Result:
        """Carry the call out and write its summary, in one transaction: both are there or neither is."""
        if self._audit is None or not _writers:
            self._refuse(f"{call} cannot be recorded: nobody writes summaries yet")
        reason, actor = self._audit
        with transaction.atomic(using=self.db):
            rows = self.recorded()
            rows._audit = None  # noqa: SLF001  # a queryset of this class; what Django calls for it is part of it
            done = run(rows)
            write = BulkWrite(
                self.model._meta.label_lower, call, count(done), fields, conditions(self.query.where), reason, actor
            )
            _writers[0](write)
        return done

    def _require_recorded(self, call: str) -> None:
        if not self._is_recorded:
            self._refuse(
                f"{call} is refused: call a service, say .audited(reason, actor=…).{call}(…), "
                f"or write its audit row and say .recorded().{call}(…)"
            )
        if not connections[self.db].in_atomic_block:
            self._refuse(f"{call} outside a transaction cannot be recorded with its audit row")

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self.model.__name__}: {why}"
        raise AuditRefused(message)


Governed = models.Manager.from_queryset(GovernedRows)


def conditions(node: Any) -> list[str]:
    """Answer a filter as field names and lookups: what was asked for, never which value."""
    found: list[str] = []
    for child in getattr(node, "children", ()):
        names = conditions(child) if hasattr(child, "children") else [_name(child)]
        found += [f"not:{name}" if getattr(node, "negated", False) else name for name in names]
    return found


def _name(condition: Any) -> str:
    target = getattr(getattr(condition, "lhs", None), "target", None)
    lookup = getattr(condition, "lookup_name", None) or type(condition).__name__.lower()
    return f"{target.name}__{lookup}" if target is not None else str(lookup)


_memberships_open: ContextVar[bool] = ContextVar("governed_memberships", default=False)


@contextmanager
def recorded_memberships() -> Iterator[None]:
    """State that the caller records the changes of group membership inside the block. Services only."""
    token = _memberships_open.set(True)
    try:
        yield
    finally:
        _memberships_open.reset(token)


def refuse_membership(*, action: str = "", **_kwargs: Any) -> None:
    """Stop a change of group membership that nobody records; called before Django carries it out."""
    if action.startswith("pre_") and not _memberships_open.get():
        raise AuditRefused("Groups say what staff may do: use access.grants, which records who changed what")
