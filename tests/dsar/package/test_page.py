"""The page a person reads: what it says, and that no value can ever become part of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.package import Column, PackageMeta, Purpose, Section, Withheld, build
from dsar.package.markup import style
from dsar.package.page import ROWS_SHOWN
from dsar.package.values import shown
from tests.dsar.package.conftest import MADE_AT, files_of, page_of

PAYLOADS = [
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- ",
    "]]><style>@import url(https://evil.example)</style>",
    "&lt;b&gt; &amp;amp; &#60;script&#62;",
    "</style><script>alert(1)</script>",
]


def test_it_says_what_is_held_where_and_what_is_withheld_and_why(meta: PackageMeta, sections: list[Section]) -> None:
    text = page_of(build(meta, sections)).text
    for sentence in (
        "Your data at Northwind & Sons",
        "R-2026-0042",
        "Made on 2 March 2026.",
        "This is a copy of 3 records about you in 2 systems.",
        "1 record in CRM, table shop.customer.",
        "jane@customer.example",
        "support_rep: it is about another person",
        "We found nothing about you in Mail, table mail.sent.",
        "Deliver orders",
        "our contract with you",
        "ten years",
        "Parcel service",
        "You, in the shop",
        "Reach a person here: privacy@shop.example",
        "You can complain to Berliner Beauftragte für Datenschutz",
        "tables/001-crm-customer.csv",
    ):
        assert sentence in text, sentence


def test_only_declared_columns_are_written(meta: PackageMeta, sections: list[Section]) -> None:
    for content in files_of(build(meta, sections)).values():
        assert b"somebody else" not in content


def test_nothing_held_is_said_so(meta: PackageMeta) -> None:
    assert "We found no records about you" in page_of(build(meta, [])).text


def test_what_is_withheld_is_never_called_nothing(meta: PackageMeta, sections: list[Section]) -> None:
    withheld = replace(sections[2], withheld=[Withheld(what="sent", reason="an investigation is open")])
    text = page_of(build(meta, [withheld])).text
    assert "There is nothing we can show you; each part below says why." in text
    assert "Nothing from Mail, table mail.sent is shown." in text
    assert "an investigation is open" in text
    assert "We found no" not in text


def test_what_was_not_given_has_no_heading() -> None:
    bare = PackageMeta(reference="R", created_at=MADE_AT, controller="C")
    text = page_of(build(bare, [])).text
    assert "How your data is used" not in text
    assert "You can complain to" not in text
    assert "You can also take the matter to a court." in text


@pytest.mark.parametrize(("count", "is_cut"), [(ROWS_SHOWN, False), (ROWS_SHOWN + 1, True)])
def test_a_long_table_is_cut_and_says_where_the_rest_is(meta: PackageMeta, count: int, is_cut: bool) -> None:
    section = Section(
        system="s",
        dataset="d",
        collection="c",
        label="Visits",
        columns=[Column(name="n")],
        rows=({"n": n} for n in range(count)),
    )
    package = build(replace(meta, purposes=()), [section])
    page = page_of(package)
    assert len(page.cells) == ROWS_SHOWN
    assert ("All of them are in tables/001-s-c.csv" in page.text) is is_cut
    assert files_of(package)["tables/001-s-c.csv"].count(b"\n") == count + 1


def hostile(text: str) -> tuple[PackageMeta, list[Section]]:
    meta = PackageMeta(
        reference=text,
        created_at=MADE_AT,
        controller=text,
        contact=text,
        authority=text,
        purposes=[Purpose(name=text, lawful_basis=text, retention=text)],
        recipients=[text],
        sources=[text],
        transfers=[text],
        automated_decisions=text,
    )
    columns = [Column(name=text, label=text, category=text)]
    withheld = [Withheld(what=text, reason=text)]
    sections = [
        Section(
            system=text,
            dataset=text,
            collection=text,
            label=text,
            columns=columns,
            rows=[{text: text}] * rows,
            withheld=withheld,
        )
        for rows in (1, 2)
    ]
    return meta, sections


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the elements of the page and the names of their attributes, without any value."""
    return [(name, tuple(attributes)) for name, attributes in page_of(build(*hostile(text))).elements]


HARMLESS = shape("harmless")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_stored_markup_stays_text(payload: str) -> None:
    assert shape(payload) == HARMLESS
    page = page_of(build(*hostile(payload)))
    assert page.cells.count(payload) == 6  # three records, three columns of the purposes


@settings(deadline=None)
@given(st.text(min_size=1) | st.text(alphabet="<>&\"'/!-=x\x00\r\n ", min_size=1))
def test_any_text_anywhere_leaves_the_page_its_shape_and_reads_back(text: str) -> None:
    assert shape(text) == HARMLESS
    page = page_of(build(*hostile(text)))
    assert page.cells.count(shown(text)) == 6


def test_the_page_runs_nothing_and_loads_nothing(meta: PackageMeta, sections: list[Section]) -> None:
    page = page_of(build(meta, sections))
    names = {name for name, _ in page.elements}
    assert names.isdisjoint({"script", "img", "link", "iframe", "object", "embed", "form", "input", "base", "svg"})
    for name, attributes in page.elements:
        assert not any(key.startswith("on") or key in {"src", "style", "action"} for key in attributes), name
        assert attributes.get("href", "#").startswith("#")


def test_the_policy_allows_exactly_the_stylesheet_that_is_there(meta: PackageMeta) -> None:
    html = files_of(build(meta, []))["index.html"].decode()
    css = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    (policy,) = [a["content"] for _, a in page_of(build(meta, [])).elements if "http-equiv" in a]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}';" in policy


def test_a_stylesheet_cannot_close_its_element() -> None:
    with pytest.raises(ValueError, match="close"):
        style("</style><script>")
