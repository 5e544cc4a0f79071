"""A person at a browser without JavaScript: keeps cookies, follows links and fills forms; knows no URL of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, Request, build_opener


@dataclass
class Form:
    """One form of a page, with the values it came with."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Page(HTMLParser):
    """Reads links, forms and text from a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._link: str | None = None
        self._select = ""
        self._button: tuple[str, str] | None = None
        self._textarea: str | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"style", "script"}:
            self._hidden += 1
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._link = given["href"]
            self.links.append((self._link, ""))
        elif self._form is not None:
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        form, name = self._form, given.get("name", "")
        if form is None:
            return
        if tag == "input":
            self._input(form, name, given)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(given.get("value", ""))
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            form.fields[name] = ""
        elif tag == "button":
            self._button = (name, given.get("value", ""))

    def _input(self, form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
        elif kind == "submit":
            form.buttons.append((name, given.get("value", ""), given.get("value", "")))
        elif name and kind != "file":
            form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._hidden -= 1
        elif tag == "form":
            self._form = None
        elif tag == "a":
            self._link = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = None
        elif tag == "button":
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.words.append(data)
        if self._link is not None:
            href, text = self.links[-1]
            self.links[-1] = (href, text + data)
        if self._textarea is not None and self._form is not None:
            self._form.fields[self._textarea] += data
        if self._button is not None and self._form is not None and data.strip():
            self._form.buttons.append((*self._button, data.strip()))
            self._button = (*self._button[:2],)


class Browser:
    """Cookies, the current page and its forms."""

    def __init__(self, address: str) -> None:
        self.url = address
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""
        self.page = _Page()

    @property
    def text(self) -> str:
        """What a person reads on the page, with white space folded."""
        return " ".join(" ".join(self.page.words).split())

    def get(self, path: str) -> "Browser":
        """Open an address, relative to the current one."""
        return self._open(Request(urljoin(self.url, path)))  # noqa: S310  # http on loopback only

    def follow(self, words: str) -> "Browser":
        """Follow the first link with these words."""
        for href, text in self.page.links:
            if words.lower() in " ".join(text.split()).lower():
                return self.get(href)
        message = f"No link says {words!r} on {self.url}: {[text for _href, text in self.page.links]}"
        raise AssertionError(message)

    def submit(self, button: str = "", **values: str) -> "Browser":
        """Fill the form that has this button, or these fields, and send it with whatever else it carries."""
        form, pressed = self._find(button, values)
        data: dict[str, Any] = form.fields | values
        if pressed and pressed[0]:
            data[pressed[0]] = pressed[1]
        target = urljoin(self.url, form.action or self.url)
        if form.method == "get":
            return self.get(f"{target}?{urlencode(data)}")
        request = Request(target, urlencode(data, doseq=True).encode(), {"Referer": self.url})  # noqa: S310  # as above
        return self._open(request)

    def _find(self, button: str, values: Mapping[str, str]) -> tuple[Form, tuple[str, str, str] | None]:
        for form in self.page.forms:
            known = form.fields.keys() | form.choices.keys()
            pressed = [each for each in form.buttons if button and button.lower() in each[2].lower()]
            if (not button or pressed) and values.keys() <= known:
                return form, pressed[0] if pressed else None
        seen = [(form.action, sorted(form.fields), [each[2] for each in form.buttons]) for form in self.page.forms]
        message = f"No form with button {button!r} and fields {sorted(values)} on {self.url}: {seen}"
        raise AssertionError(message)

    def _open(self, request: Request) -> "Browser":
        try:
            answer = self._opener.open(request, timeout=30)
        except HTTPError as error:
            answer = error
        with answer:
            self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
            self.url = answer.url
        self.page = _Page()
        if "html" in self.headers.get("Content-Type", ""):
            self.page.feed(self.body.decode())
        return self
