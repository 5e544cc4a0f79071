"""AES-SIV (RFC 5297): equal values under one key and place give equal bytes, which shows; for tokens, nothing else."""

from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from governance.crypto import BytesLike

KEY_LENGTH: Final = 64


class SIV:
    """One AES-256-SIV key, with the signature of the other ciphers; the nonce is always empty."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError("A key of AES-256-SIV is 64 bytes.")
        self._aead = AESSIV(key)

    def encrypt(self, nonce: bytes, data: BytesLike, associated_data: bytes) -> bytes:
        """Answer the synthetic initialisation vector, which is also the tag, and the ciphertext."""
        _require_empty(nonce)
        return self._aead.encrypt(data, [associated_data])

    def decrypt(self, nonce: bytes, data: BytesLike, associated_data: bytes) -> bytes:
        """Answer the plaintext; raises cryptography's InvalidTag."""
        _require_empty(nonce)
        return self._aead.decrypt(data, [associated_data])


def _require_empty(nonce: bytes) -> None:
    if nonce:
        raise ValueError("AES-SIV takes no nonce here.")
