"""Root keys in AWS KMS; the context travels as the encryption context, and the keys never leave the service."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from django.conf import settings

from governance.errors import KeySuspended, KeyUnavailable, KeyUnknown
from governance.keys.providers.contract import DOES_NOT_OPEN, Wrapped, require_key_name
from governance.keys.providers.patience import Patience, TryAgain
from governance.keys.providers.stored_roots import StoredRoots

_PASSING: Final = frozenset(
    {
        "DependencyTimeoutException",
        "InternalFailure",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
    }
)
_FORBIDDEN: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_REFUSALS: Final = {
    "DisabledException": (KeySuspended, "The root key is disabled in AWS KMS"),
    "IncorrectKeyException": (KeyUnknown, "A wrapped key was wrapped by another root key"),
    # Pending deletion or import: it may come back, and until then nothing opens.
    "KMSInvalidStateException": (KeySuspended, "The root key is pending deletion or otherwise out of use in AWS KMS"),
    "NotFoundException": (KeyUnknown, "The root key is not in AWS KMS, or was deleted there"),
}


class KmsProvider(StoredRoots):
    """Wraps with the key that the settings name; opens with the key that the row names."""

    name = "kms"

    def __init__(self, key: str, *, seconds: float = 5.0, session: Any = None) -> None:
        super().__init__()
        self._session = session
        self._lock = threading.Lock()
        self._key = key
        self._seconds = seconds
        self._patience = Patience(seconds)
        self._client: Any = None

    @classmethod
    def from_settings(cls) -> Self:
        return cls(settings.GOVERNANCE_KMS_KEY, seconds=settings.GOVERNANCE_KEY_STORE_SECONDS)

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        self.require_configured()
        made = self._call("encrypt", KeyId=self._key, Plaintext=key, EncryptionContext=_context(context))
        return str(made["KeyId"]), bytes(made["CiphertextBlob"])

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        require_key_name(provider_key, "arn:")
        # The key is named: KMS would otherwise open with whatever key the blob names, in any account.
        body = {"KeyId": provider_key, "CiphertextBlob": bytes(wrapped), "EncryptionContext": _context(context)}
        return bytes(self._call("decrypt", **body)["Plaintext"])

    def rewrap(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        return [self._rewrap(each) for each in wrapped]

    def require_configured(self) -> None:
        if not self._key:
            raise KeyUnavailable("GOVERNANCE_KMS_KEY names the key in AWS KMS, by its ARN or alias")

    def _rewrap(self, wrapped: Wrapped) -> Wrapped:
        require_key_name(wrapped.provider_key, "arn:")
        made = self._call(
            "re_encrypt",  # inside KMS: the key is not seen here
            CiphertextBlob=bytes(wrapped.blob),
            SourceKeyId=wrapped.provider_key,
            SourceEncryptionContext=_context(wrapped.context),
            DestinationKeyId=self._key,
            DestinationEncryptionContext=_context(wrapped.context),
        )
        return Wrapped(str(made["KeyId"]), bytes(made["CiphertextBlob"]), wrapped.context)

    def _call(self, operation: str, **body: object) -> Any:
        return self._patience.call(lambda _left: _once(getattr(self._kms(), operation), body))

    def _kms(self) -> Any:
        """The client, made at first use: in a forked child this object is new, and so are its connections."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        # One try of its own: how long and how often is decided by Patience alone.
        tries = {"total_max_attempts": 1, "mode": "standard"}
        each = max(0.5, self._seconds / 2)
        config = Config(connect_timeout=each, read_timeout=each, retries=tries, max_pool_connections=16)
        try:
            return (self._session or boto3.session.Session()).client("kms", config=config)
        except BotoCoreError as refused:
            raise KeyUnavailable("AWS KMS is not set up: AWS_DEFAULT_REGION and credentials are needed") from refused


def _once(operation: Callable[..., Any], body: dict[str, object]) -> Any:
    try:
        return operation(**body)
    except ClientError as failure:
        raise _meaning(failure) from failure
    except NoCredentialsError as failure:
        raise KeyUnavailable("There are no credentials for AWS KMS") from failure
    except BotoCoreError as failure:  # timeouts, broken connections
        raise TryAgain from failure


def _meaning(failure: ClientError) -> Exception:
    code = str(failure.response.get("Error", {}).get("Code", ""))
    status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _FORBIDDEN:
        return KeyUnavailable("AWS KMS refuses our credentials, or they may not use this key")
    if code in _REFUSALS:
        refusal, message = _REFUSALS[code]
        return refusal(message)
    if code in _PASSING or status >= 500:
        return TryAgain()
    return KeyUnavailable(DOES_NOT_OPEN)


def _context(parts: tuple[str, ...]) -> dict[str, str]:
    """The context as KMS takes it. Numbered, so that no two contexts are equal and each is readable in CloudTrail."""
    return {f"part{number}": part for number, part in enumerate(("cxp/root-key/1", *parts))}
