"""Signed notes as text (C2SP signed-note): sign, take apart, verify; it keeps no keys and reads no tree."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from governance.crypto.checkpoints import UNPRINTABLE, Checkpoint
from governance.crypto.encoding import from_base64
from governance.crypto.errors import NoteRefused
from governance.crypto.signatures import (
    KEY_HASH_LENGTH,
    SIGNATURE_PREFIX,
    SignatureType,
    Signer,
    Verifier,
    require_spelled,
)

__all__ = [
    "Checkpoint",
    "Signature",
    "SignatureType",
    "Signer",
    "Verifier",
    "opened_note",
    "public_key",
    "sign_note",
    "signed_note",
    "taken_apart",
    "verify_note",
]

_SIZE_LIMIT: Final = 1_000_000
_SIGNATURE_LIMIT: Final = 100
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Signature(NamedTuple):
    """One line of a note's signature block, not yet verified."""

    name: str
    key_hash: bytes
    value: bytes
    line: str


def public_key(private_seed: bytes) -> bytes:
    """Answer the Ed25519 public key of a 32-byte seed."""
    return Signer("key", private_seed).verifier.public_key


def sign_note(text: str, name: str, private_seed: bytes) -> str:
    """Answer the text with one Ed25519 signature."""
    return signed_note(text, [Signer(name, private_seed)], at=0)


def signed_note(text: str, signers: Sequence[Signer], *, at: int) -> str:
    """Answer the text, a blank line and one line a signer; `at` is the POSIX time that cosignatures state."""
    _require_text(text)
    return f"{text}\n" + "".join(signer.line(text, at=at) for signer in signers)


def verify_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """Answer the text once at least one of the verifiers signed it; raises NoteRefused.

    Signatures by unknown keys are ignored, doubled ones count once; a false one by a known key refuses the whole note.
    """
    return opened_note(note, verifiers)[0]


def opened_note(note: str, verifiers: Iterable[Verifier]) -> tuple[str, list[Verifier]]:
    """Answer the text and who of these signed it, at least one; raises NoteRefused as verify_note() does."""
    text, signatures = taken_apart(note)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    vouched: list[Verifier] = []
    for name, key_hash, value, _line in signatures:
        verifier = known.get((name, key_hash))
        if verifier is None:
            continue
        if not verifier.accepts(text, value):
            raise NoteRefused("A known key's signature does not fit the note.")
        if verifier not in vouched:  # a log may collect two cosignatures of one witness, made at different times
            vouched.append(verifier)
    if not vouched:
        raise NoteRefused("No known key signed the note.")
    return text, vouched


def taken_apart(note: str) -> tuple[str, list[Signature]]:
    """Answer the text and the signature lines of a well-formed note, unverified; raises NoteRefused."""
    if len(note) > _SIZE_LIMIT:
        raise NoteRefused("The note is larger than a signed note may be.")
    body, blank_line, block = note.rpartition("\n\n")
    if not blank_line or not block.endswith("\n"):
        raise NoteRefused("The note has no signatures after a blank line.")
    _require_text(note)
    lines = block[:-1].split("\n")
    if len(lines) > _SIGNATURE_LIMIT:
        raise NoteRefused("The note has more signatures than are read.")
    return body + "\n", [signature_of(line) for line in lines]


def signature_of(line: str) -> Signature:
    """Read one signature line, without its line break; raises NoteRefused."""
    name, _, encoded = line.removeprefix(SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(SIGNATURE_PREFIX):
        raise NoteRefused("A signature line begins with a dash and a space.")
    require_spelled(name)
    data = from_base64(encoded)
    if len(data) <= KEY_HASH_LENGTH:
        raise NoteRefused("A signature line is too short.")
    return Signature(name, data[:KEY_HASH_LENGTH], data[KEY_HASH_LENGTH:], line)


def _require_text(text: str) -> None:
    if not text.endswith("\n") or UNPRINTABLE.search(text):
        raise NoteRefused("The text of a note ends in a line break and has no control characters.")
    if _SURROGATE.search(text):
        raise NoteRefused("The text of a note has no UTF-8 form.")
