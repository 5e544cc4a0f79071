"""XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM with a nonce that may be random for ever; stores nothing.

For keys of a whole controller, whose values may pass the 2^32 that AES-256-GCM allows under one key (SP 800-38D §8.3).
"""

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.crypto import BytesLike

KEY_LENGTH: Final = 32
NONCE_LENGTH: Final = 24

_BLOCK: Final = 16
_HALF: Final = 12  # of the nonce: the first goes into the derived key, the second is AES-GCM's own
_REDUCTION: Final = 0b10000111  # SP 800-38B §5.3, for blocks of 128 bits
# SP 800-108r1 §4.1: counter of 16 bits, label "X", a zero byte; the context follows.
_PREFIXES: Final = (b"\x00\x01X\x00", b"\x00\x02X\x00")


class XAESGCM:
    """One XAES-256-GCM key; takes the nonce as an argument as AESGCM does, so only the envelope may call it."""

    __slots__ = ("_blocks", "_subkey")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError("A key of XAES-256-GCM is 32 bytes.")
        # One block at a time of a random-looking input: the derivation is specified over the bare block cipher.
        self._blocks = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # no message is encrypted with it
        first = int.from_bytes(self._encrypted(bytes(_BLOCK)), "big")
        doubled = first << 1 & (1 << 128) - 1
        self._subkey = doubled ^ _REDUCTION if first >> 127 else doubled

    def encrypt(self, nonce: bytes, data: BytesLike, associated_data: bytes) -> bytes:
        """Answer ciphertext and tag."""
        return self._derived(nonce).encrypt(nonce[_HALF:], data, associated_data)

    def decrypt(self, nonce: bytes, data: BytesLike, associated_data: bytes) -> bytes:
        """Answer the plaintext; raises cryptography's InvalidTag."""
        return self._derived(nonce).decrypt(nonce[_HALF:], data, associated_data)

    def _derived(self, nonce: bytes) -> AESGCM:
        if len(nonce) != NONCE_LENGTH:
            raise ValueError("A nonce of XAES-256-GCM is 24 bytes.")
        inputs = (int.from_bytes(prefix + nonce[:_HALF], "big") ^ self._subkey for prefix in _PREFIXES)
        return AESGCM(self._encrypted(b"".join(each.to_bytes(_BLOCK, "big") for each in inputs)))

    def _encrypted(self, blocks: bytes) -> bytes:
        # A context of its own for each call: one that is shared may not be used by two threads at once.
        return self._blocks.encryptor().update(blocks)
