"""Root keys in the transit engine of HashiCorp Vault or OpenBao, over urllib3; the keys never leave the engine.

The address comes from the administrator's environment, never from a user. The context is sent as associated data,
which the engine's own rewrap does not take: rewrapping is a decrypt and an encrypt, each one call for a whole batch.
"""

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError

from governance.errors import KeyRetired, KeySuspended, KeyUnavailable, KeyUnknown
from governance.keys.providers.contract import DOES_NOT_OPEN, Wrapped, associated_data, require_key_name
from governance.keys.providers.patience import Patience, TryAgain
from governance.keys.providers.stored_roots import StoredRoots

_CIPHERTEXT: Final = re.compile(r"vault:v([1-9][0-9]{0,9}):[A-Za-z0-9+/=]+", re.ASCII)
_LARGEST_ANSWER: Final = 16 * 1024 * 1024
_BATCH: Final = 250
#: What the engine says, by the words that stay the same from version to version.
_REFUSALS: Final = (
    ("disallowed by policy", KeyRetired, "The version of the root key is below min_decryption_version"),
    ("too new", KeyUnknown, "The root key has no such version"),
    ("encryption key not found", KeyUnknown, "The root key is not in the transit engine, or was deleted there"),
    ("not supported by the key", KeySuspended, "The root key does not encrypt or decrypt"),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VaultAccess:
    """Where the engine is and as whom it is called."""

    address: str
    key: str
    mount: str = "transit"
    namespace: str = ""
    token: str = ""
    token_file: str = ""
    ca_file: str = ""
    seconds: float = 5.0
    is_development: bool = False


class VaultProvider(StoredRoots):
    """Wraps with the newest version of a named transit key; opens with any version the engine still allows."""

    name = "vault"

    def __init__(self, access: VaultAccess) -> None:
        super().__init__()
        self._access = access
        self._patience = Patience(access.seconds)
        self._pool = urllib3.PoolManager(
            num_pools=2, maxsize=8, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=access.ca_file or None
        )
        self._token = _Token(access)

    @classmethod
    def from_settings(cls) -> Self:
        return cls(
            VaultAccess(
                address=settings.GOVERNANCE_VAULT_ADDRESS,
                key=settings.GOVERNANCE_VAULT_KEY,
                mount=settings.GOVERNANCE_VAULT_MOUNT,
                namespace=settings.GOVERNANCE_VAULT_NAMESPACE,
                token=settings.GOVERNANCE_VAULT_TOKEN,
                token_file=settings.GOVERNANCE_VAULT_TOKEN_FILE,
                ca_file=settings.GOVERNANCE_VAULT_CA_FILE,
                seconds=settings.GOVERNANCE_KEY_STORE_SECONDS,
                is_development=settings.GOVERNANCE_DEMO,
            )
        )

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        data = self._ask("encrypt", {"plaintext": _text(key), "associated_data": _text(associated_data(context))})
        return self._named(str(data.get("ciphertext", "")))

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        body = self._opening(Wrapped(provider_key, wrapped, context))
        return _bytes(self._ask("decrypt", body).get("plaintext"))

    def rewrap(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        done: list[Wrapped] = []
        for start in range(0, len(wrapped), _BATCH):
            done += self._rewrap_batch(wrapped[start : start + _BATCH])
        return done

    def require_configured(self) -> None:
        parts = urlsplit(self._access.address)
        is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if parts.scheme != "https" and not (parts.scheme == "http" and (is_here or self._access.is_development)):
            raise KeyUnavailable("GOVERNANCE_VAULT_ADDRESS is an https address: the token must not travel in the clear")
        if not self._access.key:
            raise KeyUnavailable("GOVERNANCE_VAULT_KEY names the transit key that wraps controllers' keys")
        if bool(self._access.token) == bool(self._access.token_file):
            raise KeyUnavailable("Set either GOVERNANCE_VAULT_TOKEN_FILE or GOVERNANCE_VAULT_TOKEN")

    def _rewrap_batch(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        opened = self._ask("decrypt", {"batch_input": [self._opening(each) for each in wrapped]})
        plain = [item["plaintext"] for item in _results(opened, len(wrapped))]
        items = [
            {"plaintext": text, "associated_data": _text(associated_data(each.context))}
            for text, each in zip(plain, wrapped, strict=True)
        ]
        sealed = _results(self._ask("encrypt", {"batch_input": items}), len(wrapped))
        return [
            Wrapped(*self._named(item["ciphertext"]), each.context)
            for item, each in zip(sealed, wrapped, strict=True)
        ]  # fmt: skip

    def _opening(self, wrapped: Wrapped) -> dict[str, str]:
        require_key_name(wrapped.provider_key, f"{self._access.key}:v")
        ciphertext = bytes(wrapped.blob).decode("ascii", "replace")
        if not _CIPHERTEXT.fullmatch(ciphertext):
            raise KeyUnavailable(DOES_NOT_OPEN)
        return {"ciphertext": ciphertext, "associated_data": _text(associated_data(wrapped.context))}

    def _named(self, ciphertext: str) -> tuple[str, bytes]:
        found = _CIPHERTEXT.fullmatch(ciphertext)
        if found is None:
            raise KeyUnavailable("The transit engine answered something else than a ciphertext")
        return f"{self._access.key}:v{found[1]}", ciphertext.encode()

    def _ask(self, verb: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.require_configured()
        path = f"{self._access.mount.strip('/')}/{verb}/{self._access.key}"
        return self._patience.call(lambda left: self._authorised(path, body, left))

    def _authorised(self, path: str, body: Mapping[str, Any], left: float) -> Mapping[str, Any]:
        token = self._token.current()
        if self._token.is_due():
            self._renew(left)
        status, answer, after = self._send(path, body, token, left)
        if status == 403 and self._token.read_again():
            # The agent beside us wrote a new token while ours ran out.
            status, answer, after = self._send(path, body, self._token.current(), left)
        return _checked(status, answer, after)

    def _renew(self, left: float) -> None:
        """Renew the token before it ends. A failure is no reason to refuse the call: the token may still be good."""
        try:
            _status, answer, _after = self._send("auth/token/renew-self", {}, self._token.current(), left)
        except TryAgain:
            return
        self._token.renewed(answer.get("auth") or {})

    def _send(
        self, path: str, body: Mapping[str, Any], token: str, left: float
    ) -> tuple[int, Mapping[str, Any], float]:
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true", "Content-Type": "application/json"}
        if self._access.namespace:
            headers["X-Vault-Namespace"] = self._access.namespace
        try:
            response = self._pool.request(
                "POST",
                f"{self._access.address.rstrip('/')}/v1/{path}",
                body=json.dumps(body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(total=left),
                redirect=False,  # the token would follow
                preload_content=False,
            )
            try:
                content = response.read(_LARGEST_ANSWER, decode_content=True)
            finally:
                response.release_conn()
        except HTTPError as failure:
            raise TryAgain from failure
        return response.status, _json(content), _seconds(response.headers.get("Retry-After"))


class _Token:
    """The token of this process and when to renew it; read again from its file when the engine refuses it."""

    def __init__(self, access: VaultAccess) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._value = access.token
        self._due = time.monotonic()  # its lifetime is not known yet: ask once

    def current(self) -> str:
        with self._lock:
            if not self._value:
                self._value = self._read()
            return self._value

    def is_due(self) -> bool:
        """Whether to renew now; one thread is told so, the others go on."""
        with self._lock:
            if time.monotonic() < self._due:
                return False
            self._due = time.monotonic() + 60
            return True

    def renewed(self, auth: Mapping[str, Any]) -> None:
        lease = auth.get("lease_duration")
        if isinstance(lease, int) and lease > 0 and auth.get("renewable"):
            with self._lock:
                self._due = time.monotonic() + lease / 2

    def read_again(self) -> bool:
        """Whether the file holds another token than the one that was refused."""
        if not self._access.token_file:
            return False
        found = self._read()
        with self._lock:
            is_new, self._value = found != self._value, found
            self._due = time.monotonic() if is_new else self._due
            return is_new

    def _read(self) -> str:
        try:
            return Path(self._access.token_file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as failure:
            raise KeyUnavailable("GOVERNANCE_VAULT_TOKEN_FILE cannot be read") from failure


def _checked(status: int, answer: Mapping[str, Any], after: float) -> Mapping[str, Any]:
    data = answer.get("data")
    if status == 200 and isinstance(data, dict):
        return data
    if status in {412, 429, 472, 473} or status >= 500:  # throttled, sealed, standby, not yet replicated
        raise TryAgain(after)
    said = _said(answer)
    for words, refusal, message in _REFUSALS:
        if words in said:
            raise refusal(message)
    if status in {401, 403}:
        raise KeyUnavailable("The key store refuses our token, or the token may not use this key")
    if status == 404:
        raise KeyUnknown("The transit engine is not mounted there, or has no such key")
    raise KeyUnavailable(DOES_NOT_OPEN)


def _said(answer: Mapping[str, Any]) -> str:
    """What the engine complains about, to be searched for known words; it is never passed on."""
    data = answer.get("data")
    results = data.get("batch_results") if isinstance(data, dict) else None
    errors = [item.get("error") for item in results or [] if isinstance(item, dict)]
    return " ".join(str(error) for error in [*(answer.get("errors") or []), *errors] if error)


def _results(data: Mapping[str, Any], expected: int) -> list[Mapping[str, Any]]:
    results = data.get("batch_results")
    if not isinstance(results, list) or len(results) != expected:
        raise KeyUnavailable("The transit engine did not answer for every key of a batch")
    for item in results:
        if item.get("error"):
            _checked(400, {"errors": [item["error"]]}, 0.0)
    return results


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as refused:
        raise KeyUnavailable(DOES_NOT_OPEN) from refused


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
