"""Every word that a template says is marked for translation; what it says is looked at in tests/browser."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("config", "consent", "dsar", "governance")
TEMPLATES = sorted(path for room in ROOMS for path in (PROJECT / room).rglob("templates/**/*.*"))
#: Names of standards and abbreviations that are the same in every language.
SAME = {"UTC", "v"}
_COMMENTS = re.compile(r"{% comment %}.*?{% endcomment %}|{#.*?#}", re.DOTALL)
_MARKED = re.compile(r"{% blocktranslate.*?{% endblocktranslate %}", re.DOTALL)
#: A text given to a filter or an include, other than formats of dates, lists of classes and the like.
_LITERAL = re.compile(r'(?:default:|default_if_none:|text=|title=|firstof [^%]*?)"([^"]*[A-Za-z]{2}[^"]*)"')
_TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
_SPOKEN = {"alt", "aria-label", "placeholder", "title"}


class _Said(HTMLParser):
    """Gathers the words of a page and of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: set[str] = set()
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}
        for name, value in attrs:
            if name in _SPOKEN:
                self.handle_data(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words |= set(_WORD.findall(data))


def unmarked(text: str) -> set[str]:
    text = _MARKED.sub("", _COMMENTS.sub("", text))
    literals = {word for found in _LITERAL.findall(text) for word in _WORD.findall(found)}
    return (_Said(_TAGS.sub("", text)).words | literals) - SAME


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert unmarked(path.read_text(encoding="utf-8")) == set()


def test_unmarked_words_are_found_wherever_they_stand() -> None:
    assert unmarked('<p title="Hello">{% translate "fine" %} there {{ name|default:"nobody set" }}</p>') == {
        "Hello",
        "there",
        "nobody",
        "set",
    }
    assert unmarked('{% include "x.html" with text="Continue" %}') == {"Continue"}
    assert unmarked('{% blocktranslate %}Fine{% endblocktranslate %}<time>{{ day|date:"j F" }}</time> UTC') == set()
