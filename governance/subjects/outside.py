"""The erasure ledger outside the database: one signed line a destruction, appended and never taken back by a restore.

A database that is restored from an older copy holds keys that were destroyed since. The file names them: until they
are destroyed again nobody is served. It holds opaque ids and times; whoever reads it learns of nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from governance.errors import ErasuresMissing, KeyUnavailable, LedgerBroken
from governance.keys import signing
from governance.models import ErasureLine

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = structlog.get_logger(__name__)

REPLAY: Final = "run manage.py restore --replay"
_HEADING: Final = "erasure/1"
_NOTHING_BEFORE: Final = "0" * 64
_LONGEST: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Line:
    """One destruction as the file tells it."""

    id: UUID
    position: int
    controller: UUID
    subject: UUID
    key_ids: tuple[str, ...]
    at: str
    previous: str
    digest: str
    signature: str

    def require_genuine(self) -> None:
        """Raise LedgerBroken unless one of our keys signed this line."""
        signing.open_text(f"{_HEADING}\n{_canonical(self.body)}\n\n{self.signature}")

    @property
    def body(self) -> dict[str, object]:
        """What is signed and chained."""
        return {
            "at": self.at,
            "controller": self.controller.hex,
            "id": self.id.hex,
            "keys": list(self.key_ids),
            "position": self.position,
            "previous": self.previous,
            "subject": self.subject.hex,
        }


def path() -> Path:
    """Where the file lies."""
    return Path(settings.GOVERNANCE_ERASURE_LEDGER)


def lines() -> Iterator[Line]:
    """Read the file from its beginning; raises LedgerBroken for a line that is none. A torn last line is left out."""
    if not path().exists():
        return
    with path().open("rb") as file:
        for raw in file:
            if raw.endswith(b"\n"):
                yield _parse(raw)


def verified() -> Iterator[Line]:
    """Read the file as lines() does, and check each place, link and signature. Raises LedgerBroken at the first."""
    previous = _NOTHING_BEFORE
    for position, line in enumerate(lines(), start=1):
        if (line.position, line.previous) != (position, previous):
            message = f"The erasure ledger is not whole: line {position} does not follow the one before it"
            raise LedgerBroken(message)
        line.require_genuine()
        previous = line.digest
        yield line


def require_current() -> None:
    """Raise ErasuresMissing unless this database knows the last line of the file, and the file all of its lines.

    Cheap: the end of the file and one row. The whole file is compared when it is replayed.
    """
    known = _known()  # first: a line written between both reads is then one more in the file, which is no complaint
    last = _last()
    position, digest = (known.position or 0, known.digest) if known else (0, "")
    if (last.position if last else 0) < position:
        message = f"The erasure ledger {path().name} is missing or has lost its end: put the newest copy back"
        raise ErasuresMissing(message)
    if last is None:
        return
    is_older = (last.position, last.digest) != (position, digest) and not _knows_all_behind(position, digest)
    try:
        last.require_genuine()
    except KeyUnavailable:
        # Without its keys nobody can say whether the line is genuine; what it says is reason enough not to serve.
        if not is_older:
            raise
    if is_older:
        message = f"This database is older than the erasure ledger: people come back who were erased; {REPLAY}"
        raise ErasuresMissing(message)


def write_waiting() -> int:
    """Append what the database waits to tell, each line once; answers how many. Called on commit and by the tick.

    A crash between file and database is caught up: a line that is there already is only marked. Raises
    ErasuresMissing when the file knows more than the database.
    """
    if not ErasureLine.objects.filter(written_at=None).exists():
        return 0
    with _locked() as file:
        require_current()
        last = _mark_written()
        waiting = ErasureLine.objects.filter(written_at=None).order_by("destroyed_at", "pk")
        written = 0
        for row in waiting:
            last = _append(file, row, last)
            written += 1
    return written


def rebuild() -> int:
    """Write the lines again that the file has lost, from the database; answers how many. The remedy for a lost file."""
    with _locked() as file:
        last = _last()
        lost = ErasureLine.objects.filter(position__gt=last.position if last else 0).order_by("position")
        count = 0
        for row in lost:
            line = _line_of(row, last)
            if line.digest != row.digest:
                raise LedgerBroken("The end of the erasure ledger is not the one that this database wrote")
            _write(file, line)
            last, count = line, count + 1
    return count


def mark(line: Line) -> None:
    """Note that the file has this line; makes the row when a restored database has none."""
    ErasureLine.objects.update_or_create(
        pk=line.id,
        defaults={
            "controller_ref": line.controller,
            "subject_ref": line.subject,
            "key_ids": list(line.key_ids),
            "destroyed_at": line.at,
            "position": line.position,
            "digest": line.digest,
            "written_at": timezone.now(),
        },
    )


def _known() -> ErasureLine | None:
    last = ErasureLine.objects.aggregate(last=Max("position"))["last"]
    return None if last is None else ErasureLine.objects.get(position=last)


def _knows_all_behind(position: int, digest: str) -> bool:
    """Whether this database itself wrote every line behind a position, and only had no time to mark it."""
    behind = []
    for line in lines():
        if line.position == position and line.digest != digest:
            return False
        if line.position > position:
            behind.append(line.id)
    return bool(behind) and ErasureLine.objects.filter(pk__in=behind).count() == len(behind)


def _mark_written() -> Line | None:
    known, last = _known(), _last()
    if last is not None and (known is None or known.position != last.position):
        for line in lines():
            if known is None or line.position > (known.position or 0):
                mark(line)
    return last


def _append(file: IO[bytes], row: ErasureLine, last: Line | None) -> Line:
    line = _line_of(row, last)
    _write(file, line)
    mark(line)
    return line


def _line_of(row: ErasureLine, last: Line | None) -> Line:
    bare = Line(
        id=row.pk,
        position=1 if last is None else last.position + 1,
        controller=row.controller_ref,
        subject=row.subject_ref,
        key_ids=tuple(row.key_ids),
        at=row.destroyed_at.isoformat(timespec="microseconds"),
        previous=_NOTHING_BEFORE if last is None else last.digest,
        digest="",
        signature="",
    )
    return _placed(bare.body, _sign(bare.body))


def _sign(body: dict[str, object]) -> str:
    text = f"{_HEADING}\n{_canonical(body)}\n"
    return signing.sign_text(text).removeprefix(f"{text}\n")


def _write(file: IO[bytes], line: Line) -> None:
    file.write(_encoded(line))
    file.flush()
    # Before the row says that the line is there, it must be: a lost line is a person who could come back.
    os.fsync(file.fileno())


@contextmanager
def _locked() -> Iterator[IO[bytes]]:
    """Open the file for this process alone, without the torn line of a crash."""
    descriptor = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _sync_folder()
        end = _end_of_lines(file)
        if end < os.fstat(descriptor).st_size:
            logger.warning("erasure_ledger.torn_line_dropped")  # it was never reported as written
            os.ftruncate(descriptor, end)
        yield file


def _sync_folder() -> None:
    folder = os.open(path().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _end_of_lines(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LONGEST)
    file.seek(start)
    block = file.read(size - start)
    return start + block.rfind(b"\n") + 1


def _last() -> Line | None:
    """Read the last whole line."""
    if not path().exists():
        return None
    with path().open("rb") as file:
        end = _end_of_lines(file)
        start = max(0, end - _LONGEST)
        file.seek(start)
        found = file.read(end - start).splitlines(keepends=True)
    return _parse(found[-1]) if found else None


def _parse(raw: bytes) -> Line:
    try:
        found = json.loads(raw)
        line = _placed(found, found.pop("signature"))
    except (AttributeError, KeyError, TypeError, ValueError):
        line = None
    # Only the one spelling counts: fields that are not signed, or other spaces, would be room for something else.
    if line is None or _encoded(line) != raw:
        raise LedgerBroken("The erasure ledger has a line that cannot be read; put a whole copy back")
    return line


def _placed(body: dict[str, object], signature: str) -> Line:
    return Line(
        id=UUID(str(body["id"])),
        position=int(str(body["position"])),
        controller=UUID(str(body["controller"])),
        subject=UUID(str(body["subject"])),
        key_ids=tuple(body["keys"]),  # type: ignore[arg-type]  # compared with its canonical form right after
        at=str(body["at"]),
        previous=str(body["previous"]),
        digest=sha256(_canonical(body).encode()).hexdigest(),
        signature=signature,
    )


def _encoded(line: Line) -> bytes:
    return _canonical({**line.body, "signature": line.signature}).encode() + b"\n"


def _canonical(value: dict[str, object]) -> str:
    """The one text form (RFC 8785): names in ASCII, no fractions, so that Python's own sorted form is it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
