"""The ciphers by suite and the keys derived for them; names AES-256-GCM, knows no envelope and stores nothing."""

import hmac
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from governance.crypto import BytesLike
from governance.crypto.errors import DecryptionFailed
from governance.crypto.siv import SIV
from governance.crypto.xaes import XAESGCM

KEY_LENGTH: Final = 32
KEY_ID_LENGTH: Final = 8
TAG_LENGTH: Final = 16

SUITE_AES_256_GCM: Final = 1
SUITE_XAES_256_GCM: Final = 2
SUITE_AES_SIV: Final = 4
CONTROLLER_SCOPE: Final = "controller"

_SIV_KEY_LENGTH: Final = 64
_BLOCK: Final = 32
_DERIVE_CONTEXT: Final = b"cxp/derive/1"


class Cipher:
    """One AES-256-GCM key (suite 1), ready for use; draws every nonce itself and shows nothing of the key.

    Refuses pickling, so that no key rides in a cache entry or a task message.
    """

    __slots__ = ("_key", "aead")

    suite: ClassVar[int] = SUITE_AES_256_GCM
    nonce_length: ClassVar[int] = 12  # SP 800-38D §8.2.2: 96 random bits, at most 2^32 values under one key

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError("A cipher key is 32 bytes.")
        self._key = key
        self.aead = self._made(key)

    def encrypt(self, plaintext: BytesLike, associated_data: bytes) -> bytes:
        """Answer nonce, ciphertext and tag in one piece."""
        # The nonce is never an argument: one repeat under a key would reveal its authentication key.
        nonce = os.urandom(self.nonce_length)
        return nonce + self.aead.encrypt(nonce, plaintext, associated_data)

    def decrypt(self, sealed: BytesLike, associated_data: bytes) -> bytes:
        """Answer the plaintext; raises DecryptionFailed for a wrong key, other data or a changed byte alike."""
        if len(sealed) < self.nonce_length + TAG_LENGTH:
            raise DecryptionFailed
        try:
            return self.aead.decrypt(bytes(sealed[: self.nonce_length]), sealed[self.nonce_length :], associated_data)
        except InvalidTag:
            raise DecryptionFailed from None

    def derived(self, *labels: str, length: int = KEY_LENGTH) -> bytes:
        """Derive a key for another use of the same owner; it is gone when this key is."""
        return derive(self._key, *labels, length=length)

    @staticmethod
    def _made(key: bytes) -> AESGCM | XAESGCM | SIV:
        return AESGCM(key)

    def __repr__(self) -> str:
        return "<Cipher>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A cipher holds a key and is never pickled or copied.")


class ExtendedCipher(Cipher):
    """One XAES-256-GCM key (suite 2), for keys that seal more values than a random nonce of 96 bits allows."""

    __slots__ = ()

    suite = SUITE_XAES_256_GCM
    nonce_length = 24

    @staticmethod
    def _made(key: bytes) -> XAESGCM:
        return XAESGCM(key)


class TokenCipher(Cipher):
    """One AES-SIV key (suite 4), derived for tokens alone: equal values at one place give equal envelopes."""

    __slots__ = ()

    suite = SUITE_AES_SIV
    nonce_length = 0

    @staticmethod
    def _made(key: bytes) -> SIV:
        return SIV(derive(key, "token", length=_SIV_KEY_LENGTH))


CIPHERS: Final[dict[int, type[Cipher]]] = {each.suite: each for each in (Cipher, ExtendedCipher, TokenCipher)}


def cipher_for(scope_kind: str, key: bytes) -> Cipher:
    """Answer the cipher that this kind of owner's key is used with; there is exactly one."""
    return ExtendedCipher(key) if scope_kind == CONTROLLER_SCOPE else Cipher(key)


def derive(key: bytes, *labels: str, length: int = KEY_LENGTH) -> bytes:
    """Derive a key for one use (HKDF-Expand, RFC 5869 §2.3); equal labels give equal keys.

    Never to make a data subject's own key: what can be derived again cannot be destroyed.
    """
    if len(key) < KEY_LENGTH:
        raise ValueError("A key to derive from is at least 32 bytes.")
    if not labels:
        raise ValueError("A derived key needs at least one label.")
    info = _info(labels)
    if length == _BLOCK:
        # The one block that nearly every key is, at half the time; a page of strangers derives one for each person.
        return hmac.digest(key, info + b"\x01", "sha256")
    return HKDFExpand(algorithm=SHA256(), length=length, info=info).derive(key)


@lru_cache(maxsize=256)
def _info(labels: tuple[str, ...]) -> bytes:
    return _DERIVE_CONTEXT + length_prefixed(labels)


def new_key(length: int = KEY_LENGTH) -> bytes:
    """Draw a random key."""
    return os.urandom(length)


def new_key_id() -> bytes:
    """Draw a random 64-bit key id, which names one row of the key table."""
    return os.urandom(KEY_ID_LENGTH)


def length_prefixed(parts: Iterable[str]) -> bytes:
    """Join texts so that no two different lists give the same bytes."""
    # Fixed-width lengths: with separators or decimal lengths two different lists could give the same bytes.
    encoded = [part.encode() for part in parts]
    return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


@lru_cache(maxsize=1024)
def alike(parts: tuple[str, ...]) -> bytes:
    """Answer length_prefixed() of parts that come again and again; never of what names one person alone."""
    return length_prefixed(parts)
