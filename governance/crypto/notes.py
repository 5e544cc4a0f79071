"""Signed notes and tree checkpoints as text (C2SP signed-note, tlog-checkpoint); it keeps no keys and reads no tree."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.crypto.errors import NoteRefused
from governance.crypto.merkle import HASH_LENGTH

ED25519: Final = 0x01

_SIGNATURE_PREFIX: Final = "\N{EM DASH} "
_KEY_HASH_LENGTH: Final = 4
_PUBLIC_KEY_LENGTH: Final = 32
_SIZE_LIMIT: Final = 1_000_000
_SIGNATURE_LIMIT: Final = 100
_UNPRINTABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and an Ed25519 public key that vouch for notes."""

    name: str
    public_key: bytes
    key_hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_LENGTH:
            raise NoteRefused("An Ed25519 public key is 32 bytes.")
        object.__setattr__(self, "key_hash", _key_hash(self.name, self.public_key))

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read `name+hash+key`; raises NoteRefused when the hash is not that of the name and key."""
        name, _, rest = vkey.partition("+")
        stated_hash, _, encoded = rest.partition("+")
        data = _base64(encoded)
        if len(data) != 1 + _PUBLIC_KEY_LENGTH or data[0] != ED25519:
            raise NoteRefused("The verifier key is not an Ed25519 key.")
        verifier = cls(name, data[1:])
        if stated_hash != verifier.key_hash.hex():
            raise NoteRefused("The hash in the verifier key does not fit its name and key.")
        return verifier

    @property
    def vkey(self) -> str:
        """The text form to publish."""
        encoded = base64.b64encode(bytes((ED25519,)) + self.public_key).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether this key made the signature over the note's text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The claim that a log had this many entries and this root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin or _UNPRINTABLE.search(self.origin):
            raise NoteRefused("The origin of a checkpoint is one non-empty line.")
        if self.size < 0 or len(self.root) != HASH_LENGTH:
            raise NoteRefused("A checkpoint has a size and a root of 32 bytes.")

    @property
    def text(self) -> str:
        """The note text to sign."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint; extension lines are allowed and ignored. Raises NoteRefused."""
        lines = text.split("\n")
        # The last piece is empty because the text ends in a line break; no line before it may be.
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteRefused("A checkpoint has an origin, a size and a root, each on its own line.")
        if not _DECIMAL.fullmatch(lines[1]):
            raise NoteRefused("The size of a checkpoint is a decimal number without leading zeros.")
        return cls(lines[0], int(lines[1]), _base64(lines[2]))


def public_key(private_seed: bytes) -> bytes:
    """Answer the Ed25519 public key of a 32-byte seed."""
    return _private_key(private_seed).public_key().public_bytes_raw()


def sign_note(text: str, name: str, private_seed: bytes) -> str:
    """Answer the text, a blank line and one signature line."""
    _require_text(text)
    verifier = Verifier(name, public_key(private_seed))
    signature = _private_key(private_seed).sign(text.encode())
    encoded = base64.b64encode(verifier.key_hash + signature).decode()
    return f"{text}\n{_SIGNATURE_PREFIX}{name} {encoded}\n"


def verify_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """Answer the text once at least one of the verifiers signed it; raises NoteRefused.

    Signatures by unknown keys are ignored; a false one by a known key refuses the whole note.
    """
    text, signatures = _split(note)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    vouched = False
    for name, key_hash, signature in signatures:
        verifier = known.get((name, key_hash))
        if verifier is None:
            continue
        if not verifier.accepts(text, signature):
            raise NoteRefused("A known key's signature does not fit the note.")
        vouched = True
    if not vouched:
        raise NoteRefused("No known key signed the note.")
    return text


def _split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    if len(note) > _SIZE_LIMIT:
        raise NoteRefused("The note is larger than a signed note may be.")
    body, blank_line, block = note.rpartition("\n\n")
    if not blank_line or not block.endswith("\n"):
        raise NoteRefused("The note has no signatures after a blank line.")
    text = body + "\n"
    _require_text(text)
    lines = block[:-1].split("\n")
    if len(lines) > _SIGNATURE_LIMIT:
        raise NoteRefused("The note has more signatures than are read.")
    return text, [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(_SIGNATURE_PREFIX):
        raise NoteRefused("A signature line begins with a dash and a space.")
    _require_name(name)
    data = _base64(encoded)
    if len(data) <= _KEY_HASH_LENGTH:
        raise NoteRefused("A signature line is too short.")
    return name, data[:_KEY_HASH_LENGTH], data[_KEY_HASH_LENGTH:]


def _require_text(text: str) -> None:
    # Control characters could make a terminal or a log show another text than the one signed.
    if not text.endswith("\n") or _UNPRINTABLE.search(text):
        raise NoteRefused("The text of a note ends in a line break and has no control characters.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NoteRefused("The text of a note has no UTF-8 form.")


def _require_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(character.isspace() for character in name):
        raise NoteRefused("The name of a key is not empty and has no spaces and no plus sign.")


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    if len(seed) != HASH_LENGTH:
        raise ValueError("An Ed25519 seed is 32 bytes.")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _key_hash(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes((ED25519,)) + public).digest()[:_KEY_HASH_LENGTH]


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    # Decoders differ on the spare bits: only the one canonical spelling passes.
    if not data or base64.b64encode(data).decode() != text:
        raise NoteRefused("A part that should be base64 is not.")
    return data
