"""Where exported events go: a file, an HTTPS collector, or syslog over TLS; it knows lines of text and no event."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Final

import urllib3
from django.utils import timezone
from urllib3.exceptions import HTTPError

from governance.errors import BadInput, SystemRefused, SystemUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    Send = Callable[[Sequence[str]], None]

_SECONDS: Final = 10
_WAITS: Final = (0.5, 1.0, 2.0, 4.0)
#: RFC 5424 §6.2.1: facility 13 (log audit), severity 6 (informational).
_PRIORITY: Final = 13 * 8 + 6
_HOST: Final = re.compile(r"[^!-~]")


@contextmanager
def to_file(path: Path) -> Iterator[Send]:
    """Append lines to a file that only its owner may read; a batch is on the disk before it counts."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as opened:

        def send(lines: Sequence[str]) -> None:
            opened.writelines(f"{line}\n" for line in lines)
            opened.flush()
            os.fsync(opened.fileno())

        yield send


@contextmanager
def to_https(
    url: str, *, token: str = "", authorities: Path | None = None, waits: Sequence[float] = _WAITS
) -> Iterator[Send]:
    """POST lines to a collector, and try again while it is busy or away. Redirects are refused: they may lead home."""
    if not url.startswith("https://"):
        raise BadInput("Give an address that begins with https://: events must not travel in the clear")
    headers = {"Content-Type": "application/x-ndjson"} | ({"Authorization": f"Bearer {token}"} if token else {})
    pool = urllib3.PoolManager(ssl_context=_context(authorities), timeout=_SECONDS, retries=False)

    def send(lines: Sequence[str]) -> None:
        body = "".join(f"{line}\n" for line in lines).encode()
        for wait in (*waits, None):
            if _is_taken(pool, url, body, headers):
                return
            if wait is not None:
                time.sleep(wait)
        raise SystemUnavailable("The collector does not take events; the next run goes on where this one stopped")

    try:
        yield send
    finally:
        pool.clear()


@contextmanager
def to_syslog(host: str, port: int, *, authorities: Path | None = None) -> Iterator[Send]:
    """Send RFC 5424 messages over TLS, framed by counting octets (RFC 5425 §4.3). Syslog acknowledges nothing."""
    try:
        plain = socket.create_connection((host, port), timeout=_SECONDS)
        with plain, _context(authorities).wrap_socket(plain, server_hostname=host) as secured:
            yield lambda lines: _say(secured, lines)
            _part(secured)
    except OSError as error:  # also what TLS refuses
        raise SystemUnavailable("The syslog server does not answer, or its certificate is not trusted") from error


def framed(line: str, instant: datetime, name: str) -> bytes:
    """Answer one message: its length in octets, a space, header and text."""
    moment = instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    message = f"<{_PRIORITY}>1 {moment} {name} governance - ocsf - {line}".encode()
    return b"%d %s" % (len(message), message)


def _say(secured: ssl.SSLSocket, lines: Sequence[str]) -> None:
    name = _HOST.sub("", socket.gethostname())[:255] or "-"
    secured.sendall(b"".join(framed(line, timezone.now(), name) for line in lines))


def _part(secured: ssl.SSLSocket) -> None:
    """Say goodbye and wait for the answer: a server that broke off before has not read everything."""
    secured.unwrap()


def _is_taken(pool: urllib3.PoolManager, url: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        answer = pool.request("POST", url, body=body, headers=headers, redirect=False)
    except HTTPError:
        return False
    if answer.status < 300:
        return True
    if answer.status in {408, 425, 429} or answer.status >= 500:
        return False
    message = f"The collector answered {answer.status}; check its address and the token"
    raise SystemRefused(message)


def _context(authorities: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
