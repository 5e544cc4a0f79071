"""A transit engine on loopback that behaves as the real one does: versions, tokens, namespaces, seal, throttling.

Real HTTP and real AES-GCM; what it says and with which status is what Vault and OpenBao say.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = tuple[int, dict[str, Any], dict[str, str]]


class Refused(Exception):
    def __init__(self, *errors: str, status: int = 400) -> None:
        super().__init__(*errors)
        self.status = status


@dataclass
class Key:
    versions: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    min_decryption_version: int = 1
    encrypts: bool = True

    @property
    def latest(self) -> int:
        return max(self.versions)

    def rotate(self) -> None:
        self.versions[self.latest + 1] = os.urandom(32)

    def encrypt(self, plaintext: bytes, associated: bytes) -> str:
        if not self.encrypts:
            raise Refused("encryption is not supported by the key type: key disabled")
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(self.versions[self.latest]).encrypt(nonce, plaintext, associated)
        return f"vault:v{self.latest}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, ciphertext: str, associated: bytes) -> bytes:
        if not self.encrypts:
            raise Refused("decryption is not supported by the key type: key disabled")
        _vault, version, text = ciphertext.split(":")
        number = int(version[1:])
        if number > self.latest:
            raise Refused("invalid ciphertext: version is too new")
        if number < self.min_decryption_version:
            raise Refused("ciphertext or signature version is disallowed by policy (too old)")
        sealed = base64.b64decode(text)
        try:
            return AESGCM(self.versions[number]).decrypt(sealed[:12], sealed[12:], associated)
        except InvalidTag:
            raise Refused("cipher: message authentication failed") from None


@dataclass
class Engine:
    """The state a test may change while the engine serves."""

    keys: dict[str, Key] = field(default_factory=lambda: {"root": Key()})
    tokens: set[str] = field(default_factory=lambda: {"s.good"})
    forbidden: set[str] = field(default_factory=set)  # tokens without a policy for the key
    namespace: str = ""
    sealed: bool = False
    throttled: int = 0  # how many calls to turn away
    retry_after: str = "0"
    delay: float = 0.0
    lease: int = 3600
    calls: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, headers: Any, body: dict[str, Any]) -> Answer:
        self.calls.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}, {}
        if self.throttled > 0:
            self.throttled -= 1
            return 429, {"errors": ["request path: rate limit quota exceeded"]}, {"Retry-After": self.retry_after}
        token = headers.get("X-Vault-Token", "")
        is_allowed = token in self.tokens and (token not in self.forbidden or path.startswith("auth/"))
        if headers.get("X-Vault-Namespace", "") != self.namespace or not is_allowed:
            return 403, {"errors": ["permission denied"]}, {}
        if path == "auth/token/renew-self":
            return 200, {"auth": {"client_token": token, "lease_duration": self.lease, "renewable": True}}, {}
        return self._transit(path, body)

    def _transit(self, path: str, body: dict[str, Any]) -> Answer:
        mount, verb, name = path.split("/")
        if mount != "transit" or verb not in {"encrypt", "decrypt"}:
            return 404, {"errors": [f'no handler for route "{path}".']}, {}
        if name not in self.keys:
            return 400, {"errors": ["encryption key not found"]}, {}
        try:
            if "batch_input" not in body:
                return 200, {"data": _one(self.keys[name], verb, body)}, {}
        except Refused as refused:
            return refused.status, {"errors": list(refused.args)}, {}
        results = [_kept(self.keys[name], verb, item) for item in body["batch_input"]]
        return 400 if any("error" in each for each in results) else 200, {"data": {"batch_results": results}}, {}


def _one(key: Key, verb: str, item: dict[str, str]) -> dict[str, Any]:
    associated = base64.b64decode(item.get("associated_data", ""))
    if verb == "encrypt":
        return {"ciphertext": key.encrypt(base64.b64decode(item["plaintext"]), associated), "key_version": key.latest}
    return {"plaintext": base64.b64encode(key.decrypt(item["ciphertext"], associated)).decode()}


def _kept(key: Key, verb: str, item: dict[str, str]) -> dict[str, Any]:
    try:
        return _one(key, verb, item)
    except Refused as refused:
        return {"error": refused.args[0]}


@contextmanager
def serving() -> Iterator[Engine]:
    """Serve an engine on a free port of this machine."""
    engine = Engine()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            engine.bodies.append(body)
            time.sleep(engine.delay)
            status, answer, headers = engine.answer(self.path.removeprefix("/v1/"), self.headers, json.loads(body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the caller gave up waiting, which is what some tests are about
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    engine.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
