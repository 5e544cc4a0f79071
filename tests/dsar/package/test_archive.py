"""The ZIP: its files, its names, its digests, and what happens to one that was tampered with."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.package import FORMAT, Column, PackageMeta, Section, build, verify
from dsar.package.values import text_of_cell
from tests.dsar.package.conftest import MADE_AT, data_of, files_of

if TYPE_CHECKING:
    from collections.abc import Callable

META = PackageMeta(reference="R-1", created_at=MADE_AT, controller="C")


def section(value: object = "x", *, system: str = "s", collection: str = "c") -> Section:
    return Section(
        system=system,
        dataset="d",
        collection=collection,
        label="L",
        columns=[Column(name="v", label="words", category="user.content")],
        rows=[{"v": value}],
    )


def rezip(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def test_the_files_and_their_manifest(meta: PackageMeta, sections: list[Section]) -> None:
    package = build(meta, sections)
    files = files_of(package)
    tables = ["tables/001-crm-customer.csv", "tables/002-web-shop-invoice.csv", "tables/003-mail-sent.csv"]
    assert list(files) == ["data.json", "index.html", "manifest.json", *tables]
    manifest = json.loads(files.pop("manifest.json"))
    assert {key: manifest[key] for key in ("format", "generator", "reference", "created_at")} == {
        "format": FORMAT,
        "generator": "dsar.package 1",
        "reference": "R-2026-0042",
        "created_at": "2026-03-02T09:30:00+00:00",
    }
    assert manifest["files"] == [
        {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]
    assert verify(package) == []


def test_the_portable_copy(meta: PackageMeta, sections: list[Section]) -> None:
    data = data_of(build(meta, sections))
    assert data["controller"]["contact"] == "privacy@shop.example"
    assert data["information"]["purposes"][0]["retention"] == "ten years"
    customer, invoices, mails = data["sections"]
    assert customer["rows"] == [{"name": "Jane", "email": "jane@customer.example"}]
    assert customer["columns"][0] == {"name": "name", "label": "name", "category": "user.name"}
    assert customer["withheld"] == [{"what": "support_rep", "reason": "it is about another person"}]
    assert invoices["rows"] == [{"number": 1, "total": 3.5}, {"number": 2, "total": -1}]
    assert mails["rows"] == []


def test_the_same_input_gives_the_same_bytes(meta: PackageMeta, sections: list[Section]) -> None:
    assert build(meta, sections) == build(meta, (each for each in sections))
    elsewhere = replace(meta, created_at=meta.created_at.astimezone(timezone(timedelta(hours=5))))
    assert files_of(build(elsewhere, sections))["manifest.json"] == files_of(build(meta, sections))["manifest.json"]


def test_no_clock_and_no_owner_show_in_the_archive() -> None:
    with zipfile.ZipFile(io.BytesIO(build(META, [section()]))) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.external_attr) == (3, 0o600 << 16)


@settings(deadline=None)
@given(st.text())
def test_any_text_round_trips_through_json_and_csv(text: str) -> None:
    package = build(META, [section(text)])
    assert data_of(package)["sections"][0]["rows"] == [{"v": text}]
    written = files_of(package)["tables/001-s-c.csv"].decode()
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert [[text_of_cell(value) for value in row] for row in rows] == [["v"], [text]]
    assert verify(package) == []


def test_text_that_utf8_cannot_hold_is_kept() -> None:
    package = build(META, [section("a\udcffb")])
    assert data_of(package)["sections"][0]["rows"] == [{"v": "a\udcffb"}]
    assert verify(package) == []


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_name_of_a_system_or_table_leads_out_of_the_folder(system: str, collection: str) -> None:
    package = build(META, [section(system=system, collection=collection)] * 2)
    names = [name for name in files_of(package) if name.startswith("tables")]
    assert len(names) == 2
    assert all(re.fullmatch(r"tables/00[12]-[a-z0-9_-]{1,40}-[a-z0-9_-]{1,40}\.csv", name) for name in names)
    assert verify(package) == []


@pytest.mark.parametrize(
    ("system", "collection", "expected"),
    [
        ("../../etc", "/passwd", "etc-passwd"),
        ("C:\\Windows", "con", "c-windows-con"),
        ("Kundenstämme", "Größe\x00", "kundenstamme-groe"),
        ("客户", "", "table-table"),
    ],
)
def test_names_that_try(system: str, collection: str, expected: str) -> None:
    names = list(files_of(build(META, [section(system=system, collection=collection)])))
    assert f"tables/001-{expected}.csv" in names


# --- verify -----------------------------------------------------------------------------------------------------------


def in_manifest(**change: object) -> Callable[[dict[str, bytes]], None]:
    def apply(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | change).encode()

    return apply


def with_size(size: object) -> Callable[[dict[str, bytes]], None]:
    entry = {"path": "data.json", "bytes": size, "sha256": ""}
    return in_manifest(files=[entry])


@pytest.mark.parametrize(
    ("forge", "problem"),
    [
        (lambda _: None, None),
        (lambda f: f.update({"data.json": f["data.json"].replace(b"Jane", b"Joan")}), "'data.json' was changed."),
        (lambda f: f.update({"data.json": f["data.json"] + b" "}), "'data.json' was changed."),
        (lambda f: f.pop("tables/001-s-c.csv"), "'tables/001-s-c.csv' is missing."),
        (lambda f: f.update({"extra.html": b"<script>"}), "'extra.html' is not in the manifest."),
        (lambda f: f.update({"../evil.sh": b""}), "Unsafe file name: '../evil.sh'."),
        (lambda f: f.update({"/etc/evil.sh": b""}), "Unsafe file name: '/etc/evil.sh'."),
        (lambda f: f.pop("manifest.json"), "manifest.json is missing."),
        (lambda f: f.update({"manifest.json": b'["no"]'}), "This is not a readable package."),
        (in_manifest(format="other/1"), "This package has a format that is not known here."),
        (with_size(-5), "'data.json' was changed."),
        (with_size("many"), "'data.json' was changed."),
    ],
)
def test_what_verify_finds(forge: Callable[[dict[str, bytes]], None], problem: str | None) -> None:
    files = files_of(build(META, [section("Jane")]))
    forge(files)
    problems = verify(rezip(files))
    assert problems == [] if problem is None else problem in problems


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_appears_twice_is_found() -> None:
    written = io.BytesIO(build(META, [section()]))
    with zipfile.ZipFile(written, "a") as archive:
        archive.writestr("data.json", files_of(written.getvalue())["data.json"])
    assert "A file name appears twice." in verify(written.getvalue())


@pytest.mark.parametrize("package", [b"", b"no zip", build(META, [section()])[:-40]])
def test_what_is_no_package_at_all(package: bytes) -> None:
    assert verify(package) == ["This is not a readable package."]


WHOLE = build(META, [section("Jane")])


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_or_changed_nothing_that_is_read(position: int, mask: int) -> None:
    changed = bytearray(WHOLE)
    changed[position] ^= mask
    if not verify(bytes(changed)):
        read, made = files_of(bytes(changed)), files_of(WHOLE)
        assert {name: read[name] for name in made if name != "manifest.json"} == {
            name: content for name, content in made.items() if name != "manifest.json"
        }


def test_a_package_needs_a_moment_with_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        replace(META, created_at=datetime(2026, 3, 2))  # noqa: DTZ001
