"""Who sits at the console: the principal, the controllers served and the one in view; it must not render pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from governance import access
from governance.console import clock
from governance.models import Controller, StaffUser
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from governance.console.pages import Page, Section
    from governance.policy.principal import Principal

CONTROLLER_KEY = "console_controller"


@dataclass(slots=True)
class Desk:
    """A member of staff at work. Templates read it as `request.desk`.

    The principal is narrowed to the controller in view: no page can mix up what is held here and elsewhere.
    """

    principal: Principal
    controllers: list[Controller]
    controller: Controller
    #: The same person with everything they hold, at every controller.
    whole: Principal
    #: The moment that pages show; `days_ahead` of now only in the demonstration.
    instant: datetime
    days_ahead: int = 0
    #: The page and the place of the navigation that are open.
    page: Page | None = None
    section: str = ""
    sections: list[Section] = field(default_factory=list)

    def may(self, action: Action) -> bool:
        """Whether to offer something. The door asks again with `access.require`; this only hides what would refuse."""
        return self.principal.may(action)

    def may_everywhere(self, action: Action) -> bool:
        """Whether the action is theirs at every controller there is: for what belongs to none or to all."""
        return len(self.whole.controllers_where(action)) >= Controller.objects.count()


class DeskRequest(HttpRequest):
    """A request inside the console, for type checkers: `desk` is set by the site before any view runs."""

    desk: Desk
    user: StaffUser  # the site lets nobody else in


def desk_of(request: HttpRequest) -> Desk | None:
    """Answer the desk of the signed-in person, or None without a role and a controller; worked out once a request."""
    if not hasattr(request, "desk"):
        request.desk = _open(request)  # type: ignore[attr-defined]  # see DeskRequest
    found: Desk | None = request.desk  # type: ignore[attr-defined]  # see DeskRequest
    return found


def _open(request: HttpRequest) -> Desk | None:
    user = getattr(request, "user", None)
    if not isinstance(user, StaffUser) or not (user.is_active and user.is_staff):
        return None
    principal = access.principal_of(user)
    # A superuser without a grant serves nobody (invariant 4): the list is empty and the console stays closed.
    served = [UUID(controller) for controller in principal.controllers_where(Action.CONSOLE_ENTER)]
    if not served:
        return None
    controllers = list(Controller.objects.filter(pk__in=served).order_by("slug"))
    if not controllers:
        return None
    chosen = request.session.get(CONTROLLER_KEY)
    current = next((each for each in controllers if each.pk.hex == chosen), controllers[0])
    days = clock.days_ahead(request)
    instant = timezone.now() + timedelta(days=days)
    return Desk(principal.at(current.pk.hex), controllers, current, principal, instant, days)
