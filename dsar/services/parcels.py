"""Keeps a package as a sealed stream in rows of one size, and reads it from them piece by piece; it decides nothing."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from dsar.models import PackagePart
from governance import vault
from governance.policy.vocabulary import RevealPurpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from dsar.models import RequestPackage
    from governance.fields import Scope
    from governance.policy.principal import Principal

LABEL: Final = "request.package"
#: Bytes of ciphertext in a row: large enough to be few, small enough to be held by every download at once.
PART: Final = 512 * 1024


class Sealing:
    """Seals a file that comes in pieces into parts, and knows its length and digest when they have all been taken."""

    def __init__(self, pieces: Iterable[bytes], scope: Scope) -> None:
        self._digest, self.size = hashlib.sha256(), 0
        self._stream = vault.seal_stream(self._counted(pieces), label=LABEL, scope=scope)

    @property
    def digest(self) -> str:
        """The SHA-256 of the file itself."""
        return self._digest.hexdigest()

    def parts(self) -> Iterator[bytes]:
        """Yield ciphertext in rows' size, the last one shorter."""
        held = bytearray()
        for sealed in self._stream:
            held += sealed
            while len(held) >= PART:
                yield bytes(held[:PART])
                del held[:PART]
        yield bytes(held)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            self.size += len(piece)
            yield piece


class _Parts(io.RawIOBase):
    """The ciphertext of a package as a file that can be sought; holds one part at a time."""

    def __init__(self, package: RequestPackage) -> None:
        super().__init__()
        self._rows = PackagePart.objects.filter(package=package)
        sizes = self._rows.order_by("-position").values_list("position", "sealed").first()
        self._length = 0 if sizes is None else sizes[0] * PART + len(sizes[1])
        self._at, self._held = 0, (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence] + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # Buffer has no name before Python 3.12
        number, offset = divmod(self._at, PART)
        piece = self._part(number)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part(self, number: int) -> bytes:
        if self._held[0] != number:
            found = self._rows.filter(position=number).values_list("sealed", flat=True).first()
            self._held = (number, b"" if found is None else bytes(found))
        return self._held[1]


def key_id_of(parts: Sequence[bytes]) -> str:
    """Answer the id of the key that a stream names in its header."""
    return parts[0][4:12].hex()


def held_under(key_ids: Collection[str]) -> list[str]:
    """Answer those of these keys that a package is still kept under."""
    return list(
        PackagePart.objects.filter(position=0, package__key_id__in=key_ids).values_list("package__key_id", flat=True)
    )


def opened(package: RequestPackage, *, scope: Scope, principal: Principal, object_ref: str) -> BinaryIO | None:
    """Open a package after policy and audit, as a file at its beginning; None when it is not the one that was made."""
    reader = vault.open_stream(
        cast("BinaryIO", _Parts(package)),
        label=LABEL,
        scope=scope,
        principal=principal,
        purpose=RevealPurpose.ACCESS_PACKAGE,
        object_ref=object_ref,
    )
    # Read through once before the first byte leaves: half of a package is worse than none.
    digest = hashlib.file_digest(cast("BinaryIO", reader), "sha256").hexdigest()
    reader.seek(0)
    return cast("BinaryIO", reader) if digest == package.digest else None
