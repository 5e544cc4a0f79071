"""Who the canaries are, and every disguise in which they are looked for: raw, escaped, encoded, digested."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Fewer characters are met by chance among the megabytes of a database.
_LEAST = 9


@dataclass(frozen=True)
class Canaries:
    """One person, one officer and where they come from; never the same twice, so nothing old is found."""

    mark: str = field(default_factory=lambda: secrets.token_hex(5))

    @property
    def email(self) -> str:
        return f"quokka.{self.mark}@burrow-{self.mark}.example"

    @property
    def phone(self) -> str:
        return f"+49151{int(self.mark, 16) % 10**9:09d}"

    @property
    def name(self) -> str:
        return f"Zoë Quokka-{self.mark}"

    @property
    def number(self) -> str:
        return f"KD-{self.mark}-4711"

    @property
    def text(self) -> str:
        return f"allergic to mangosteen {self.mark}"

    @property
    def staff(self) -> str:
        return f"numbat.{self.mark}@staff.example"

    @property
    def address(self) -> str:
        return f"2001:db8:{self.mark[:4]}:{self.mark[4:8]}::77"

    @property
    def forwarded(self) -> str:
        return f"2001:db8:{self.mark[4:8]}:{self.mark[:4]}::99"

    @property
    def correlation(self) -> str:
        return f"wombat-{self.mark}"

    @property
    def agent(self) -> str:
        return f"Wallaby/{self.mark}"

    def all(self) -> dict[str, str]:
        """Answer every canary by its name; a phone number also as people write it."""
        names = ("email", "phone", "name", "number", "text", "staff", "address", "forwarded", "correlation", "agent")
        spoken = {"phone, national": f"0{self.phone[3:]}", "email, local part": self.email.partition("@")[0]}
        return {name: getattr(self, name) for name in names} | spoken

    def found_in(self, hay: bytes, allowed: Collection[str] = ()) -> list[str]:
        """Answer which canaries are in it, and in which disguise."""
        folded = hay.lower()
        return [
            f"{name}: {disguise}"
            for name, value in self.all().items()
            if name not in allowed
            for (needle, is_folded), disguise in disguises(value).items()
            if needle in (folded if is_folded else hay)
        ]


def disguises(value: str) -> dict[tuple[bytes, bool], str]:
    """Answer each form of a value: the bytes to look for, whether letters' case is ignored, and what it is called."""
    found: dict[tuple[bytes, bool], str] = {}
    for text in dict.fromkeys((value, value.casefold(), value.upper(), re.sub(r"\D", "", value))):
        if len(text) >= _LEAST:
            for disguise, needle, is_folded in _forms(text):
                found.setdefault((needle, is_folded), disguise)
    return found


def _forms(text: str) -> Iterator[tuple[str, bytes, bool]]:
    raw = text.encode()
    yield "raw", raw.lower(), True
    yield "utf-16", text.encode("utf-16-le").lower(), True
    yield "json", json.dumps(text)[1:-1].encode().lower(), True
    yield "html", html.escape(text).encode("ascii", "xmlcharrefreplace").lower(), True
    yield "url", quote(text, safe="").encode().lower(), True
    yield "form", quote_plus(text).encode().lower(), True
    yield "hex", raw.hex().encode(), True
    for shift in range(3):
        yield from (("base64", needle, False) for needle in _base64(raw, shift))
    for kind in ("md5", "sha1", "sha256"):
        digest = hashlib.new(kind, raw, usedforsecurity=False)
        yield f"{kind} without a key", digest.digest(), False
        yield f"{kind} without a key", digest.hexdigest().encode(), True
        yield f"{kind} without a key", base64.b64encode(digest.digest())[:20], False


def _base64(raw: bytes, shift: int) -> set[bytes]:
    """Answer what stands in base64 when the value begins at this place of a group: without the shared edges."""
    padded = b"\0" * shift + raw
    whole = padded[: len(padded) // 3 * 3]
    first = 4 if shift else 0
    return {base64.b64encode(whole)[first:], base64.urlsafe_b64encode(whole)[first:]}
