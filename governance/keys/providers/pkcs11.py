"""Root keys in a hardware module behind PKCS#11: AES-GCM with associated data inside the token; no key leaves it."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

import pkcs11
from django.conf import settings
from pkcs11 import exceptions as p11
from pkcs11.constants import Attribute, ObjectClass
from pkcs11.mechanisms import GCMParams, KeyType, Mechanism

from governance.errors import KeySuspended, KeyUnavailable, KeyUnknown
from governance.keys.providers.contract import DOES_NOT_OPEN, Wrapped, associated_data, require_key_name
from governance.keys.providers.patience import Patience, TryAgain
from governance.keys.providers.stored_roots import StoredRoots

_NONCE_LENGTH: Final = 12
_TAG_LENGTH: Final = 16
_WRAPPABLE: Final = frozenset({32, 64})
#: What a restarted or unplugged module says; a new session may do.
_LOST: Final = (
    p11.DeviceError,
    p11.DeviceRemoved,
    p11.FunctionFailed,
    p11.SessionClosed,
    p11.SessionCount,
    p11.SessionHandleInvalid,
    p11.TokenNotPresent,
    p11.UserNotLoggedIn,
)
_CREDENTIALS: Final = (p11.PinExpired, p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange, p11.PinLocked)


class Pkcs11Provider(StoredRoots):
    """Wraps with the token's key of one label; opens with the key whose label the row names.

    To rotate, make a key with another label in the token, name it in the settings, and rewrap.
    """

    name = "pkcs11"

    def __init__(self, module: str, token: str, pin: str, key: str, *, seconds: float = 5.0) -> None:
        super().__init__()
        self._module, self._token, self._pin, self._key = module, token, pin, key
        self._patience = Patience(seconds)
        self._session: Any = None
        self._pid = 0

    @classmethod
    def from_settings(cls) -> Self:
        return cls(
            settings.GOVERNANCE_PKCS11_MODULE,
            settings.GOVERNANCE_PKCS11_TOKEN,
            settings.GOVERNANCE_PKCS11_PIN,
            settings.GOVERNANCE_PKCS11_KEY,
            seconds=settings.GOVERNANCE_KEY_STORE_SECONDS,
        )

    def wrap(self, key: bytes, context: tuple[str, ...]) -> tuple[str, bytes]:
        nonce = os.urandom(_NONCE_LENGTH)
        return f"label:{self._key}", nonce + self._use(self._key, "encrypt", key, nonce, context)

    def unwrap(self, provider_key: str, wrapped: bytes, context: tuple[str, ...]) -> bytes:
        require_key_name(provider_key, "label:")
        blob = bytes(wrapped)
        if len(blob) - _NONCE_LENGTH - _TAG_LENGTH not in _WRAPPABLE:
            raise KeyUnavailable(DOES_NOT_OPEN)
        nonce, sealed = blob[:_NONCE_LENGTH], blob[_NONCE_LENGTH:]
        return self._use(provider_key.removeprefix("label:"), "decrypt", sealed, nonce, context)

    def rewrap(self, wrapped: Sequence[Wrapped]) -> list[Wrapped]:
        opened = [self.unwrap(each.provider_key, each.blob, each.context) for each in wrapped]
        return [Wrapped(*self.wrap(key, each.context), each.context) for key, each in zip(opened, wrapped, strict=True)]

    def require_configured(self) -> None:
        if not (self._module and self._token and self._pin and self._key):
            raise KeyUnavailable("Set GOVERNANCE_PKCS11_MODULE, _TOKEN, _PIN and _KEY")

    def _use(self, label: str, verb: str, data: bytes, nonce: bytes, context: tuple[str, ...]) -> bytes:
        self.require_configured()
        parameters = GCMParams(nonce, associated_data(context), 8 * _TAG_LENGTH)

        def attempt(_left: float) -> bytes:
            with _one_call_at_a_time, _plain_errors(self._lost):
                root = self._find(label)
                if not hasattr(root, verb):  # CKA_ENCRYPT or CKA_DECRYPT is off
                    raise KeySuspended("The hardware module does not let this root key encrypt or decrypt")
                return bytes(getattr(root, verb)(data, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

        return self._patience.call(attempt)

    def _lost(self) -> None:
        session, self._session = self._session, None
        if session is not None and self._pid == os.getpid():  # a forked child must not end its parent's session
            with suppress(p11.PKCS11Error):
                session.close()

    def _find(self, label: str) -> Any:
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES, Attribute.LABEL: label}
        found = list(self._connected().get_objects(wanted))
        if not found:
            # A session that outlived a restart of the module, or that was signed out by another, may find nothing
            # instead of failing: new ones are asked before the key counts as gone.
            self._lost()
            raise TryAgain(at_last=KeyUnknown("The hardware module has no root key of this label, or destroyed it"))
        if len(found) > 1:
            raise KeyUnavailable("The hardware module has several keys of this label; give each a label of its own")
        if found[0][Attribute.EXTRACTABLE] or not found[0][Attribute.SENSITIVE]:
            # A key that may be taken out is as good as a file: whoever asks for the module does not want that.
            raise KeyUnavailable("The root key can be taken out of the hardware module; make one that cannot")
        return found[0]

    def _connected(self) -> Any:
        if self._session is None or self._pid != os.getpid():
            token = _library(self._module).get_token(token_label=self._token)
            self._session, self._pid = _signed_in(token, self._pin), os.getpid()
        return self._session


#: Modules are initialised without locks of their own: one call at a time in a process, whatever the vendor promises.
_one_call_at_a_time = threading.Lock()


def _start_anew() -> None:
    """Give a forked child a lock that no thread of its parent holds for ever."""
    global _one_call_at_a_time  # noqa: PLW0603  # a process's own state
    _one_call_at_a_time = threading.Lock()


os.register_at_fork(after_in_child=_start_anew)

#: In which process a module was last initialised: a forked child must do so again before anything else (PKCS#11 §5.4).
_pid_of_module: dict[str, int] = {}


def _library(path: str) -> Any:
    try:
        library = pkcs11.lib(path)
        if _pid_of_module.get(path, os.getpid()) != os.getpid():
            with suppress(p11.PKCS11Error):  # a module that noticed the fork says that it was never initialised here
                library.finalize()
            library.initialize()
    except (OSError, RuntimeError) as failure:
        raise KeyUnavailable("GOVERNANCE_PKCS11_MODULE cannot be loaded, or does not start") from failure
    _pid_of_module[path] = os.getpid()
    return library


def _signed_in(token: Any, pin: str) -> Any:
    try:
        return token.open(user_pin=pin)
    except p11.UserAlreadyLoggedIn:
        return token.open()  # another session of this process signed in for all


@contextmanager
def _plain_errors(lost: Callable[[], None]) -> Iterator[None]:
    """Turn what the module says into our own errors; `lost` is told when the session is of no more use."""
    try:
        yield
    except _LOST as failure:
        lost()
        raise TryAgain from failure
    except _CREDENTIALS as failure:
        # Never tried again: most modules lock themselves after a few wrong PINs.
        raise KeyUnavailable("The hardware module refuses the PIN") from failure
    except (p11.NoSuchToken, p11.SlotIDInvalid) as failure:
        raise KeyUnavailable("The hardware module has no token of this label") from failure
    except p11.PKCS11Error as failure:
        # SoftHSM says GeneralError for a wrong tag, others EncryptedDataInvalid; which it was is not told.
        raise KeyUnavailable(DOES_NOT_OPEN) from failure
