"""The page a person opens first: what is held, what is withheld, why, and what they can do; reads nothing itself."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from dsar.package.markup import Html, document, join, style, tag
from dsar.package.values import Portable, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from dsar.package.contents import Column, PackageMeta, Section

# A page with more rows helps nobody; all of them are in the files beside it.
ROWS_SHOWN = 200

_CSS = (files("dsar.package") / "page.css").read_text("utf-8")
# The file is opened from a disk: should a value ever become markup, nothing it names is loaded, run or sent.
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A section with its rows read, in the order of its columns, and the file they are written to."""

    section: Section
    rows: list[list[Portable]]
    path: str


def render(meta: PackageMeta, tables: Sequence[Table]) -> bytes:
    """Return index.html: one file, no script, nothing loaded from elsewhere."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"Your data at {meta.controller}"),
        style(_CSS),
    )
    body = tag(
        "body",
        _opening(meta, tables),
        *(_section(number, table) for number, table in enumerate(tables, 1)),
        _annex(meta, tables),
        _what_now(meta),
        _files(tables),
    )
    return document(tag("html", head, body, lang="en"))


def _opening(meta: PackageMeta, tables: Sequence[Table]) -> Html:
    held = [table for table in tables if table.rows]
    if held:
        records, systems = sum(len(table.rows) for table in held), len({table.section.system for table in held})
        found = f"This is a copy of {_count(records, 'record')} about you in {_count(systems, 'system')}."
    elif any(table.section.withheld for table in tables):
        found = "There is nothing we can show you; each part below says why."
    else:
        found = "We found no records about you in the systems we searched."
    contents = [
        tag("li", tag("a", table.section.label, href=f"#part-{number}"), f" · {_count(len(table.rows), 'record')}")
        for number, table in enumerate(tables, 1)
    ]
    return tag(
        "header",
        tag("h1", f"Your data at {meta.controller}"),
        tag("p", "Your request", class_="muted"),
        tag("p", meta.reference, class_="reference"),
        tag("p", f"Made on {_in_words(meta.created_at.date())}. {found}"),
        *(tag("p", tag("strong", _not_reached(meta.missing))) for _ in meta.missing[:1]),
        tag("p", "Keep this file in a safe place: anyone who opens it can read it."),
        tag("nav", tag("h2", "What is in here"), tag("ul", *contents)) if contents else Html(),
    )


def _not_reached(names: Sequence[str]) -> str:
    return f"This copy is not complete: we could not reach {', '.join(names)}."


def _section(number: int, table: Table) -> Html:
    section = table.section
    place = f"{section.system}, table {section.dataset}.{section.collection}"
    if table.rows:
        found = f"{_count(len(table.rows), 'record')} in {place}."
    elif section.withheld:  # what is withheld is held: never say otherwise
        found = f"Nothing from {place} is shown."
    else:
        found = f"We found nothing about you in {place}."
    return tag(
        "section",
        tag("h2", section.label),
        tag("p", found, class_="muted"),
        _rows(section.columns, table),
        _withheld(section),
        id=f"part-{number}",
    )


def _rows(columns: Sequence[Column], table: Table) -> Html:
    if not table.rows or not columns:
        return Html()
    if len(table.rows) == 1:
        lines = [tag("tr", _name(column, "row"), _value(v)) for column, v in zip(columns, table.rows[0], strict=True)]
        written = tag("table", *lines)
    else:
        head = tag("thead", tag("tr", *(_name(column, "col") for column in columns)))
        lines = [tag("tr", *map(_value, row)) for row in table.rows[:ROWS_SHOWN]]
        written = tag("table", head, tag("tbody", *lines))
    scrolling = tag("div", written, class_="scroll", tabindex="0", role="region", aria_label=table.section.label)
    if len(table.rows) <= ROWS_SHOWN:
        return scrolling
    more = f"The first {ROWS_SHOWN} of {len(table.rows)} records. All of them are in {table.path}."
    return join([scrolling, tag("p", more)])


def _name(column: Column, scope: str) -> Html:
    name = tag("span", column.name, class_="category") if column.label else Html()
    return tag("th", column.label or column.name, name, scope=scope)


def _value(value: Portable) -> Html:
    return tag("td", shown(value), dir="auto")


def _withheld(section: Section) -> Html:
    if not section.withheld:
        return Html()
    reasons = [tag("li", tag("strong", item.what), f": {item.reason}") for item in section.withheld]
    return tag("div", tag("p", "Not shown here, and why:"), tag("ul", *reasons), class_="withheld")


def _annex(meta: PackageMeta, tables: Sequence[Table]) -> Html:
    categories = sorted({c.label for table in tables if table.rows for c in table.section.columns if c.label})
    parts = [
        _purposes(meta),
        _list("What kinds of data we hold", categories),
        _list("Who receives it", meta.recipients),
        _list("Where we got it from", meta.sources),
        _list("Where it is sent outside your country's protection, and how it stays safe", meta.transfers),
        _list("Decisions made by computer alone", [meta.automated_decisions] if meta.automated_decisions else []),
    ]
    return tag("section", tag("h2", "How your data is used"), *parts) if any(parts) else Html()


def _purposes(meta: PackageMeta) -> Html:
    if not meta.purposes:
        return Html()
    head = tag("tr", *(tag("th", name, scope="col") for name in ("What for", "On what ground", "Kept for how long")))
    lines = [
        tag("tr", *(tag("td", shown(text or None)) for text in (purpose.name, purpose.lawful_basis, purpose.retention)))
        for purpose in meta.purposes
    ]
    return join([tag("h3", "Why we use it"), tag("table", tag("thead", head), tag("tbody", *lines))])


def _list(title: str, items: Sequence[str]) -> Html:
    return join([tag("h3", title), tag("ul", *(tag("li", item) for item in items))]) if items else Html()


def _what_now(meta: PackageMeta) -> Html:
    steps = [
        "You can ask us to correct or delete something, to use less of it, or to stop using it for a purpose.",
        f"Questions? Reach a person here: {meta.contact}" if meta.contact else "",
        f"Not content with our answer? You can complain to {meta.authority}" if meta.authority else "",
        "You can also take the matter to a court.",
    ]
    lines = [tag("li", step) for step in steps if step]
    return tag("section", tag("h2", "What you can do now"), tag("ul", *lines))


def _files(tables: Sequence[Table]) -> Html:
    lines = [
        tag("li", tag("strong", "data.json"), ": everything, for another service or program"),
        *(tag("li", tag("strong", table.path), f": {table.section.label}, for a spreadsheet") for table in tables),
        tag("li", tag("strong", "manifest.json"), ": the fingerprint of each file, to check that none was changed"),
    ]
    note = (
        "In the spreadsheet files, text that a spreadsheet program could run as a formula has an apostrophe in front. "
        "data.json has it as we hold it."
    )
    return tag("section", tag("h2", "The files beside this page"), tag("ul", *lines), tag("p", note, class_="muted"))


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
