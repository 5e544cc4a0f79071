"""One letter as text and HTML from the same paragraphs; it knows no request and sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils import translation

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter: one message, at most one button, the reference, and how to reach a human."""

    title: str
    paragraphs: Sequence[str]
    reference: str
    sender: str
    contact: str
    language: str = "en"
    #: The colour of the button; white is written on it.
    accent: str = "#0b5563"
    button: str = ""
    link: str = ""
    lists: Sequence[tuple[str, Sequence[str]]] = field(default_factory=tuple)
    after: Sequence[str] = field(default_factory=tuple)

    @property
    def subject(self) -> str:
        """The subject line, with the reference so that letters of one request stay together."""
        return f"{self.title} ({self.reference})"

    def text(self) -> str:
        """Write it as plain text."""
        return self._written("dsar/letters/letter.txt")

    def html(self) -> str:
        """Write the same in HTML: no remote image, no tracking, one button."""
        return self._written("dsar/letters/letter.html")

    def _written(self, template: str) -> str:
        with translation.override(self.language):
            return render_to_string(template, {"letter": self})
