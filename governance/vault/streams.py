"""Files sealed as streams under an owner's key: any size, read from any place; opened after the audit, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.crypto.chunked import StreamReader, encrypt_stream
from governance.crypto.envelope import STREAM_HEAD_LENGTH
from governance.crypto.errors import CryptoError
from governance.errors import AccessDenied, Erased, Restricted, SealRefused
from governance.keys import data_keys
from governance.policy.forms import Form
from governance.vault import disclosing
from governance.vault.disclosing import UNDER_RESTRICTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from governance.fields import Scope
    from governance.policy.principal import Principal


class OpenFile(StreamReader):
    """A sealed file that is open for reading; what was changed in it shows as SealRefused, as for every value."""

    def __init__(self, key: bytes, source: BinaryIO, context: bytes, label: str) -> None:
        self._label = label
        super().__init__(key, source, context)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as in StreamReader
        try:
            return super().readinto(buffer)
        except CryptoError as refused:
            raise SealRefused(_moved(self._label)) from refused


def seal_stream(pieces: Iterable[bytes], *, label: str, scope: Scope) -> Iterator[bytes]:
    """Yield the sealed form of a file that comes in pieces; raises Erased before the first one.

    The key is looked up at once, what is yielded holds at most one chunk.
    """
    head, key, context = data_keys.sealer(scope).at(scope).stream(label)
    return _sealed(head, encrypt_stream(key, pieces, context))


def open_stream(
    source: BinaryIO, *, label: str, scope: Scope, principal: Principal, purpose: str, object_ref: str = ""
) -> OpenFile:
    """Open a sealed file to be read from any place; closing it closes the source.

    1. the principal may see values of this label clear, because no mask fits a file, and no restriction stands against
    the purpose; 2. the audit row is committed; 3. header, key and length are verified. Each chunk is verified before a
    byte of it is given out. Raises AccessDenied, Erased, Restricted, SealRefused; refuses to run inside a transaction.
    """
    shown = [(label, scope)]
    forms = disclosing.forms_for(principal, purpose, shown)  # (1)
    if forms.of(label, scope) is not Form.CLEAR:
        raise AccessDenied("Your role sees values of this kind behind a mask, which no file can wear")
    if disclosing.barred(principal, purpose, shown):
        raise Restricted(UNDER_RESTRICTION)
    key = disclosing.record(shown, forms, principal, purpose, object_ref)[scope]  # (2)
    if key is None:
        raise Erased
    try:  # (3)
        stream_key, context = key.at(scope).stream_of(source.read(STREAM_HEAD_LENGTH), label)
        return OpenFile(stream_key, source, context, label)
    except CryptoError as refused:
        raise SealRefused(_moved(label)) from refused


def _sealed(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from chunks


def _moved(label: str) -> str:
    return f"A sealed file ({label}) does not open in its place; it was moved, changed or cut short"
