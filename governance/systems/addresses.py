"""Which addresses a connected system may have: never the service's own database, and files only where they are let."""

import hashlib
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext

from governance.errors import SystemRefused

if TYPE_CHECKING:
    from sqlalchemy import URL

#: IPv4 inside IPv6: what a translator on the way unwraps (RFC 6052, and RFC 8215 for use inside one net only).
_TRANSLATED, _TRANSLATED_HERE = IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")
_LOCAL = {"", "localhost", "127.0.0.1", "::1"}


def require_foreign(address: str, own: Mapping[str, Any] | None = None) -> None:
    """Raise SystemRefused for an address that would let a description read or erase what is not a connected system's.

    `own` is Django's description of the service's database; the configured one when left out.

    Whoever may register a system could otherwise describe the service's own tables as one, and read staff, keys and
    other controllers' people through an access request.
    """
    url, own = _read(address), own or settings.DATABASES["default"]
    if url.get_backend_name() == "sqlite":
        _require_allowed_file(url.database or "", own)
    elif _is_own_server(url, own):
        raise SystemRefused(
            gettext("The address is the service's own database; name a system that holds customer data.")
        )


def place(address: str) -> str:
    """Digest where an address leads, whatever its password is now: what was found there counts only there."""
    url = _read(address).set(password="")  # None would leave it as it is
    return hashlib.sha256(url.render_as_string(hide_password=False).encode()).hexdigest()


def _read(address: str) -> "URL":
    from sqlalchemy import make_url  # noqa: PLC0415  # loads SQLAlchemy, which most processes never need

    return make_url(address)


def _require_allowed_file(name: str, own: Mapping[str, Any]) -> None:
    if not name or name == ":memory:" or name.startswith("file:"):
        raise SystemRefused(gettext("Name a SQLite file, such as sqlite:////srv/shop.sqlite3."))
    path = Path(name).resolve()
    protected = [Path(settings.GOVERNANCE_KEY_FILE).resolve()]
    if own["ENGINE"].endswith("sqlite3"):
        protected.append(Path(own["NAME"]).resolve())
    if path in protected or any(path.exists() and held.exists() and path.samefile(held) for held in protected):
        raise SystemRefused(gettext("The address is the service's own file; name a system that holds customer data."))
    folder = settings.GOVERNANCE_SQLITE_FOLDER
    if not settings.GOVERNANCE_DEMO and not (folder and path.is_relative_to(Path(folder).resolve())):
        raise SystemRefused(gettext("SQLite files are connected from the folder GOVERNANCE_SQLITE_FOLDER only."))


def _is_own_server(url: "URL", own: Mapping[str, Any]) -> bool:
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


def public_address(host: str, port: int) -> str:
    """Answer the one address to call for a host that somebody typed in; raises SystemRefused for one of our own net.

    Every address of the name must be public, and the caller connects to the one answered here: a name that changes
    between the question and the call (DNS rebinding) leads nowhere. A demonstration may call this machine.
    """
    try:
        found = sorted({str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:  # the latter for a name that no host can have
        raise SystemRefused(gettext("The name of the host leads nowhere.")) from error
    addresses = [ip_address(each.partition("%")[0]) for each in found]
    if settings.GOVERNANCE_DEMO and all(each.is_loopback for each in addresses):
        return found[0]
    if not addresses or not all(map(_is_public, addresses)):
        raise SystemRefused(gettext("The host is not on the public internet; name one that is."))
    return found[0]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Judge an IPv4 address dressed as IPv6 as what it is; Python 3.11 calls most of the dresses global."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (address in _TRANSLATED or 1 < int(address) < 1 << 32):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return _is_public(inner)
    is_inside = address.is_site_local or address.is_multicast or address in _TRANSLATED_HERE
    return address.is_global and not is_inside
