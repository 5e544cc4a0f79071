"""Which moment the console shows: now, or in the demonstration a day to come; it moves nothing but what is shown.

An officer may watch a deadline come closer. Whatever is written keeps real time, so while the console shows another day
it writes nothing: `require_today` refuses it on the server, and the frame puts the buttons away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext

from governance.errors import Conflict, NotFound

if TYPE_CHECKING:
    from django.http import HttpRequest

_DAYS_KEY: Final = "console_days_ahead"
FARTHEST: Final = 366
#: Pages that are asked for by POST although they change nothing but the visitor's own view.
_HARMLESS: Final = frozenset({"turn_clock", "switch_controller"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def days_ahead(request: HttpRequest) -> int:
    """Answer how many days ahead this visitor looks; none outside the demonstration, whatever their session says."""
    if not settings.GOVERNANCE_DEMO:
        return 0
    days = request.session.get(_DAYS_KEY, 0)
    return max(0, min(days, FARTHEST)) if isinstance(days, int) else 0


def turn(request: HttpRequest, typed: str) -> None:
    """Look so many days later, or earlier, than the visitor does now; anything that is no number is back to today.

    Raises NotFound outside the demonstration.
    """
    if not settings.GOVERNANCE_DEMO:
        raise NotFound
    step = _number(typed)
    request.session[_DAYS_KEY] = max(0, min(days_ahead(request) + step, FARTHEST)) if step else 0


def require_today(request: HttpRequest, page_name: str) -> None:
    """Raise Conflict for a change while another day is shown: it would happen today, and look as if it had not."""
    if request.method in _SAFE or page_name in _HARMLESS or not days_ahead(request):
        return
    raise Conflict(gettext("You are looking at another day, and a change would be made today. Go back to today first."))


def _number(text: str) -> int:
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 4
    return int(text) if is_number else 0
