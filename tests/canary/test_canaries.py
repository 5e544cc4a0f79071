"""The search finds a canary in each of its disguises, wherever it stands, and nothing where there is none."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.canary.canaries import Canaries

if TYPE_CHECKING:
    from collections.abc import Callable

WHO = Canaries()
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "upper case": lambda text: text.upper().encode(),
    "utf-16": lambda text: text.encode("utf-16-le"),
    "json": lambda text: json.dumps({"said": text}).encode(),
    "html": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "url": lambda text: quote(text, safe="").encode(),
    "form": lambda text: quote_plus(text).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(b"x" + text.encode() + b"y"),
    "base64, later": lambda text: base64.urlsafe_b64encode(b"said: " + text.casefold().encode()),
    "base64, later still": lambda text: base64.b64encode(b"seen as " + text.encode()),
    "sha256": lambda text: hashlib.sha256(text.casefold().encode()).digest(),
    "sha1, hex": lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode(),
}


@pytest.mark.parametrize("name", list(WHO.all()))
@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_each_disguise_is_seen_through(name: str, encoding: str) -> None:
    around = os.urandom(200)
    found = WHO.found_in(around + ENCODINGS[encoding](WHO.all()[name]) + around)
    assert any(each.startswith(f"{name}: ") for each in found), found
    assert WHO.found_in(around + ENCODINGS[encoding](WHO.all()[name]), allowed=WHO.all()) == []


def test_others_are_not_taken_for_them() -> None:
    stranger = "\n".join(Canaries().all().values()).encode()
    assert WHO.found_in(stranger + os.urandom(1_000_000)) == []
