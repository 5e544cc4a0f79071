"""insert_many(): writes many new rows of one table by one prepared statement; it reads none and decides nothing.

`bulk_create` writes the text of a statement anew for each batch, value by value: with hundreds of thousands of rows
that text costs more than the rows. Only for rows whose keys are set or not needed afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connections, models, router

from governance.errors import AuditRefused
from governance.models.governed import GovernedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

#: Below this the text is the smaller part.
_FEW: Final = 50
#: Types that the drivers take as they are, for columns that hold nothing else.
_PLAIN: Final = frozenset({str, int, bool, bytes, type(None)})
_PLAIN_COLUMNS: Final = (models.CharField, models.TextField, models.IntegerField, models.BooleanField)


def insert_many(rows: Sequence[Any], *, recorded: bool = False) -> None:
    """Write these new rows, all of one model, in the caller's transaction.

    `recorded` states that the caller records the change with them; rows of a governed model are refused without.
    """
    if not rows:
        return
    model: type[models.Model] = type(rows[0])
    database = router.db_for_write(model)
    connection = connections[database]
    if isinstance(model.objects.all(), GovernedRows) and not recorded:  # type: ignore[attr-defined]  # every model has it
        raise AuditRefused("Governed rows are inserted by services that record it, and say so.")
    if not connection.in_atomic_block:
        raise AuditRefused("Rows are inserted in the transaction of the event that records them; open one first.")
    if len(rows) < _FEW:
        models.QuerySet[models.Model](model, using=database).bulk_create(rows)
        return
    fields = [field for field in model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table = connection.ops.quote_name(model._meta.db_table)
    readers = [_reader(field, connection) for field in fields]
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608  # names of our own columns
        cursor.executemany(statement, [[read(row) for read in readers] for row in rows])
    for row in rows:
        row._state.adding, row._state.db = False, database  # noqa: SLF001  # as bulk_create leaves them


def _reader(field: Any, connection: BaseDatabaseWrapper) -> Callable[[models.Model], Any]:
    """Answer how a column is read from a row, as the driver takes it."""
    seen: dict[Any, Any] = {}
    keeps_uuid = connection.features.has_native_uuid_field
    is_plain = isinstance(field, _PLAIN_COLUMNS)
    is_repeated = isinstance(field, models.DateTimeField)

    def read(row: models.Model) -> Any:
        value = field.pre_save(row, add=True)
        kind = type(value)
        if value is None or (is_plain and kind in _PLAIN):
            return value
        if kind is UUID:
            return value if keeps_uuid else value.hex
        if is_repeated:  # rows of one batch share their moments
            if value not in seen:
                seen[value] = field.get_db_prep_save(value, connection)
            return seen[value]
        return field.get_db_prep_save(value, connection)

    return read
