"""Every letter in text and in HTML: at most one button, the reference, a human, and nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from dsar import letters
from tests.dsar.conftest import House, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsar.letters import Letter
    from dsar.models import SubjectRequest

pytestmark = pytest.mark.django_db
DAY = date(2026, 12, 3)
LETTERS: dict[str, Callable[[SubjectRequest], Letter]] = {
    "received": lambda request: letters.received(request, DAY),
    "extended": lambda request: letters.extended(request, "complexity", DAY),
    "refused": lambda request: letters.refused(request, "no_match"),
    "withdrawn": letters.withdrawn,
    "access_ready": lambda request: letters.access_ready(request, DAY, ["the clerk: another person"]),
    "erasure_done": lambda request: letters.erasure_done(request, ["store: <b>name</b>"], ["store.invoice: tax"]),
    "not_found": letters.not_found,
}


@pytest.fixture
def request_(house: House) -> SubjectRequest:
    house.controller.contact = "privacy@acme.example"
    house.controller.save()
    made = ask(house, "access", "erasure")
    made.language = "de"
    made.controller = house.controller
    return made


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter(request_: SubjectRequest, name: str) -> None:
    letter = LETTERS[name](request_)
    text, html = letter.text(), letter.html()
    for shape in (text, html):
        assert request_.reference in shape
        assert "privacy@acme.example" in shape
        assert letter.title in shape
    assert not re.search(r"<(img|script|link|iframe)|url\(|@import", html)
    links = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert len(links) <= 1
    assert all(link.startswith("http://testserver/privacy/") for link in links)
    assert 'lang="de"' in html
    assert "<b>name" not in html
    assert not re.search(r"&(amp|lt|gt|quot|#)", text)


@pytest.mark.parametrize("name", ["received", "extended"])
def test_a_letter_about_work_to_come_says_by_when(request_: SubjectRequest, name: str) -> None:
    assert "3 Dezember 2026" in LETTERS[name](request_).text()


def test_without_a_contact_the_letter_itself_can_be_answered(request_: SubjectRequest) -> None:
    request_.controller.contact = ""
    letter = letters.withdrawn(request_)
    assert "answer this letter" in letter.text()
    assert "answer this letter" in letter.html()
