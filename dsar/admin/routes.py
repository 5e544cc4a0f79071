"""Which console pages requests have, and which action each asks for; no page here is reached without its door."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from dsar.admin import actions, intake, showing
from dsar.deadlines import Right
from dsar.selectors.timeline import EVENTS
from dsar.selectors.words import ANSWER_WORDS, MANNER_WORDS, RIGHT_WORDS, STATUS_WORDS
from governance.console import pages
from governance.console.words import DETAIL_NAMES, DETAIL_WORDS
from governance.policy.vocabulary import Action

_SECTION = "Requests"


def register() -> None:
    """Put the pages into the console, and the words for what events of requests tell."""
    DETAIL_WORDS.update(
        {"status": STATUS_WORDS, "before": STATUS_WORDS, "manner": MANNER_WORDS, "event": EVENTS}
        | {right.value: ANSWER_WORDS for right in Right}
    )
    DETAIL_NAMES.update({right.value: RIGHT_WORDS[right] for right in Right})
    pages.register(
        "requests/", showing.queue_page, "requests", label=_("Queue"), section=_SECTION, action=Action.REQUEST_READ
    )
    pages.register(
        "requests/new/",
        intake.new,
        "request_new",
        label=_("New request"),
        section=_SECTION,
        action=Action.REQUEST_CREATE,
    )
    one = "requests/<uuid:request_id>/"
    pages.register(one, showing.one, "request", label="", section=_SECTION, action=Action.REQUEST_READ)
    for verb, view, action in (
        ("certificate", actions.certificate, Action.REQUEST_READ),
        ("approve", actions.approve, Action.REQUEST_APPROVE),
        ("refuse", actions.refuse, Action.REQUEST_REFUSE),
        ("extend", actions.extend, Action.REQUEST_WORK),
        ("acknowledge", actions.acknowledge, Action.REQUEST_WORK),
        ("go_on", actions.go_on, Action.REQUEST_WORK),
        ("hold", actions.hold, Action.REQUEST_WORK),
        ("keep", actions.keep, Action.REQUEST_WORK),
        ("merge", actions.merge, Action.REQUEST_WORK),
        ("pause", actions.pause, Action.REQUEST_WORK),
        ("release", actions.release, Action.REQUEST_WORK),
        ("resume", actions.resume, Action.REQUEST_WORK),
        ("without", actions.without, Action.REQUEST_WORK),
        ("plan", actions.plan, Action.REQUEST_WORK),
        ("retry", actions.retry, Action.REQUEST_WORK),
        ("respond", actions.respond, Action.REQUEST_WORK),
        ("close", actions.close, Action.REQUEST_WORK),
        ("purge", actions.purge, Action.REQUEST_WORK),
        ("evidence", actions.evidence, Action.AUDIT_EXPORT),
        ("reveal", actions.reveal, Action.SUBJECT_REVEAL),
    ):
        pages.register(f"{one}{verb}/", view, f"request_{verb}", label="", section=_SECTION, action=action)
