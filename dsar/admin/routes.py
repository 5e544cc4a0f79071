"""Which console pages requests have, and which action each asks for; no page here is reached without its door."""

from __future__ import annotations

from dsar.admin import actions, intake, showing
from governance.console import pages
from governance.policy.vocabulary import Action

_SECTION = "Requests"


def register() -> None:
    """Put the pages into the console."""
    pages.register(
        "requests/", showing.queue_page, "requests", label="Queue", section=_SECTION, action=Action.REQUEST_READ
    )
    pages.register(
        "requests/new/", intake.new, "request_new", label="New request", section=_SECTION, action=Action.REQUEST_CREATE
    )
    one = "requests/<uuid:request_id>/"
    pages.register(one, showing.one, "request", label="", section=_SECTION, action=Action.REQUEST_READ)
    for verb, view, action in (
        ("approve", actions.approve, Action.REQUEST_APPROVE),
        ("refuse", actions.refuse, Action.REQUEST_REFUSE),
        ("extend", actions.extend, Action.REQUEST_WORK),
        ("plan", actions.plan, Action.REQUEST_WORK),
        ("retry", actions.retry, Action.REQUEST_WORK),
        ("respond", actions.respond, Action.REQUEST_WORK),
        ("close", actions.close, Action.REQUEST_WORK),
        ("purge", actions.purge, Action.REQUEST_WORK),
        ("reveal", actions.reveal, Action.SUBJECT_REVEAL),
    ):
        pages.register(f"{one}{verb}/", view, f"request_{verb}", label="", section=_SECTION, action=action)
