"""The five key stores as the contract test drives them: each can be rotated, disabled, broken; none is a mock of ours.

KMS is moto, which does not enforce key states and is never slow: a hook in front of it does both.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from governance.crypto import keyring
from governance.keys.providers.aws_kms import KmsProvider
from governance.keys.providers.environment import EnvironmentProvider
from governance.keys.providers.local import LocalProvider
from governance.keys.providers.vault_transit import VaultAccess, VaultProvider
from tests.governance.keys.providers import transit

if TYPE_CHECKING:
    from pathlib import Path

    from governance.keys.providers import Provider

SECONDS = 1.5


class LocalStore:
    """A key file. There is no other machine that could be slow or forbid anything."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"keyring-{secrets.token_hex(4)}"
        keyring.generate(self.path)

    def provider(self) -> Provider:
        return LocalProvider(str(self.path))

    def rotate(self) -> None:
        self._old("decrypt-only")

    def retire_old(self) -> None:
        self.path.write_text(self.path.read_text().replace(" decrypt-only ", " retired "))

    def destroy_old(self) -> None:
        lines = self.path.read_text().splitlines()
        self.path.write_text("\n".join(line for line in lines if " decrypt-only " not in line) + "\n")

    def _old(self, state: str) -> None:
        newer = self.path.with_name(f"{self.path.name}-newer")
        keyring.generate(newer)
        root = [line for line in newer.read_text().splitlines() if line.startswith("root ")]
        newer.unlink()
        kept = [
            line.replace(" active ", f" {state} ") if line.startswith("root ") else line
            for line in self.path.read_text().splitlines()
        ]
        self.path.write_text("\n".join([*kept, *root, ""]))

    def close(self) -> None:
        pass


class EnvironmentStore(LocalStore):
    """The same lines in a variable."""

    def provider(self) -> Provider:
        return EnvironmentProvider(self.path.read_text().replace("\n", ";"), "x" * 60, is_development=True)


class TransitStore:
    """The engine on loopback."""

    def __init__(self, _folder: Path) -> None:
        self._serving = transit.serving()
        self.engine = self._serving.__enter__()

    @property
    def key(self) -> transit.Key:
        return self.engine.keys["root"]

    def provider(self, **changes: Any) -> Provider:
        access = {"address": self.engine.url, "key": "root", "token": "s.good", "seconds": SECONDS} | changes
        return VaultProvider(VaultAccess(**access))

    def stranger(self) -> Provider:
        return self.provider(token="s.nobody")

    def rotate(self) -> None:
        self.key.rotate()

    def retire_old(self) -> None:
        self.key.min_decryption_version = self.key.latest

    def disable(self) -> None:
        self.key.encrypts = False

    def destroy(self) -> None:
        del self.engine.keys["root"]

    def forbid(self) -> None:
        self.engine.forbidden.add("s.good")

    def throttle(self, times: int) -> None:
        self.engine.throttled = times

    def hang(self) -> None:
        self.engine.delay = 2 * SECONDS

    def recover(self) -> None:
        self.engine.delay, self.engine.throttled = 0.0, 0

    def close(self) -> None:
        self._serving.__exit__(None, None, None)


class KmsStore:
    """moto, and in front of it what moto leaves out."""

    def __init__(self, _folder: Path) -> None:
        names = {
            "AWS_ACCESS_KEY_ID": "AKIA" + "X" * 16,
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._patch = patch.dict(os.environ, names)
        self._patch.start()
        self._moto = mock_aws()
        self._moto.start()
        self.calls = 0
        self._throttled = 0
        self._hangs = False
        self._error: tuple[str, int] | None = None
        self._admin = _session().client("kms")
        self._admin.create_alias(AliasName="alias/root", TargetKeyId=self._new_key())

    def _new_key(self) -> str:
        self._current = self._admin.create_key()["KeyMetadata"]["KeyId"]
        return str(self._current)

    def provider(self) -> Provider:
        made = KmsProvider("alias/root", seconds=SECONDS, session=_session())
        made._kms().meta.events.register_first("before-send.kms", self._enforce)  # noqa: SLF001  # the wire itself
        return made

    def stranger(self) -> Provider:
        self._error = ("UnrecognizedClientException", 400)
        return self.provider()

    def rotate(self) -> None:
        self._admin.update_alias(AliasName="alias/root", TargetKeyId=self._new_key())

    def disable(self) -> None:
        self._admin.disable_key(KeyId=self._current)

    def delete_soon(self) -> None:
        self._admin.schedule_key_deletion(KeyId=self._current, PendingWindowInDays=7)

    def destroy(self) -> None:
        self._error = ("NotFoundException", 400)

    def forbid(self) -> None:
        self._error = ("AccessDeniedException", 400)

    def throttle(self, times: int) -> None:
        self._throttled = times

    def hang(self) -> None:
        self._hangs = True

    def recover(self) -> None:
        self._hangs, self._throttled, self._error = False, 0, None

    def close(self) -> None:
        self._moto.stop()
        self._patch.stop()

    def _enforce(self, request: Any, **_kwargs: Any) -> AWSResponse | None:
        self.calls += 1
        if self._hangs:
            raise ReadTimeoutError(endpoint_url=request.url)
        if self._throttled > 0:
            self._throttled -= 1
            return _refused(request, "ThrottlingException", 400)
        if self._error:
            return _refused(request, *self._error)
        body = json.loads(request.body)
        for name in ("KeyId", "SourceKeyId", "DestinationKeyId"):
            state = self._state(body[name]) if name in body else "Enabled"
            if state != "Enabled":
                code = "DisabledException" if state == "Disabled" else "KMSInvalidStateException"
                return _refused(request, code, 400)
        return None

    def _state(self, key: str) -> str:
        return str(self._admin.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


@lru_cache(maxsize=1)
def _session() -> Any:
    import boto3

    return boto3.session.Session()  # once: it reads the descriptions of the services, which takes a second


def _refused(request: Any, code: str, status: int) -> AWSResponse:
    content = json.dumps({"__type": code, "message": "said by the store"}).encode()
    raw = MockRawResponse(content)
    assert isinstance(raw, io.BytesIO)
    return AWSResponse(request.url, status, {"Content-Type": "application/x-amz-json-1.1"}, raw)


class HsmStore:
    """SoftHSM: a real PKCS#11 module with its token in files of this test run."""

    def __init__(self, module: str, token: str) -> None:
        self.module, self.token = module, token
        self.label = ""
        self.rotate()

    def provider(self, pin: str = "") -> Provider:
        from governance.keys.providers.pkcs11 import Pkcs11Provider

        return Pkcs11Provider(self.module, self.token, pin or PIN, self.label, seconds=SECONDS)

    def stranger(self) -> Provider:
        self.restart()  # a session that is open would have signed in for the whole process
        return self.provider(pin="0000")

    def rotate(self, **template: bool) -> None:
        from pkcs11 import Attribute, KeyType

        self.label = f"root-{secrets.token_hex(4)}"
        wanted = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}
        wanted |= {Attribute[name]: value for name, value in template.items()}
        with self._session() as session:
            session.generate_key(KeyType.AES, 256, label=self.label, store=True, template=wanted)

    def disable(self) -> None:
        from pkcs11 import Attribute

        with self._session() as session:
            key = session.get_key(label=self.label)
            key[Attribute.DECRYPT] = key[Attribute.ENCRYPT] = False

    def destroy(self) -> None:
        with self._session() as session:
            session.get_key(label=self.label).destroy()

    def restart(self) -> None:
        """As if the module, or the machine it is in, had been switched off and on."""
        import pkcs11

        pkcs11.lib(self.module).reinitialize()

    def _session(self) -> Any:
        import pkcs11

        token = pkcs11.lib(self.module).get_token(token_label=self.token)
        try:
            return token.open(user_pin=PIN, rw=True)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)

    def close(self) -> None:
        pass


PIN = "56789"
