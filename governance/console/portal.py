"""What the pages for customers share: the code from a letter, refusals that help, receipts; no page of its own."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from governance.audit import receipts
from governance.console import faces
from governance.errors import GovernanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from governance.policy.vocabulary import Action

    View = Callable[..., HttpResponse]
    Wrap = Callable[[View], View]

Found = TypeVar("Found")


class PortalForm(forms.Form):
    """No browser bubbles: errors are said by the page, above and beside the field."""

    use_required_attribute = False


class CodeForm(PortalForm):
    """The code from the letter."""

    code = forms.CharField(
        label=_("What is the code?"),
        max_length=32,
        help_text=_("We sent six digits to your e-mail address. They work for 15 minutes. You can paste them."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "class": "code-input",
            }
        ),
        error_messages={"required": _("Type the code from our letter")},
    )


def answered_with(template: str) -> Callable[[View], View]:
    """Answer an error of the tree as a page that helps, with the same status as the API gives.

    Days and times are those of the place where the controller is, as in its letters.
    """

    def answered(view: View) -> View:
        @wraps(view)
        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            controller = faces.controller_for(request.get_host())
            with timezone.override(ZoneInfo(controller.time_zone) if controller else None):
                try:
                    return view(request, *args, **kwargs)
                except GovernanceError as error:
                    context = {"error": error, **faces.face_of(request)}
                    return render(request, template, context, status=error.status)

        return enter

    return answered


def opener(
    find: Callable[[HttpRequest], Found | None], require: Callable[[Found, Action], None], start: str, refused: Wrap
) -> Callable[[Action], Callable[[Callable[[HttpRequest, Found], HttpResponse]], View]]:
    """Make the decorator of a portal's pages: they open for whoever has proven an address and may do the action.

    `find` answers what the visitor proved, and None sends them to `start`; `require` raises AccessDenied.
    """

    def may(action: Action) -> Callable[[Callable[[HttpRequest, Found], HttpResponse]], View]:
        def open_(view: Callable[[HttpRequest, Found], HttpResponse]) -> View:
            @never_cache
            @refused
            @wraps(view)
            def enter(request: HttpRequest) -> HttpResponse:
                found = find(request)
                if found is None:
                    return redirect(start)
                require(found, action)
                return view(request, found)

            return enter

        return open_

    return may


def receipt(request: HttpRequest, found: receipts.Receipt, name: str, back: str) -> HttpResponse:
    """Hand out a receipt to keep, or say that it is being made."""
    if found.status == receipts.PENDING:
        messages.info(request, gettext("The receipt is being made. Ask for it again in a minute."))
        return redirect(back)
    response = HttpResponse(found.text, content_type=receipts.MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="receipt-{name}.tlog-proof"'
    return response
