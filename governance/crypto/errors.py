"""The refusals of the pure crypto room, named for what happened; never the cause of a failed opening, never key bytes.

CryptoError
├── CanonicalFormRefused   a value has no canonical JSON form
├── CorruptEnvelope        bytes are not an envelope or wrapped key of a kind this version reads
├── DecryptionFailed       wrong key, wrong place or changed bytes: on purpose nobody is told which
├── KeyringRefused         the key file, or a key asked of it, is not usable; the message holds the remedy
├── NormalisationRefused   a value has no normal form to index
├── NoteRefused            a signed note, checkpoint or verifier key is malformed or unsigned
└── ProofRefused           a Merkle proof or a stored tree state does not hold
"""

from typing import ClassVar


class CryptoError(Exception):
    """The root of everything this room refuses."""

    code: ClassVar[str] = "crypto.error"
    title: ClassVar[str] = "A cryptographic operation was refused"


class CanonicalFormRefused(CryptoError, ValueError):
    """A value lies outside the subset of JSON that has exactly one byte form."""

    code = "crypto.not_canonical"
    title = "The value has no canonical form"


class CorruptEnvelope(CryptoError):
    """Stored bytes are malformed: marker, version, suite, flags or length."""

    code = "crypto.corrupt_envelope"
    title = "The stored value is not a readable envelope"


class DecryptionFailed(CryptoError):
    """The one failure of opening; its message is the same for every cause."""

    code = "crypto.decryption_failed"
    title = "The value could not be opened"

    def __init__(self) -> None:
        # One constant message: telling a wrong key from a changed byte would make the caller an oracle.
        super().__init__("The value could not be opened.")


class KeyringRefused(CryptoError):
    """The key file is unsafe, malformed or lacks the key asked for."""

    code = "crypto.keyring_refused"
    title = "The keyring was refused"


class NormalisationRefused(CryptoError, ValueError):
    """A value cannot be brought to the normal form its index needs."""

    code = "crypto.not_normalisable"
    title = "The value cannot be normalised"


class NoteRefused(CryptoError):
    """A signed note, checkpoint or verifier key does not hold."""

    code = "crypto.note_refused"
    title = "The signed note was refused"


class ProofRefused(CryptoError):
    """A Merkle proof or a stored tree state does not hold."""

    code = "crypto.proof_refused"
    title = "The proof was refused"
