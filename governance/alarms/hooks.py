"""Posts one alarm to the address a controller gave: signed, to a public host, without redirects; it queues nothing.

The signature is that of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, which any of its libraries checks.
"""

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings
from django.utils.translation import gettext

from governance.errors import BadInput, FieldError, SystemRefused
from governance.systems.addresses import public_address

_PREFIX = "whsec_"
_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_LONGEST = 1000
_PORTS = {"https": 443, "http": 80}


def new_secret() -> str:
    """Answer a fresh signing secret in the form that receivers take."""
    return _PREFIX + b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Answer the header `webhook-signature`."""
    key = b64decode(secret.removeprefix(_PREFIX))
    made = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{b64encode(made).decode()}"


def require_usable(url: str) -> None:
    """Raise BadInput for an address that no alarm may be posted to."""
    try:
        _target(url)
    except SystemRefused as refused:
        raise BadInput(gettext("The address cannot be used"), errors=[FieldError("/url", refused.detail)]) from refused


def post(url: str, secret: str, *, message_id: str, timestamp: int, data: Mapping[str, Any]) -> str:
    """Post one alarm; answers an error code, empty when the receiver took it. Nothing of its answer is read."""
    body = json.dumps(data, separators=(",", ":"), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "governance-alarms/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
    try:
        status = _send(url, body, headers)
    except SystemRefused:
        return "hook.refused_address"
    except (urllib3.exceptions.HTTPError, OSError):
        return "hook.unreachable"
    return "" if status // 100 == 2 else f"hook.status_{status}"


def _send(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    parts, port = _target(url)
    host = parts.hostname or ""
    # Connected to the very address that was judged; the name is still what the certificate must carry.
    address = public_address(host, port)
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host, timeout=_TIMEOUT)
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=_TIMEOUT)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with pool:
        response = pool.urlopen(
            "POST",
            path,
            body=body,
            headers={**headers, "Host": parts.netloc},
            redirect=False,
            retries=False,
            preload_content=False,
        )
        response.close()
        return int(response.status)


def _target(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise SystemRefused(gettext("The address cannot be read.")) from error
    schemes = {"https", "http"} if settings.GOVERNANCE_DEMO else {"https"}
    is_plain = url.isascii() and url.isprintable() and len(url) <= _LONGEST
    if parts.scheme not in schemes or not parts.hostname or not is_plain:
        raise SystemRefused(gettext("Give an address such as https://alarms.example/hook."))
    if parts.username or parts.password or parts.fragment:
        raise SystemRefused(
            gettext("Leave name, password and fragment out of the address; the signature says who calls.")
        )
    public_address(parts.hostname, port)
    return parts, port
