"""Turns bytes into envelopes and keys into wrapped keys; which cipher that is, the key's owner decides. Stores nothing.

The byte layout is specified in docs/envelope.md and changes only together with a new version byte.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from os import urandom
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag

from governance.crypto import BytesLike
from governance.crypto.ciphers import (
    CIPHERS,
    KEY_ID_LENGTH,
    KEY_LENGTH,
    SUITE_AES_256_GCM,
    TAG_LENGTH,
    Cipher,
    alike,
    cipher_for,
    derive,
    length_prefixed,
    new_key,
    new_key_id,
)
from governance.crypto.errors import CorruptEnvelope, DecryptionFailed
from governance.crypto.padding import Buckets, pad, unpad

__all__ = [
    "KEY_ID_LENGTH",
    "KEY_LENGTH",
    "STREAM_HEAD_LENGTH",
    "Cipher",
    "Header",
    "OwnedCipher",
    "Place",
    "cipher_for",
    "commitment",
    "decrypt",
    "derive",
    "encrypt",
    "header",
    "new_key",
    "new_key_id",
    "require_commitment",
    "unwrap",
    "wrap",
]

MARKER: Final = 0xFE  # never occurs in UTF-8, so stray text is never mistaken for an envelope
VERSION: Final = 1
SUITE_STREAM: Final = 6  # begins a file, never an envelope
FLAG_PADDED: Final = 0b01
FLAG_SUBJECT_SCOPED: Final = 0b10
SUBJECT_SCOPE: Final = "subject"

_KNOWN_FLAGS: Final = FLAG_PADDED | FLAG_SUBJECT_SCOPED
_HEADER_LENGTH: Final = 12
STREAM_HEAD_LENGTH: Final = _HEADER_LENGTH
_WRAPPABLE_LENGTHS: Final = frozenset({32, 64})

_PLACE_CONTEXT: Final = b"cxp/1"
_STREAM_CONTEXT: Final = b"cxp/stream/1"
_WRAP_CONTEXT: Final = b"cxp/wrap/1"
_ALIKE: Final = 3
_COMMITMENT_LABEL: Final = "commitment"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext belongs: it opens there and nowhere else.

    The label is a declared constant, never a table or column name: a rename must not make data unreadable.
    """

    controller: str
    label: str
    scope_kind: str
    scope_id: str


@dataclass(frozen=True, slots=True)
class Header:
    """What an envelope says about itself before anything is opened. Not yet authenticated."""

    version: int
    suite: int
    flags: int
    key_id: bytes


class OwnedCipher:
    """One owner's key at that owner's place: only the label still varies, so what is bound is made once for each."""

    __slots__ = (
        "_body",
        "_bound",
        "_cipher",
        "_controller",
        "_decrypt",
        "_encrypt",
        "_head",
        "_nonce_length",
        "_owner",
    )

    def __init__(self, cipher: Cipher, key_id: bytes, *, controller: str, scope_kind: str, scope_id: str) -> None:
        if len(key_id) != KEY_ID_LENGTH:
            raise ValueError("A key id is 8 bytes.")
        flags = FLAG_SUBJECT_SCOPED if scope_kind == SUBJECT_SCOPE else 0
        self._cipher = cipher
        self._nonce_length = cipher.nonce_length
        self._body = _HEADER_LENGTH + cipher.nonce_length
        self._encrypt, self._decrypt = cipher.aead.encrypt, cipher.aead.decrypt
        self._controller = alike((controller,))
        self._owner = alike((scope_kind,)) + length_prefixed((scope_id,))
        self._head = bytes((MARKER, VERSION, cipher.suite, flags)) + key_id
        self._bound: tuple[str | None, bytes] = (None, b"")

    def encrypt(self, plaintext: BytesLike, label: str, *, pad_to: Buckets | None = None) -> bytes:
        """Put plaintext into an envelope that opens only here; `pad_to` hides its length up to one of those sizes."""
        head = self._head
        if pad_to is None:
            last = self._bound
            bound = last[1] if last[0] == label else self._bind(label)
        else:
            head = bytes((*head[:3], head[3] | FLAG_PADDED)) + head[4:]
            bound = self._bound_to(head, label)
            plaintext = pad(bytes(plaintext), pad_to)
        # The nonce is never an argument: one repeat under a key would reveal its authentication key.
        nonce = urandom(self._nonce_length)
        return head + nonce + self._encrypt(nonce, plaintext, bound)

    def decrypt(self, envelope: BytesLike, label: str) -> bytes:
        """Take the plaintext out of an envelope.

        Raises CorruptEnvelope when the bytes are malformed and DecryptionFailed when they do not open here.
        """
        sealed = bytes(envelope)
        body = self._body
        # The very header that this key writes: marker, version, suite, flags and key id in one comparison.
        if sealed[:_HEADER_LENGTH] != self._head or len(sealed) < body + TAG_LENGTH:
            return self._decrypt_otherwise(sealed, label)
        last = self._bound
        bound = last[1] if last[0] == label else self._bind(label)
        try:
            return self._decrypt(sealed[_HEADER_LENGTH:body], sealed[body:], bound)
        except InvalidTag:
            raise DecryptionFailed from None

    def _decrypt_otherwise(self, sealed: bytes, label: str) -> bytes:
        head = sealed[:_HEADER_LENGTH]
        _require_readable(head, len(sealed))
        # A row that names another key or suite than the one fetched for it was moved or edited.
        if head[2] != self._cipher.suite or head[4:] != self._head[4:]:
            raise DecryptionFailed
        plaintext = self._cipher.decrypt(sealed[_HEADER_LENGTH:], self._bound_to(head, label))
        return unpad(plaintext) if head[3] & FLAG_PADDED else plaintext

    def stream(self, label: str) -> tuple[bytes, bytes, bytes]:
        """Answer what a file of this label begins with, its key, and the context that binds it (suite 6)."""
        head = self._stream_head()
        context = _STREAM_CONTEXT + head + self._controller + length_prefixed((label,)) + self._owner
        return head, self._cipher.derived("stream"), context

    def stream_of(self, head: bytes, label: str) -> tuple[bytes, bytes]:
        """Answer key and context of a file that begins like this; raises DecryptionFailed for another owner's."""
        if head != self._stream_head():
            raise DecryptionFailed
        return self.stream(label)[1:]

    def _stream_head(self) -> bytes:
        return bytes((MARKER, VERSION, SUITE_STREAM, self._head[3])) + self._head[4:]

    def _bind(self, label: str) -> bytes:
        # The last one only: a page reads one column of many rows, and labels may come from a caller.
        bound = self._bound_to(self._head, label)
        self._bound = (label, bound)  # one assignment: another thread sees both or neither
        return bound

    def _bound_to(self, head: bytes, label: str) -> bytes:
        return _PLACE_CONTEXT + head + self._controller + alike((label,)) + self._owner

    def __repr__(self) -> str:
        return "<OwnedCipher>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A cipher holds a key and is never pickled or copied.")


def encrypt(
    cipher: Cipher, key_id: bytes, plaintext: BytesLike, place: Place, *, pad_to: Buckets | None = None
) -> bytes:
    """Encrypt one value at `place`; for many values of one owner keep the OwnedCipher."""
    return _owned(cipher, key_id, place).encrypt(plaintext, place.label, pad_to=pad_to)


def decrypt(cipher: Cipher, key_id: bytes, envelope: BytesLike, place: Place) -> bytes:
    """Take one value out of its envelope, as OwnedCipher.decrypt() does."""
    return _owned(cipher, key_id, place).decrypt(envelope, place.label)


def header(envelope: BytesLike) -> Header:
    """Read the header, so that the caller can fetch the key it names; raises CorruptEnvelope."""
    head = bytes(memoryview(envelope)[:_HEADER_LENGTH])
    _require_readable(head, len(envelope))
    return Header(version=head[1], suite=head[2], flags=head[3], key_id=head[4:])


def wrap(cipher: Cipher, key: bytes, aad_parts: Sequence[str]) -> bytes:
    """Encrypt a 32- or 64-byte key under another, bound to the parts that name its row."""
    if len(key) not in _WRAPPABLE_LENGTHS:
        raise ValueError("A key to wrap is 32 or 64 bytes.")
    _require_wrapping(cipher)
    return cipher.encrypt(key, _wrap_data(aad_parts))


def unwrap(cipher: Cipher, wrapped: BytesLike, aad_parts: Sequence[str]) -> bytes:
    """Open a wrapped key; the caller then checks its commitment.

    Raises CorruptEnvelope for an impossible length and DecryptionFailed when it does not open for these parts.
    """
    _require_wrapping(cipher)
    _require_wrapped(wrapped, cipher)
    return cipher.decrypt(wrapped, _wrap_data(aad_parts))


def rewrap(opening: Cipher, sealing: Cipher, wrapped: BytesLike, aad_parts: Sequence[str]) -> bytes:
    """Put a wrapped key under another cipher, bound as before, and hand it to nobody; raises as unwrap() does."""
    _require_wrapping(opening)
    _require_wrapping(sealing)
    _require_wrapped(wrapped, opening)
    bound = _wrap_data(aad_parts)
    return sealing.encrypt(opening.decrypt(wrapped, bound), bound)


def commitment(key: bytes, key_id: bytes) -> bytes:
    """Answer 32 bytes that tie a key id to exactly one key and say nothing about it."""
    return hmac.digest(derive(key, _COMMITMENT_LABEL), key_id, "sha256")


def require_commitment(key: bytes, key_id: bytes, expected: BytesLike) -> None:
    """Refuse a key other than the one committed to; raises DecryptionFailed."""
    # GCM does not commit to its key: without this, one ciphertext could be made to open under two
    # keys, which is what partitioning-oracle attacks use.
    if not hmac.compare_digest(commitment(key, key_id), bytes(expected)):
        raise DecryptionFailed


def _owned(cipher: Cipher, key_id: bytes, place: Place) -> OwnedCipher:
    return OwnedCipher(
        cipher, key_id, controller=place.controller, scope_kind=place.scope_kind, scope_id=place.scope_id
    )


def _require_readable(head: bytes, length: int) -> None:
    if not head or head[0] != MARKER:
        raise CorruptEnvelope("The value does not begin with the envelope marker.")
    if len(head) < _HEADER_LENGTH:
        raise CorruptEnvelope("The envelope is truncated.")
    if head[1] != VERSION:
        raise CorruptEnvelope("The envelope version is not known.")
    if head[2] not in CIPHERS:
        raise CorruptEnvelope("The envelope names a cipher suite that is not offered.")
    if head[3] & ~_KNOWN_FLAGS:
        raise CorruptEnvelope("The envelope sets a reserved flag.")
    if length < _HEADER_LENGTH + CIPHERS[head[2]].nonce_length + TAG_LENGTH:
        raise CorruptEnvelope("The envelope is truncated.")


def _require_wrapping(cipher: Cipher) -> None:
    if cipher.suite != SUITE_AES_256_GCM:
        raise ValueError("Keys are wrapped with AES-256-GCM.")


def _require_wrapped(wrapped: BytesLike, cipher: Cipher) -> None:
    if len(wrapped) - cipher.nonce_length - TAG_LENGTH not in _WRAPPABLE_LENGTHS:
        raise CorruptEnvelope("A wrapped key has an impossible length.")


def _wrap_data(parts: Sequence[str]) -> bytes:
    if isinstance(parts, str):
        raise TypeError("The bound parts are a sequence of strings, not one string.")
    # What a page's or a rotation's keys are bound to begins alike: the use, the controller and the kind of owner.
    return _WRAP_CONTEXT + alike(tuple(parts[:_ALIKE])) + length_prefixed(parts[_ALIKE:])
