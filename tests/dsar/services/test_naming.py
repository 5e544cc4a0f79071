"""Words for categories and places: every line of the table is reached, and no raw name is left in a letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dsar import services
from dsar.services import packing, wording
from dsar.services.naming import CATEGORY_WORDS, category_words, place_words
from dsar.services.planning import newest
from dsar.services.wording import told
from governance.catalogue import datasets, planning
from tests.dsar.conftest import House, approve, fresh, letters, planned, work

if TYPE_CHECKING:
    from governance.models import DataSubject


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("user.contact.email", "e-mail address"),
        ("user.contact.address.street", "street"),
        ("user.contact.address.street.house_number", "street"),
        ("user.name.prefix", "name"),
        ("user.unheard_of", "other details about you"),
        ("system.operations", "technical details"),
        ("", "other details"),
        ("made.up", "other details"),
    ],
)
def test_a_category_reads_as_its_own_line_or_the_branch_it_lies_on(category: str, expected: str) -> None:
    assert category_words(category) == expected


def test_no_two_lines_say_the_same() -> None:
    assert len({str(words) for words in CATEGORY_WORDS.values()}) == len(CATEGORY_WORDS)


def test_a_place_is_named_as_its_owner_calls_it() -> None:
    assert place_words("Shop", "public.purchase_line") == "Shop, purchase line"


def test_why_something_is_withheld_or_kept_is_said_in_the_readers_language(
    house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = planned(house, "access", "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    for module in (packing, wording):
        monkeypatch.setattr(module, "gettext", lambda text: f"<{text}>")
    plan = planning.from_dict(newest(fresh(request)).plan)
    reasons = {f"<{text}>" for text in planning.REASONS.values()}
    withheld = wording.withheld_in(plan)
    assert withheld
    assert {each.reason for each in withheld} <= reasons
    for node in plan:
        said = list(packing._withheld_at(datasets.data_map(house.controller), node, {}))  # noqa: SLF001
        assert {each.reason for each in said} <= reasons
    assert "<Invoices are kept for bookkeeping" in told(fresh(request)).kept[0]


def test_what_was_deleted_and_kept_is_told_in_words_and_no_record_twice(house: House, ann: DataSubject) -> None:
    request = planned(house, "erasure")
    approve(house, request)
    work()
    services.respond(fresh(request), principal=house.principal)
    ends = told(fresh(request))
    assert ends.deleted == (
        "News, subscriber: e-mail address, texts by you or about you",
        "Store, customer: e-mail address, name, password",
        "Store, invoice: name (some records), texts by you or about you",
    )
    [kept] = ends.kept
    assert kept.startswith(
        "Store, invoice: name (other records). Invoices are kept for bookkeeping (AO § 147), until 5 "
    )
    letter = letters(house.controller)[-1]
    assert all(line in letter for line in (*ends.deleted, *ends.kept))
    assert "bill_to" not in letter
