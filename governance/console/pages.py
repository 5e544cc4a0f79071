"""Where rooms and apps put their console pages: each names its action, which is asked at the door before the view runs.

    from governance.console import pages

    pages.register("requests/", queue, "requests", label=_("Queue"), section="Requests", action=Action.REQUEST_READ)

`name` becomes the URL `admin:requests`; a page without a label is reached from another page and stays out of the
navigation. Views take a `DeskRequest` and use `request.desk`; a GovernanceError they raise becomes a page that helps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance import access
from governance.console import clock
from governance.errors import GovernanceError

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from governance.console.desk import Desk, DeskRequest
    from governance.policy.vocabulary import Action

View = Callable[..., HttpResponse]

#: The places of the navigation, in order.
SECTIONS = {
    "Today": _("Today"),
    "Requests": _("Requests"),
    "People": _("People"),
    "Systems": _("Systems"),
    "Consent": _("Consent"),
    "Ledger": _("Ledger"),
    "Settings": _("Settings"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the console."""

    path: str
    view: View
    name: str
    label: StrPromise | str
    section: str
    action: Action


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation."""

    label: StrPromise | str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One place of the navigation; `entries` holds its pages when it is open and has several."""

    label: StrPromise | str
    url: str
    is_current: bool
    entries: tuple[Entry, ...]


_pages: dict[str, Page] = {}


def register(path: str, view: View, name: str, *, label: StrPromise | str, section: str, action: Action) -> None:
    """Put a page into the console. Raises ValueError for an unknown section or a name that is taken."""
    if section not in SECTIONS:
        message = f"Use one of the console's sections: {', '.join(SECTIONS)}"
        raise ValueError(message)
    page = Page(path, view, name, label, section, action)
    if _pages.setdefault(name, page) != page:
        message = f"The console already has a page named {name}"
        raise ValueError(message)


def registered() -> tuple[Page, ...]:
    """Answer every page, in order of registration."""
    return tuple(_pages.values())


def guarded(page: Page) -> View:
    """Wrap a page's view with the question at the door and the pages for refusals."""

    @wraps(page.view)
    def enter(request: DeskRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.desk.page, request.desk.section = page, page.section
        request.desk.sections = sections(request.desk)
        try:
            access.require(request.desk.principal, page.action, controller_id=request.desk.controller.pk)
            clock.require_today(request, page.name)
            return page.view(request, *args, **kwargs)
        except GovernanceError as error:
            return refusal(request, error)

    enter.action = page.action  # type: ignore[attr-defined]  # read by tests: every route declares one
    return enter


def sections(desk: Desk) -> list[Section]:
    """Answer the navigation as this person may use it."""
    found = []
    for name, words in SECTIONS.items():
        usable = [page for page in _pages.values() if page.section == name and page.label and desk.may(page.action)]
        if not usable:
            continue
        current = desk.section == name
        entries = tuple(Entry(page.label, reverse(f"admin:{page.name}"), page is desk.page) for page in usable)
        found.append(Section(words, entries[0].url, current, entries if current and len(entries) > 1 else ()))
    return found


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render a console page; `django.shortcuts.render` does as well, templates take the desk from the request."""
    return render_template(request, template, context or {}, status=status)


def refusal(request: HttpRequest, error: GovernanceError) -> HttpResponse:
    """Answer an error of the tree as a page: what happened, what to do, the same status as the API gives."""
    return render_template(request, "console/refused.html", {"error": error}, status=error.status)
