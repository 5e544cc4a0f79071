"""The ZIP a person receives: the same bytes for the same input, names of our own making, a digest for each file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import lzma
import re
import struct
import unicodedata
import zipfile
import zlib
from datetime import UTC
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from dsar.package.page import Table, render
from dsar.package.values import cell, portable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dsar.package.contents import PackageMeta, Section

FORMAT = "data-subject-package/1"
MANIFEST = "manifest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # ZIP knows no earlier time; the real one is in the manifest
# What reading a file that somebody changed may raise, from the ZIP's directory down to the manifest's JSON.
_DAMAGE = (
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_MANIFEST_LIMIT = 16 * 1024 * 1024
_SAFE_NAME = re.compile(r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\.[a-z]+")


class _Drain:
    """Where the ZIP is written to, and taken from at once; it cannot be sought, so sizes stand behind each file."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


def build(meta: PackageMeta, sections: Iterable[Section]) -> bytes:
    """Return the package in one piece."""
    return b"".join(pieces(meta, sections))


def pieces(meta: PackageMeta, sections: Iterable[Section]) -> Iterator[bytes]:
    """Yield the package file by file. Rows are read once, section by section, and held until they are written."""
    tables = [_read(number, section) for number, section in enumerate(sections, 1)]
    contents = {"index.html": render(meta, tables), "data.json": _json(_data(meta, tables))}
    contents |= {table.path: _csv(table) for table in tables}
    contents[MANIFEST] = _json(_manifest(meta, contents))
    drain = _Drain()
    with zipfile.ZipFile(cast("BinaryIO", drain), "w") as archive:
        for path in sorted(contents):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, contents[path], zipfile.ZIP_DEFLATED, 9)
            yield drain.take()
    yield drain.take()  # the directory


def verify(package: bytes) -> list[str]:
    """Return what is wrong with a package, in sentences; an empty list means that every file is as it was made."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return _problems(archive)
    except _DAMAGE:
        return ["This is not a readable package."]


def _problems(archive: zipfile.ZipFile) -> list[str]:
    names = archive.namelist()
    problems = [f"Unsafe file name: {name!a}." for name in names if not _SAFE_NAME.fullmatch(name)]
    if len(set(names)) != len(names):
        problems.append("A file name appears twice.")
    if MANIFEST not in names:
        return [*problems, f"{MANIFEST} is missing."]
    manifest = json.loads(_unpacked(archive, MANIFEST, _MANIFEST_LIMIT))
    if manifest["format"] != FORMAT:
        problems.append("This package has a format that is not known here.")
    listed = {item["path"]: item for item in manifest["files"]}
    problems += [f"{name!a} is not in the manifest." for name in names if name != MANIFEST and name not in listed]
    for path, item in listed.items():
        if path not in names:
            problems.append(f"{path!a} is missing.")
        elif not _matches(archive, item):
            problems.append(f"{path!a} was changed.")
    return problems


def _matches(archive: zipfile.ZipFile, item: Mapping[str, Any]) -> bool:
    try:
        content = _unpacked(archive, item["path"], int(item["bytes"]))
    except _DAMAGE:
        return False
    intact: bool = len(content) == item["bytes"] and hashlib.sha256(content).hexdigest() == item["sha256"]
    return intact


def _unpacked(archive: zipfile.ZipFile, path: str, limit: int) -> bytes:
    # No more is unpacked than was promised, so a small file cannot swell without end (zip bomb).
    with archive.open(path) as source:
        return source.read(max(limit, 0) + 1)


def _read(number: int, section: Section) -> Table:
    names = [column.name for column in section.columns]
    rows = [[portable(row.get(name)) for name in names] for row in section.rows]
    path = f"tables/{number:03d}-{_slug(section.system)}-{_slug(section.collection)}.csv"
    return Table(section=section, rows=rows, path=path)


def _slug(text: str) -> str:
    """Keep what every file system takes: a name that comes from a table must not climb out of the folder."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-_")[:40] or "table"


def _csv(table: Table) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow([cell(column.name) for column in table.section.columns])
    writer.writerows([cell(value) for value in row] for row in table.rows)
    return written.getvalue().encode("utf-8", "backslashreplace")


def _data(meta: PackageMeta, tables: list[Table]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "reference": meta.reference,
        "created_at": meta.created_at.astimezone(UTC).isoformat(),
        "controller": {"name": meta.controller, "contact": meta.contact, "authority": meta.authority},
        "not_reached": list(meta.missing),
        "information": {
            "purposes": [
                {"name": item.name, "lawful_basis": item.lawful_basis, "retention": item.retention}
                for item in meta.purposes
            ],
            "recipients": list(meta.recipients),
            "sources": list(meta.sources),
            "transfers": list(meta.transfers),
            "automated_decisions": meta.automated_decisions,
        },
        "sections": [_section(table) for table in tables],
    }


def _section(table: Table) -> dict[str, Any]:
    section = table.section
    names = [column.name for column in section.columns]
    return {
        "system": section.system,
        "dataset": section.dataset,
        "collection": section.collection,
        "label": section.label,
        "columns": [
            {"name": column.name, "label": column.label, "category": column.category} for column in section.columns
        ],
        "rows": [dict(zip(names, row, strict=True)) for row in table.rows],
        "withheld": [{"what": item.what, "reason": item.reason} for item in section.withheld],
        "file": table.path,
    }


def _manifest(meta: PackageMeta, contents: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "generator": meta.generator,
        "reference": meta.reference,
        "created_at": meta.created_at.astimezone(UTC).isoformat(),
        "files": [
            {"path": path, "bytes": len(contents[path]), "sha256": hashlib.sha256(contents[path]).hexdigest()}
            for path in sorted(contents)
        ],
    }


def _json(value: object) -> bytes:
    # A lone surrogate becomes \udXXX, which is how JSON writes it: what was held comes back exactly.
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode("utf-8", "backslashreplace")
