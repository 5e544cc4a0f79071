"""What MariaDB and MySQL are told at the start of a session, and what they alone know of a table; it reads no rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.mysql.mariadb import INET4, INET6
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from governance.systems.sql.engine import Limits

#: What SQLAlchemy calls the two.
NAMES: Final = frozenset(("mariadb", "mysql"))
#: Compares character by character. Their usual collations take "á" for "a", and so one person for another.
EXACT: Final = "utf8mb4_bin"
#: Compares as loosely as any: what might be the same counts as the same.
LOOSE: Final = "utf8mb4_general_ci"
#: Nothing is cut short to fit. Not said: NO_ZERO_DATE, for rows with such dates are erased like others; ANSI_QUOTES and
#: NO_BACKSLASH_ESCAPES, which change what a quote means.
_MODE: Final = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_SPATIAL: Final = ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")


class Spatial(NullType):
    """A place; `neutral` is the point 0 0 as the server keeps it: no reference system, little-endian, a point."""

    cache_ok = True
    neutral: Final = bytes(4) + b"\x01\x01\x00\x00\x00" + bytes(16)


_COLUMNS: Final = sa.text(
    "SELECT column_name, collation_name FROM information_schema.columns"
    " WHERE table_schema = COALESCE(:home, DATABASE()) AND table_name = :name"
)
#: MariaDB keeps JSON as text with this condition.
_JSON: Final = sa.text(
    "SELECT constraint_name FROM information_schema.check_constraints"
    " WHERE constraint_schema = COALESCE(:home, DATABASE()) AND table_name = :name"
    " AND check_clause = CONCAT('json_valid(`', constraint_name, '`)')"
)
_ENGINE: Final = sa.text(
    "SELECT e.transactions FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine"
    " WHERE t.table_schema = COALESCE(:home, DATABASE()) AND t.table_name = :name"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What reflection does not tell: text columns that ignore case or hold few signs, JSON columns, the engine."""

    folding: frozenset[str] = frozenset()
    narrow: frozenset[str] = frozenset()
    json: frozenset[str] = frozenset()
    transactional: bool = True


def facts(connection: sa.Connection, schema: str | None, bare: str) -> Facts:
    """Ask for the facts of one table."""
    where = {"home": schema, "name": bare}
    collations = {str(name): str(collation) for name, collation in connection.execute(_COLUMNS, where) if collation}
    folding = frozenset(name for name, collation in collations.items() if "_ci" in collation)
    narrow = frozenset(name for name, collation in collations.items() if not collation.startswith("utf8mb4"))
    documents: set[str] = set()
    if getattr(connection.dialect, "is_mariadb", False):
        documents = {str(name) for (name,) in connection.execute(_JSON, where)}
    undoes = connection.execute(_ENGINE, where).scalar()
    return Facts(folding, narrow, frozenset(documents), undoes in (None, "YES"))  # None: a view


def connect_arguments(limits: Limits) -> dict[str, Any]:
    """Return what the driver is given; it wins over whatever the address says."""
    # The server ends a slow statement first; the socket is the last resort, for a server that is gone.
    patience = max(1, round(limits.statement_seconds + limits.connect_seconds))
    return {
        "connect_timeout": max(1, round(limits.connect_seconds)),
        "read_timeout": patience,
        "write_timeout": patience,
        "charset": "utf8mb4",
        "sql_mode": _MODE,
        "autocommit": False,
        "local_infile": False,  # a hostile server could ask for our files
    }


def prepare(engine: sa.Engine, limits: Limits) -> None:
    """Set limits and clock of every session, and know types that SQLAlchemy would wonder at."""
    known: dict[str, Any] = dict.fromkeys(_SPATIAL, NullType) | dict.fromkeys(("geometry", "point"), Spatial)
    known |= {"inet4": INET4, "inet6": INET6}
    dialect: Any = engine.dialect
    dialect.ischema_names = {**dialect.ischema_names, **known}
    seconds = max(1, round(limits.statement_seconds))

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        longest = f"max_execution_time = {int(limits.statement_seconds * 1000)}"
        if "mariadb" in connection.get_server_info().lower():
            longest = f"max_statement_time = {limits.statement_seconds}"
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(
                f"SET time_zone = '+00:00', {longest},"
                f" innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
            )


def code(error: object) -> str:
    """Return the number of the driver's complaint, as text; nothing where it has none."""
    arguments = getattr(error, "args", ())
    return str(arguments[0]) if arguments and isinstance(arguments[0], int) else ""


def is_refusal(number: str) -> bool:
    """Tell whether the server itself said no; the driver files much of that under "does not answer"."""
    return number.isdigit() and not 2000 <= int(number) < 3000 and number not in _ABSENT


#: The server's own words for not being there: no such database, shutting down, connection cut or refused.
_ABSENT: Final[frozenset[str]] = frozenset(
    ("1049", "1053", "1077", "1079", "1080", "1129", "1152", "1153", "1158", "1159", "1160", "1161", "1184", "1927")
)
