"""Encrypts files in chunks (https://c2sp.org/chunked-encryption, Cobblestone-256); no byte comes out unverified.

Instantiated with AES-256-GCM and SHA-512, as the published test vectors are. It stores nothing and knows no place; what
binds a stream to one is the context.
"""

import hmac
import io
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from governance.crypto.errors import CorruptEnvelope, DecryptionFailed

KEY_LENGTH: Final = 32
CHUNK: Final = 16 * 1024
PREFIX_LENGTH: Final = 56  # salt and commitment
TAG_LENGTH: Final = 16

_INFO: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"
_SALT_LENGTH: Final = 24
_NONCE_LENGTH: Final = 12
_COMMITMENT_LENGTH: Final = 32
_SEALED_CHUNK: Final = CHUNK + TAG_LENGTH
_MOST_CHUNKS: Final = 1 << 38


class _Message:
    """The key, base nonce and commitment of one message."""

    __slots__ = ("_aead", "_base", "commitment")

    def __init__(self, key: bytes, salt: bytes, context: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError("A key of a stream is 32 bytes.")
        length = KEY_LENGTH + _NONCE_LENGTH + _COMMITMENT_LENGTH
        derived = HKDFExpand(algorithm=SHA512(), length=length, info=_INFO + salt + context).derive(key)
        self._aead = AESGCM(derived[:KEY_LENGTH])
        self._base = int.from_bytes(derived[KEY_LENGTH : KEY_LENGTH + _NONCE_LENGTH], "big")
        self.commitment = derived[KEY_LENGTH + _NONCE_LENGTH :]

    def encrypted(self, number: int, chunk: bytes) -> bytes:
        return self._aead.encrypt(self._nonce(number), chunk, None)

    def decrypted(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(number), sealed, None)
        except InvalidTag:
            raise DecryptionFailed from None

    def _nonce(self, number: int) -> bytes:
        # The number is part of the nonce: chunks in another order, or of another message, do not open.
        if number >= _MOST_CHUNKS:
            raise ValueError("A stream holds at most 2^38 chunks.")
        return (self._base ^ number).to_bytes(_NONCE_LENGTH, "big")


def encrypt_stream(key: bytes, pieces: Iterable[bytes], context: bytes = b"") -> Iterator[bytes]:
    """Yield the ciphertext of a message that comes in pieces of any size; at most a chunk is held."""
    salt = os.urandom(_SALT_LENGTH)
    message = _Message(key, salt, context)
    yield salt + message.commitment
    held, number = bytearray(), 0
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield message.encrypted(number, bytes(held[:CHUNK]))
            del held[:CHUNK]
            number += 1
    # The last chunk is always shorter than the others, if need be empty: that is how its end is known.
    yield message.encrypted(number, bytes(held))


def decrypt_stream(key: bytes, source: BinaryIO, context: bytes = b"") -> Iterator[bytes]:
    """Yield the plaintext chunk by chunk, each verified; raises DecryptionFailed, also where the end is missing.

    Whoever acts on a chunk acts before the end is known; StreamReader knows it before the first byte.
    """
    message = _opened(key, source, context)
    number = 0
    while True:
        sealed = _read(source, _SEALED_CHUNK)
        if len(sealed) < TAG_LENGTH:
            raise DecryptionFailed
        chunk = message.decrypted(number, sealed)
        if chunk:
            yield chunk
        if len(chunk) < CHUNK:
            break
        number += 1
    if source.read(1):
        raise DecryptionFailed


class StreamReader(io.RawIOBase):
    """Reads the plaintext of a seekable source from any place; its length is verified before anything is read.

    The message is what the source holds from where it stands to its end. Raises CorruptEnvelope for a length that no
    message has, DecryptionFailed for everything else.
    """

    def __init__(self, key: bytes, source: BinaryIO, context: bytes = b"") -> None:
        super().__init__()
        self._source = source
        self._start = source.tell()
        chunks, last = _shape(source.seek(0, io.SEEK_END) - self._start)
        source.seek(self._start)
        self._message = _opened(key, source, context)
        self._last_number, self._held = chunks - 1, (-1, b"")
        self._at, self.length = 0, (chunks - 1) * CHUNK + last
        # The last chunk alone has its number and a shorter length: that it opens proves that nothing is missing.
        self._chunk(self._last_number)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        if origin + offset < 0:
            raise ValueError("A stream has no place before its beginning.")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # Buffer has no name before Python 3.12
        """Copy what is left of the chunk at hand; it is verified whole before its first byte is given."""
        if self._at >= self.length:
            return 0
        number, offset = divmod(self._at, CHUNK)
        piece = self._chunk(number)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Forget the chunk at hand and close the source."""
        self._held = (-1, b"")
        self._source.close()
        super().close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A reader holds a key and is never pickled or copied.")

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            self._source.seek(self._start + PREFIX_LENGTH + number * _SEALED_CHUNK)
            self._held = (number, self._message.decrypted(number, _read(self._source, _SEALED_CHUNK)))
        return self._held[1]


def sealed_length(length: int) -> int:
    """Answer how long the ciphertext of a message of this many bytes is."""
    return PREFIX_LENGTH + length + (length // CHUNK + 1) * TAG_LENGTH


def _shape(sealed: int) -> tuple[int, int]:
    """Answer how many chunks a ciphertext of this length has, and how long the last one is in plaintext."""
    whole, rest = divmod(sealed - PREFIX_LENGTH, _SEALED_CHUNK)
    if sealed < PREFIX_LENGTH or rest < TAG_LENGTH:
        raise CorruptEnvelope("The stream is truncated.")
    return whole + 1, rest - TAG_LENGTH


def _opened(key: bytes, source: BinaryIO, context: bytes) -> _Message:
    prefix = _read(source, PREFIX_LENGTH)
    if len(prefix) < PREFIX_LENGTH:
        raise CorruptEnvelope("The stream is truncated.")
    message = _Message(key, prefix[:_SALT_LENGTH], context)
    # Before any chunk: GCM alone would let one ciphertext open under two keys.
    if not hmac.compare_digest(message.commitment, prefix[_SALT_LENGTH:]):
        raise DecryptionFailed
    return message


def _read(source: BinaryIO, length: int) -> bytes:
    """Read this many bytes or up to the end; a raw source may give fewer at a time."""
    found = bytearray()
    while len(found) < length and (piece := source.read(length - len(found))):
        found += piece
    return bytes(found)
