"""A small package with something of everything, and readers that share no code with the writer."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from dsar.package import Column, PackageMeta, Purpose, Section, Withheld

MADE_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Reader(HTMLParser):
    """Collects every element with its attributes, and the text of every table cell."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.text = ""
        self._in_cell = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "td":
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.cells[-1] += data


def files_of(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def data_of(package: bytes) -> dict[str, object]:
    return json.loads(files_of(package)["data.json"])


def page_of(package: bytes) -> Reader:
    return Reader(files_of(package)["index.html"].decode())


@pytest.fixture
def meta() -> PackageMeta:
    return PackageMeta(
        reference="R-2026-0042",
        created_at=MADE_AT,
        controller="Northwind & Sons",
        contact="privacy@shop.example",
        authority="Berliner Beauftragte für Datenschutz",
        purposes=[Purpose(name="Deliver orders", lawful_basis="our contract with you", retention="ten years")],
        recipients=["Parcel service"],
        sources=["You, in the shop"],
        automated_decisions="None.",
    )


@pytest.fixture
def sections() -> list[Section]:
    return [
        Section(
            system="CRM",
            dataset="shop",
            collection="customer",
            label="Customer record",
            columns=[Column(name="name", label="name", category="user.name"), Column(name="email", label="e-mail")],
            rows=[{"name": "Jane", "email": "jane@customer.example", "support_rep": "somebody else"}],
            withheld=[Withheld(what="support_rep", reason="it is about another person")],
        ),
        Section(
            system="Web shop",
            dataset="shop",
            collection="invoice",
            label="Invoices",
            columns=[Column(name="number"), Column(name="total", label="amount paid")],
            rows=[{"number": 1, "total": 3.5}, {"number": 2, "total": -1}],
        ),
        Section(system="Mail", dataset="mail", collection="sent", label="Mails sent", columns=[], rows=[]),
    ]
