"""Hides how long a value is by filling it up to one of a few sizes; it knows no key and no place."""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from governance.crypto.errors import CorruptEnvelope

#: One number: up to the next multiple of it. Several, ascending: the first that fits, then multiples of the last.
Buckets = int | tuple[int, ...]

#: What a field may name. Short closed vocabularies need this most: "NL" and "Netherlands" differ by their length alone.
BUCKETS: Final[Mapping[str, Buckets]] = MappingProxyType(
    {
        "code": 16,  # country, language, gender, a flag
        "name": (32, 64, 128),
        "address": (64, 128, 256),  # e-mail, postal address, phone
        "text": (256, 1024, 4096),
    }
)

_PREFIX_LENGTH: Final = 4


def buckets(named: str | Buckets) -> Buckets:
    """Answer the sizes under a name, or the sizes themselves; raises ValueError with the names there are."""
    if isinstance(named, str):
        if named not in BUCKETS:
            message = f"No padding has this name; there are {', '.join(sorted(BUCKETS))}."
            raise ValueError(message)
        return BUCKETS[named]
    _require_ascending((named,) if isinstance(named, int) else named)
    return named


def pad(plaintext: bytes, to: Buckets) -> bytes:
    """Put the length before the value and zero bytes after it, up to a bucket's size."""
    sizes = (to,) if isinstance(to, int) else to
    _require_ascending(sizes)
    inner = len(plaintext).to_bytes(_PREFIX_LENGTH, "big") + plaintext
    return inner + bytes(_size(len(inner), sizes) - len(inner))


def unpad(inner: bytes) -> bytes:
    """Take the value out; raises CorruptEnvelope."""
    # The bytes are authentic here; a bad pad means a faulty writer, not an attacker, so saying so is safe.
    end = _PREFIX_LENGTH + int.from_bytes(inner[:_PREFIX_LENGTH], "big")
    if len(inner) < end or any(inner[end:]):
        raise CorruptEnvelope("The padding inside the envelope is malformed.")
    return inner[_PREFIX_LENGTH:end]


def _size(length: int, sizes: tuple[int, ...]) -> int:
    for size in sizes[:-1]:
        if length <= size:
            return size
    return length + -length % sizes[-1]


def _require_ascending(sizes: tuple[int, ...]) -> None:
    # A multiple below one byte, or sizes out of order, would pad to less than was asked for.
    if not sizes or sizes[0] < 1 or any(later <= earlier for earlier, later in pairwise(sizes)):
        raise ValueError("Padding goes up to a multiple of at least one byte, or to sizes in ascending order.")
