"""A sealed column inside a query: it may be selected and asked whether it is NULL; every other use is refused.

Ciphertext sorts, groups and computes to nonsense without an error, and `update(other=F("sealed"))` would copy it to a
place where it never opens. A query is refused while its SQL is made, with the name of the right call. What no check
below foresees meets a fence: the column's SQL carries a few words that only a plain selection takes off again, so that
the database refuses the statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from django.core.exceptions import FieldError
from django.db.models.expressions import Col, F
from django.db.models.lookups import IsNull

from governance.errors import SealRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

_FENCE: Final = " [[this column is sealed: select it or ask isnull; search with vault.find]]"

_COMPUTED: Final = "cannot be computed with in SQL; read the row and reveal it, or search with vault.find"
_ORDERED: Final = "has no order: it is ciphertext; order by another column, or sort revealed values"
_DISTINCT: Final = "is never equal to another value; make rows distinct by another column"
_NESTED: Final = "is not selected inside another statement, which could copy or compare it; select it by itself"
_GROUPED: Final = "cannot be grouped by: every ciphertext differs; count with a declared index (vault.find)"


class SealedColumn(Col):
    """What stands for a sealed column in a query."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Compile, after looking at what the query does with the column."""
        _require_plain(compiler.query, self)
        sql, parameters = super().as_sql(compiler, connection)
        return sql + _FENCE, parameters


class SealedIsNull(IsNull):
    """The one lookup there is."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        """Take the fence off: whether there is a value at all is no secret of the column."""
        sql, parameters = super().process_lhs(compiler, connection, lhs)
        return unfenced(sql), parameters


def unfenced(sql: str) -> str:
    """Answer the SQL of a column that stands alone without its fence; inside anything else the fence stays."""
    return sql.removesuffix(_FENCE)


def selected(compiler: SQLCompiler, field: Any, sql: str) -> str:
    """Answer the SQL of a selected column; raises SealRefused where the selection feeds another statement.

    Django names a database for whatever it sends itself, also for the inner statement of a count; a query compiled as
    an expression of another one has none. There `update(state=Subquery(…))` would write the envelope into plain text.
    """
    if compiler.using is None:
        message = f"{field.model.__name__}.{field.name} {_NESTED}, or search with vault.find"
        raise SealRefused(message)
    return unfenced(sql)


def _require_plain(query: Any, column: SealedColumn) -> None:
    annotations = [each for each in query.annotations.values() if not isinstance(each, SealedColumn)]
    written = [value for _field, _model, value in getattr(query, "values", ())]
    if any(_reaches(each) for each in (*annotations, *written, *query.where.leaves())):
        _refuse(column, _COMPUTED)
    if any(_names(query, each, column) for each in _ordering(query)):
        _refuse(column, _ORDERED)
    if query.distinct and _is_without_key(query, query.select):
        _refuse(column, _DISTINCT)
    if any(_names(query, name, column) for name in query.distinct_fields):
        _refuse(column, _DISTINCT)
    if isinstance(query.group_by, tuple) and _is_without_key(query, query.group_by):
        _refuse(column, _GROUPED)


def _reaches(expression: Any) -> bool:
    """Whether a sealed column is computed with somewhere below."""
    if isinstance(expression, SealedColumn):
        return True
    if isinstance(expression, SealedIsNull) or not hasattr(expression, "get_source_expressions"):
        return False
    return any(_reaches(each) for each in expression.get_source_expressions() if each is not None)


def _ordering(query: Any) -> Iterator[str]:
    """Name every column that the query is ordered by, also inside expressions."""
    chosen = query.order_by or (query.get_meta().ordering if query.default_ordering else ())
    for each in chosen:
        if isinstance(each, str):
            yield each.lstrip("-+")
        else:
            parts = each.flatten() if hasattr(each, "flatten") else [each]
            yield from (str(part.name) for part in parts if isinstance(part, F))  # type: ignore[attr-defined]  # a stub's gap


def _names(query: Any, name: str, column: SealedColumn) -> bool:
    if name in query.annotations:
        return _reaches(query.annotations[name])
    try:
        _path, field, _targets, rest = query.names_to_path(name.split("__"), query.get_meta(), fail_on_missing=False)
    except FieldError:
        return False
    return field == column.target and not rest


def _is_without_key(query: Any, columns: Iterable[Any]) -> bool:
    """Whether sealed columns stand among these and no primary key does, beside which they would change nothing."""
    found = list(columns)
    keys = any(isinstance(each, Col) and each.target.primary_key for each in found)
    return not keys and any(isinstance(each, SealedColumn) for each in found)


def _refuse(column: SealedColumn, why: str) -> NoReturn:
    message = f"{column.target.model.__name__}.{column.target.name} {why}"
    raise SealRefused(message)
