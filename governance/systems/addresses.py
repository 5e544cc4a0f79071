"""Which addresses a connected system may have: never the service's own database, and files only where they are let."""

import hashlib
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from django.conf import settings

from governance.errors import SystemRefused

_LOCAL = {"", "localhost", "127.0.0.1", "::1"}


def require_foreign(address: str, own: Mapping[str, Any] | None = None) -> None:
    """Raise SystemRefused for an address that would let a description read or erase what is not a connected system's.

    `own` is Django's description of the service's database; the configured one when left out.

    Whoever may register a system could otherwise describe the service's own tables as one, and read staff, keys and
    other controllers' people through an access request.
    """
    url, own = sa.make_url(address), own or settings.DATABASES["default"]
    if url.get_backend_name() == "sqlite":
        _require_allowed_file(url.database or "", own)
    elif _is_own_server(url, own):
        raise SystemRefused("The address is the service's own database; name a system that holds customer data.")


def place(address: str) -> str:
    """Digest where an address leads, whatever its password is now: what was found there counts only there."""
    url = sa.make_url(address).set(password="")  # None would leave it as it is
    return hashlib.sha256(url.render_as_string(hide_password=False).encode()).hexdigest()


def _require_allowed_file(name: str, own: Mapping[str, Any]) -> None:
    if not name or name == ":memory:" or name.startswith("file:"):
        raise SystemRefused("Name a SQLite file, such as sqlite:////srv/shop.sqlite3.")
    path = Path(name).resolve()
    protected = [Path(settings.GOVERNANCE_KEY_FILE).resolve()]
    if own["ENGINE"].endswith("sqlite3"):
        protected.append(Path(own["NAME"]).resolve())
    if path in protected or any(path.exists() and held.exists() and path.samefile(held) for held in protected):
        raise SystemRefused("The address is the service's own file; name a system that holds customer data.")
    folder = settings.GOVERNANCE_SQLITE_FOLDER
    if not settings.GOVERNANCE_DEMO and not (folder and path.is_relative_to(Path(folder).resolve())):
        raise SystemRefused("SQLite files are connected from the folder GOVERNANCE_SQLITE_FOLDER only.")


def _is_own_server(url: sa.URL, own: Mapping[str, Any]) -> bool:
    if own["ENGINE"].endswith("sqlite3") or (url.database or "") != own["NAME"]:
        return False
    ours = (own.get("PORT") or 5432, _addresses(own.get("HOST") or ""))
    return int(ours[0]) == (url.port or 5432) and bool(ours[1] & _addresses(url.host or ""))


def _addresses(host: str) -> set[str]:
    if host in _LOCAL or host.startswith("/"):
        return {"local"}
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        return {host}
    return {"local"} if found & _LOCAL else found
