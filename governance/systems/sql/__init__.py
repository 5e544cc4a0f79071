"""The connector to SQL databases (SQLite, PostgreSQL, MariaDB) over SQLAlchemy Core; plans come from the catalogue."""

from __future__ import annotations

from governance.systems.sql.engine import Limits
from governance.systems.sql.results import Finding, Key, Located, Outcome, Status, Staying
from governance.systems.sql.sharing import Shared
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all, settle_shares

__all__ = [
    "Finding",
    "Key",
    "Limits",
    "Located",
    "Outcome",
    "Shared",
    "SqlSystem",
    "Status",
    "Staying",
    "erase_all",
    "locate_all",
    "settle_shares",
]
