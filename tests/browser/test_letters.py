"""Letters as a mail program shows them: accessible, no wider than the window, nothing fetched and nothing run."""

from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from dsar.letters import Letter
from governance.models import Controller
from tests.browser import looking
from tests.browser.chromium import Chromium

WORST = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'"


def letter(words: str) -> str:
    made = Letter(
        title=f"Your copy is ready {words}",
        paragraphs=(f"You asked for {words}.", "A long one. " * 20),
        reference="R-1234-5678",
        sender=f"Acme {words}",
        contact="privacy@acme.example",
        button="Get your copy",
        link="https://privacy.example/privacy/return/",
        lists=((f"What is not in it {words}", [words, "customer.clerk: it is about another person"]),),
    )
    return made.html()


def code(words: str) -> str:
    context = {"controller": Controller(name=f"Acme {words}"), "code": "123456", "until": timezone.now(), "minutes": 15}
    return render_to_string("letters/code.html", context)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("write", [letter, code])
@pytest.mark.parametrize("words", ["", WORST], ids=["calm", "worst"])
def test_a_letter_in_a_browser(
    chromium: Chromium, axe: str, tmp_path: Path, write: object, words: str, width: int
) -> None:
    page = tmp_path / "letter.html"
    page.write_text(write(words), encoding="utf-8")  # type: ignore[operator]  # one of the two above
    tab = chromium.tab(width=width).open(page.as_uri())
    assert looking.accessibility(tab, axe) == []
    assert looking.overflow(tab) <= 0
    assert [each for each in looking.foreign(tab) if "alert" in each and "style=" not in each] == []
    assert tab.run("document.images.length + document.scripts.length") == 0
    assert tab.noises == []
