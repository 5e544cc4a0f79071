"""The signature types of notes (C2SP signed-note, tlog-cosignature): who vouches for a text, and how; it reads no note.

A log signs its checkpoints twice. Ed25519 (0x01) is what every reader of notes knows. For ML-DSA-44 the
specifications assign one identifier, 0x06, and it is a cosignature: a log that signs with it cosigns its own
checkpoint (tlog-checkpoint, "Signatures"). The same two kinds, as 0x04 and 0x06, are what witnesses give.
"""

import base64
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.encoding import from_base64
from governance.crypto.errors import NoteRefused

SIGNATURE_PREFIX: Final = "\N{EM DASH} "
SEED_LENGTH: Final = 32
KEY_HASH_LENGTH: Final = 4

_TIME_LENGTH: Final = 8
_LATEST_TIME: Final = 2**63 - 1
_SHORT_TEXT: Final = 255  # opaque<1..2^8-1>
_SUBTREE_LABEL: Final = b"subtree/v1\n\0"


class SignatureType(IntEnum):
    """Identifier bytes that C2SP assigned; no other is read."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06


_KEY_LENGTHS: Final = {
    SignatureType.ED25519: 32,
    SignatureType.COSIGNATURE_ED25519: 32,
    SignatureType.COSIGNATURE_ML_DSA_44: 1312,
}
_SIGNATURE_LENGTHS: Final = {
    SignatureType.ED25519: 64,
    SignatureType.COSIGNATURE_ED25519: _TIME_LENGTH + 64,
    SignatureType.COSIGNATURE_ML_DSA_44: _TIME_LENGTH + 2420,
}
#: The types a witness may use.
COSIGNATURES: Final = frozenset({SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_ML_DSA_44})
#: The types with which a log vouches for itself.
LOG_SIGNATURES: Final = frozenset({SignatureType.ED25519, SignatureType.COSIGNATURE_ML_DSA_44})


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and a public key that vouch for notes."""

    name: str
    public_key: bytes
    type: SignatureType = SignatureType.ED25519
    key_hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        require_name(self.name)
        if len(self.public_key) != _KEY_LENGTHS[self.type]:
            raise NoteRefused("A public key has the length that its type asks for.")
        object.__setattr__(self, "key_hash", _key_hash(self.name, self.type, self.public_key))

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read `name+hash+key`; raises NoteRefused when the hash is not that of the name and key."""
        name, _, rest = vkey.partition("+")
        stated_hash, _, encoded = rest.partition("+")
        data = from_base64(encoded)
        try:
            type_ = SignatureType(data[0])
        except ValueError:
            raise NoteRefused("The verifier key is of a type that is not read here.") from None
        verifier = cls(name, data[1:], type_)
        if stated_hash != verifier.key_hash.hex():
            raise NoteRefused("The hash in the verifier key does not fit its name and key.")
        return verifier

    @property
    def vkey(self) -> str:
        """The text form to publish."""
        encoded = base64.b64encode(bytes((self.type,)) + self.public_key).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether this key made the signature over the note's text."""
        if len(signature) != _SIGNATURE_LENGTHS[self.type]:
            return False
        try:
            message, signed = _parts(self.type, self.name, text, signature)
            self._public.verify(signed, message)
        except (InvalidSignature, NoteRefused):
            return False
        return True

    @property
    def _public(self) -> Ed25519PublicKey | MLDSA44PublicKey:
        if self.type is SignatureType.COSIGNATURE_ML_DSA_44:
            return MLDSA44PublicKey.from_public_bytes(self.public_key)
        return Ed25519PublicKey.from_public_bytes(self.public_key)


@dataclass(frozen=True)
class Signer:
    """A name and a private seed that sign; shows nothing of the seed."""

    name: str
    seed: bytes = field(repr=False)
    type: SignatureType = SignatureType.ED25519

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_LENGTH:
            raise ValueError("A signing seed is 32 bytes.")

    @cached_property
    def verifier(self) -> Verifier:
        """Who verifies what this signs."""
        return Verifier(self.name, self._private.public_key().public_bytes_raw(), self.type)

    def line(self, text: str, *, at: int) -> str:
        """Answer the signature line for a note's text; `at` is the POSIX time that a cosignature states."""
        timestamp = b"" if self.type is SignatureType.ED25519 else _timestamp(at)
        message = _message(self.type, self.name, text, timestamp)
        signature = timestamp + self._private.sign(message)
        return signature_line(self.name, self.verifier.key_hash, signature)

    @cached_property
    def _private(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        if self.type is SignatureType.COSIGNATURE_ML_DSA_44:
            return MLDSA44PrivateKey.from_seed_bytes(self.seed)
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def signature_line(name: str, key_hash: bytes, signature: bytes) -> str:
    """Answer one line of a note's signature block."""
    return f"{SIGNATURE_PREFIX}{name} {base64.b64encode(key_hash + signature).decode()}\n"


def require_name(name: str) -> None:
    """Refuse a name for a key that counts here, unless all of it shows; raises NoteRefused."""
    require_spelled(name)
    # People compare these names; what does not show could make one pass for another.
    if not name.isprintable():
        raise NoteRefused("The name of a key that counts has no characters that do not show.")


def require_spelled(name: str) -> None:
    """Refuse what is no key name by the specification, known or unknown; raises NoteRefused."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteRefused("The name of a key is not empty and has no spaces and no plus sign.")


def _parts(type_: SignatureType, name: str, text: str, signature: bytes) -> tuple[bytes, bytes]:
    timestamp = b"" if type_ is SignatureType.ED25519 else signature[:_TIME_LENGTH]
    return _message(type_, name, text, timestamp), signature[len(timestamp) :]


def _message(type_: SignatureType, name: str, text: str, timestamp: bytes) -> bytes:
    if type_ is SignatureType.ED25519:
        return text.encode()
    seconds = int.from_bytes(timestamp, "big")
    if seconds > _LATEST_TIME:
        raise NoteRefused("The time of a cosignature is beyond what may be stated.")
    head = Checkpoint.parse(text)
    if type_ is SignatureType.COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {seconds}\n{text}".encode()
    # ML-DSA-44 signs the tree and not the text. Extension lines would ride along unsigned, so none may be there.
    if head.text != text:
        raise NoteRefused("A checkpoint signed with ML-DSA-44 has no extension lines.")
    start = bytes(8)
    end = head.size.to_bytes(8, "big")
    return b"".join((_SUBTREE_LABEL, _short(name), timestamp, _short(head.origin), start, end, head.root))


def _timestamp(at: int) -> bytes:
    if not 0 <= at <= _LATEST_TIME:
        raise NoteRefused("The time of a cosignature is a POSIX timestamp.")
    return at.to_bytes(_TIME_LENGTH, "big")


def _short(text: str) -> bytes:
    encoded = text.encode()
    if not 1 <= len(encoded) <= _SHORT_TEXT:
        raise NoteRefused("A name or origin that ML-DSA-44 signs has at most 255 bytes.")
    return bytes((len(encoded),)) + encoded


def _key_hash(name: str, type_: SignatureType, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes((type_,)) + public).digest()[:KEY_HASH_LENGTH]
