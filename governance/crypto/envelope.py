"""Turns bytes into envelopes and keys into wrapped keys; the only file that names a cipher, and it stores nothing.

The byte layout is specified in docs/envelope.md and changes only together with a new version byte.
"""

import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from governance.crypto.errors import CorruptEnvelope, DecryptionFailed

# What database drivers hand back for a binary column.
BytesLike = bytes | bytearray | memoryview

KEY_LENGTH: Final = 32
KEY_ID_LENGTH: Final = 8

MARKER: Final = 0xFE  # never occurs in UTF-8, so stray text is never mistaken for an envelope
VERSION: Final = 1
SUITE_AES_256_GCM: Final = 1
FLAG_PADDED: Final = 0b01
FLAG_SUBJECT_SCOPED: Final = 0b10
SUBJECT_SCOPE: Final = "subject"

_KNOWN_FLAGS: Final = FLAG_PADDED | FLAG_SUBJECT_SCOPED
_HEADER_LENGTH: Final = 12
_NONCE_LENGTH: Final = 12  # SP 800-38D §8.2.2: 96 random bits, at most 2^32 values under one key
_TAG_LENGTH: Final = 16
_PAD_PREFIX_LENGTH: Final = 4
_WRAPPABLE_LENGTHS: Final = frozenset({32, 64})

_SHORTEST: Final = _HEADER_LENGTH + _NONCE_LENGTH + _TAG_LENGTH
# Every beginning this version writes, by its flags.
_HEADS: Final = tuple(bytes((MARKER, VERSION, SUITE_AES_256_GCM, flags)) for flags in range(_KNOWN_FLAGS + 1))

_PLACE_CONTEXT: Final = b"cxp/1"
_WRAP_CONTEXT: Final = b"cxp/wrap/1"
_DERIVE_CONTEXT: Final = b"cxp/derive/1"
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


class Cipher:
    """One AES-256-GCM key, ready for use; draws every nonce itself and shows nothing of the key.

    Refuses pickling, so that no key rides in a cache entry or a task message.
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError("A cipher key is 32 bytes.")
        self._aead = AESGCM(key)

    def encrypt(self, plaintext: BytesLike, associated_data: bytes) -> bytes:
        """Answer nonce, ciphertext and tag in one piece."""
        # The nonce is never an argument: one repeat under a key would reveal its authentication key.
        nonce = os.urandom(_NONCE_LENGTH)
        return nonce + self._aead.encrypt(nonce, plaintext, associated_data)

    def decrypt(self, sealed: BytesLike, associated_data: bytes) -> bytes:
        """Answer the plaintext; raises DecryptionFailed for a wrong key, other data or a changed byte alike."""
        if len(sealed) < _NONCE_LENGTH + _TAG_LENGTH:
            raise DecryptionFailed
        try:
            return self._aead.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], associated_data)
        except InvalidTag:
            raise DecryptionFailed from None

    def __repr__(self) -> str:
        return "<Cipher>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A cipher holds a key and is never pickled or copied.")


def encrypt(cipher: Cipher, key_id: bytes, plaintext: BytesLike, place: Place, *, pad_to: int | None = None) -> bytes:
    """Put plaintext into an envelope that opens only at `place`; `pad_to` hides its length up to that multiple."""
    if len(key_id) != KEY_ID_LENGTH:
        raise ValueError("A key id is 8 bytes.")
    flags = FLAG_SUBJECT_SCOPED if place.scope_kind == SUBJECT_SCOPE else 0
    if pad_to is not None:
        flags |= FLAG_PADDED
        plaintext = _pad(bytes(plaintext), pad_to)
    head = _HEADS[flags] + key_id
    return head + cipher.encrypt(plaintext, _place_data(head, place))


def decrypt(cipher: Cipher, key_id: bytes, envelope: BytesLike, place: Place) -> bytes:
    """Take the plaintext out of an envelope.

    Raises CorruptEnvelope when the bytes are malformed and DecryptionFailed when they do not open here.
    """
    sealed = bytes(envelope)
    head = sealed[:_HEADER_LENGTH]
    _require_readable(head, len(sealed))
    # A row that names another key than the one fetched for it was moved or edited.
    if head[4:] != key_id:
        raise DecryptionFailed
    plaintext = cipher.decrypt(sealed[_HEADER_LENGTH:], _place_data(head, place))
    return _unpad(plaintext) if head[3] & FLAG_PADDED else plaintext


def header(envelope: BytesLike) -> Header:
    """Read the header, so that the caller can fetch the key it names; raises CorruptEnvelope."""
    head = bytes(memoryview(envelope)[:_HEADER_LENGTH])
    _require_readable(head, len(envelope))
    return Header(version=head[1], suite=head[2], flags=head[3], key_id=head[4:])


def wrap(cipher: Cipher, key: bytes, aad_parts: Sequence[str]) -> bytes:
    """Encrypt a 32- or 64-byte key under another, bound to the parts that name its row."""
    if len(key) not in _WRAPPABLE_LENGTHS:
        raise ValueError("A key to wrap is 32 or 64 bytes.")
    return cipher.encrypt(key, _wrap_data(aad_parts))


def unwrap(cipher: Cipher, wrapped: BytesLike, aad_parts: Sequence[str]) -> bytes:
    """Open a wrapped key; the caller then checks its commitment.

    Raises CorruptEnvelope for an impossible length and DecryptionFailed when it does not open for these parts.
    """
    if len(wrapped) - _NONCE_LENGTH - _TAG_LENGTH not in _WRAPPABLE_LENGTHS:
        raise CorruptEnvelope("A wrapped key has an impossible length.")
    return cipher.decrypt(wrapped, _wrap_data(aad_parts))


def commitment(key: bytes, key_id: bytes) -> bytes:
    """Answer 32 bytes that tie a key id to exactly one key and say nothing about it."""
    return hmac.digest(derive(key, _COMMITMENT_LABEL), key_id, "sha256")


def require_commitment(key: bytes, key_id: bytes, expected: BytesLike) -> None:
    """Refuse a key other than the one committed to; raises DecryptionFailed."""
    # GCM does not commit to its key: without this, one ciphertext could be made to open under two
    # keys, which is what partitioning-oracle attacks use.
    if not hmac.compare_digest(commitment(key, key_id), bytes(expected)):
        raise DecryptionFailed


def derive(key: bytes, *labels: str, length: int = KEY_LENGTH) -> bytes:
    """Derive a key for one use (HKDF-Expand, RFC 5869 §2.3); equal labels give equal keys.

    Never for a data subject's key: what can be derived again cannot be destroyed.
    """
    if len(key) < KEY_LENGTH:
        raise ValueError("A key to derive from is at least 32 bytes.")
    if not labels:
        raise ValueError("A derived key needs at least one label.")
    info = _DERIVE_CONTEXT + _length_prefixed(labels)
    return HKDFExpand(algorithm=SHA256(), length=length, info=info).derive(key)


def new_key(length: int = KEY_LENGTH) -> bytes:
    """Draw a random key."""
    return os.urandom(length)


def new_key_id() -> bytes:
    """Draw a random 64-bit key id, which names one row of the key table."""
    return os.urandom(KEY_ID_LENGTH)


def _require_readable(head: bytes, length: int) -> None:
    if not head or head[0] != MARKER:
        raise CorruptEnvelope("The value does not begin with the envelope marker.")
    if length < _SHORTEST:
        raise CorruptEnvelope("The envelope is truncated.")
    if head[1] != VERSION:
        raise CorruptEnvelope("The envelope version is not known.")
    if head[2] != SUITE_AES_256_GCM:
        raise CorruptEnvelope("The envelope names a cipher suite that is not offered.")
    if head[3] & ~_KNOWN_FLAGS:
        raise CorruptEnvelope("The envelope sets a reserved flag.")


def _place_data(head: bytes, place: Place) -> bytes:
    scope_id = place.scope_id.encode()
    shared = _shared_place(place.controller, place.label, place.scope_kind)
    return b"".join((_PLACE_CONTEXT, head, shared, len(scope_id).to_bytes(4, "big"), scope_id))


@lru_cache(maxsize=1024)
def _shared_place(controller: str, label: str, scope_kind: str) -> bytes:
    # Few and the same for every person, unlike the scope id, which is never kept.
    return _length_prefixed((controller, label, scope_kind))


def _wrap_data(parts: Sequence[str]) -> bytes:
    if isinstance(parts, str):
        raise TypeError("The bound parts are a sequence of strings, not one string.")
    return _WRAP_CONTEXT + _length_prefixed(parts)


def _length_prefixed(parts: Iterable[str]) -> bytes:
    # Fixed-width lengths: with separators or decimal lengths two different lists could give the same bytes.
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _pad(plaintext: bytes, multiple: int) -> bytes:
    if multiple < 1:
        raise ValueError("Padding goes up to a multiple of at least one byte.")
    inner = len(plaintext).to_bytes(_PAD_PREFIX_LENGTH, "big") + plaintext
    return inner + bytes(-len(inner) % multiple)


def _unpad(inner: bytes) -> bytes:
    # The bytes are authentic here; a bad pad means a faulty writer, not an attacker, so saying so is safe.
    length = int.from_bytes(inner[:_PAD_PREFIX_LENGTH], "big")
    end = _PAD_PREFIX_LENGTH + length
    if len(inner) < end or any(inner[end:]):
        raise CorruptEnvelope("The padding inside the envelope is malformed.")
    return inner[_PAD_PREFIX_LENGTH:end]
