"""Opens connections to a target database with limits, and turns its complaints into ours; it knows no tables.

A driver's message quotes rows and parameters, and an engine's quotes the address with its password. So no message of
either is passed on, and `from None` keeps them out of tracebacks that end in logs.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import QueuePool

from governance.errors import GovernanceError, SystemRefused, SystemUnavailable
from governance.systems.sql import mariadb, postgresql
from governance.systems.sql.values import document

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The drivers we have tried, by what people write before "://".
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
#: By SQLSTATE (PostgreSQL), result code (SQLite) and error number (MariaDB).
_READ_ONLY = frozenset(
    ("25006", "SQLITE_READONLY", "SQLITE_READONLY_DBMOVED", "SQLITE_READONLY_DIRECTORY", "1290", "1792", "1836")
)
_TOO_SLOW = frozenset(("57014", "SQLITE_INTERRUPT", "1317", "1969", "3024"))
_BUSY = frozenset(("40001", "40P01", "55P03", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT"))
_BUSY_MARIADB = frozenset(("1020", "1040", "1203", "1205", "1213", "1226"))
_FORBIDDEN = frozenset(
    ("42501", "28000", "28P01", "SQLITE_AUTH", "1044", "1045", "1130", "1142", "1143", "1227", "1370", "1698")
)
_CONSTRAINT = frozenset(("1644", "3819", "4025"))
_VALUE = frozenset(("1264", "1265", "1292", "1366", "1406"))
_WRITES = "governance_writes"
_PARAMETERS = frozenset(("charset", "sslmode", "sslrootcert", "ssl_ca"))


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much, so that a slow or huge target cannot hold a worker."""

    connect_seconds: float = 5.0
    statement_seconds: float = 30.0
    rows: int = 200_000
    chunk: int = 500
    binary_bytes: int = 1_000_000


def open_engine(address: str, limits: Limits) -> sa.Engine:
    """Return an engine that connects when used. Raises SystemRefused for an address that cannot be used."""
    url = _url(address)
    try:
        engine = sa.create_engine(
            url,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=2,
            hide_parameters=True,
            json_deserializer=document,
            connect_args=_connect_arguments(url, limits),
        )
    except (exc.ArgumentError, ImportError, ValueError):
        raise SystemRefused("The driver for this kind of database is not installed, or the address is wrong.") from None
    _SESSIONS[engine.dialect.name](engine, limits)
    return engine


def _url(address: str) -> sa.URL:
    try:
        url = sa.make_url(address)
        url = url.set(drivername=_DRIVERS[url.get_backend_name()])
    except (exc.ArgumentError, ValueError, TypeError, KeyError):
        detail = "The address must be a URL of SQLite, PostgreSQL or MariaDB, such as postgresql://host/name."
        raise SystemRefused(detail) from None
    if unknown := url.query.keys() - _PARAMETERS:
        # Drivers take parameters that read local files (passfile, local_infile) or lead elsewhere (host, service).
        known = ", ".join(sorted(_PARAMETERS))
        detail = f"The address may carry only these parameters: {known}; not {len(unknown)} other(s)."
        raise SystemRefused(detail)
    return url


def _connect_arguments(url: sa.URL, limits: Limits) -> dict[str, Any]:
    seconds = max(1, round(limits.connect_seconds))
    if url.get_backend_name() == "sqlite":
        return {"timeout": limits.connect_seconds}
    if url.get_backend_name() == "postgresql":
        wait = int((limits.statement_seconds + limits.connect_seconds) * 1000)
        return {"connect_timeout": seconds, "tcp_user_timeout": wait, "application_name": "governance"}
    return mariadb.connect_arguments(limits)


def _prepare_sqlite(engine: sa.Engine, limits: Limits) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        connection.text_factory = lambda data: data.decode("utf-8", errors="replace")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # freed pages would keep what was erased

    @event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "before_cursor_execute")
    def on_statement(connection: sa.Connection, *_rest: object) -> None:
        ends = time.monotonic() + limits.statement_seconds
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > ends, 10_000)


_SESSIONS = {
    "sqlite": _prepare_sqlite,
    "postgresql": postgresql.prepare,
    "mysql": mariadb.prepare,
    "mariadb": mariadb.prepare,
}
_READING = {"postgresql": "SET TRANSACTION READ ONLY"} | dict.fromkeys(mariadb.NAMES, "START TRANSACTION READ ONLY")


@contextmanager
def reading_from(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection whose transaction cannot write, where the database knows such a thing."""
    with speaking():
        _require_file(engine)
        with engine.connect() as connection, connection.begin():
            if engine.dialect.name in _READING:
                # Said per transaction: the driver's own switch would later override a server that is read-only.
                connection.exec_driver_sql(_READING[engine.dialect.name])
            yield connection


@contextmanager
def writing_to(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in one transaction: all of it or nothing."""
    with speaking():
        _require_file(engine)
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection


def _require_file(engine: sa.Engine) -> None:
    """Refuse a SQLite file that is not there: connecting would quietly make an empty one."""
    if engine.dialect.name != "sqlite":
        return
    name = (engine.url.database or "").removeprefix("file:")
    if name and name != ":memory:" and not Path(name).is_file():
        raise SystemUnavailable("The database file of the system is not there.")


@contextmanager
def speaking() -> Iterator[None]:
    """Turn whatever a database says into an error of ours without its words."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise translated(error) from None


def translated(error: exc.SQLAlchemyError) -> GovernanceError:
    """Return our error for a database's, naming the remedy and none of the data."""
    code = _code(error)
    for codes, kind, detail in _BY_CODE:
        if code in codes:
            return kind(detail)
    for families, kind, detail in _BY_CLASS:
        if isinstance(error, families):
            return kind(detail)
    if isinstance(error, _NO_ANSWER) and not mariadb.is_refusal(mariadb.code(getattr(error, "orig", None))):
        return SystemUnavailable("The system does not answer; check its address and that it runs.")
    return SystemRefused("The system does not accept the statement; check the dataset description against its tables.")


def is_forbidden(error: exc.DBAPIError) -> bool:
    """Tell whether the account lacks a right."""
    return _code(error) in _FORBIDDEN


def _code(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None)
    number = mariadb.code(original)  # its SQLSTATE says less
    return number or str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")


_FORBIDS = "A constraint of the system forbids the change. Nothing was changed."
_MISFITS = "A value does not fit its column in the system. Nothing was changed."
_BY_CODE: tuple[tuple[frozenset[str], type[GovernanceError], str], ...] = (
    (_READ_ONLY, SystemRefused, "The system is read-only here; allow writing for this account. Nothing was changed."),
    (_TOO_SLOW, SystemUnavailable, "The system took longer than the limit; add an index or raise the limit."),
    (_BUSY | _BUSY_MARIADB, SystemUnavailable, "The system is busy with other work; it will be tried again."),
    (_FORBIDDEN, SystemRefused, "The account may not do this in the system; grant it the right."),
    (_CONSTRAINT, SystemRefused, _FORBIDS),
    (_VALUE, SystemRefused, _MISFITS),
)
_BY_CLASS: tuple[tuple[tuple[type[exc.SQLAlchemyError], ...], type[GovernanceError], str], ...] = (
    ((exc.IntegrityError,), SystemRefused, _FORBIDS),
    ((exc.DataError,), SystemRefused, _MISFITS),
)
_NO_ANSWER = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.DisconnectionError)
