"""Bulk writes on governed models: refused, or stated to be recorded; nothing slips past the ledger (invariant 13)."""

from collections.abc import Iterable
from typing import Any, NoReturn, Self

from django.db import connections, models

from governance.errors import AuditRefused


class GovernedRows(models.QuerySet[Any, Any]):
    """Refuses `update`, `delete` and `bulk_*` unless `recorded()` says that the caller writes the audit row.

    `save()` and `delete()` of one row are the services' own; a bulk call would bypass whoever watches single rows.
    """

    _is_recorded = False

    def recorded(self) -> Self:
        """State that the caller records this write in the same transaction. Services only; grep for it in review."""
        rows: Self = self.all()
        rows._is_recorded = True  # a queryset of this class
        return rows

    def update(self, **kwargs: Any) -> int:
        self._require_recorded("update")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_recorded("delete")
        return super().delete()

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        self._require_recorded("bulk_create")
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        self._require_recorded("bulk_update")
        # Django carries it out with update() on querysets cloned from this one, which are recorded as well.
        return super().bulk_update(objs, *args, **kwargs)

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # Django's own hook, without a stub
        clone._is_recorded = self._is_recorded
        return clone

    def _require_recorded(self, call: str) -> None:
        if not self._is_recorded:
            self._refuse(f"{call} is refused: call a service, or write its audit row and say .recorded().{call}(…)")
        if not connections[self.db].in_atomic_block:
            self._refuse(f"{call} outside a transaction cannot be recorded with its audit row")

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self.model.__name__}: {why}"
        raise AuditRefused(message)


Governed = models.Manager.from_queryset(GovernedRows)
