"""The connector to SQL databases (SQLite, PostgreSQL, MariaDB) over SQLAlchemy Core; plans come from the catalogue.

What it answers is here, as plain values. What talks to a database, `system` and `walk`, loads SQLAlchemy, which costs a
process a fifth of its start; most processes never open a system, so those modules are imported where one is opened.
"""

from __future__ import annotations

from governance.systems.sql.results import Finding, Key, Located, Outcome, Status, Staying

__all__ = ["Finding", "Key", "Located", "Outcome", "Status", "Staying"]
