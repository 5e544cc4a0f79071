"""The one spelling of base64 and of whole numbers in proofs and notes; other spellings are refused."""

import base64
import re
from typing import Final

from governance.crypto.errors import NoteRefused

#: Sizes and indexes fit a signed 64-bit integer, as in every other reader of these formats.
LARGEST: Final = 2**63 - 1

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def from_base64(text: str) -> bytes:
    """Answer the bytes of standard base64; raises NoteRefused for an empty, padded-wrong or non-canonical text."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    # Decoders differ on the spare bits: only the one canonical spelling passes.
    if not data or base64.b64encode(data).decode() != text:
        raise NoteRefused("A part that should be base64 is not.")
    return data


def from_decimal(text: str) -> int:
    """Answer a whole number without sign or leading zeros; raises NoteRefused, also beyond 2^63 - 1."""
    # The length is bounded before int(): a number of a million digits takes minutes to read.
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST:
        raise NoteRefused("A size or index is a decimal number without leading zeros, below 2^63.")
    return int(text)
