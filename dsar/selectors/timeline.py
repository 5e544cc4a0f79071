"""What happened to a request, told from the ledger: the proof is the story; no second record of it exists."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from dsar.selectors.words import ANSWER_WORDS, MANNER_WORDS, RIGHT_WORDS
from governance.models import LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

_MOST: Final = 500
EVENTS: Final = {
    "challenge": _("A code was sent to the address"),
    "verify": _("The address was proven"),
    "plan": _("Everything was counted; the plan waits for approval"),
    "planned": _("The plan was made and locating began"),
    "replan": _("The plan is made again"),
    "approve": _("The plan was approved"),
    "complete": _("Every step has ended"),
    "retry": _("Failed steps are tried again"),
    "proceed": _("The answer is prepared without a system that could not be reached"),
    "respond": _("The answer went out"),
    "respond_part": _("The answer went out in part; the missing system is asked again until it answers"),
    "close": _("The request was closed"),
    "paused": _("The person was asked something and the clock stands still"),
    "tried_again": _("Somebody had the work tried again"),
    "resumed": _("The answer came and the clock runs again"),
    "held": _("The erasure is held"),
    "released": _("The erasure is held no longer"),
    "merge": _("An earlier request answers this one"),
    "acknowledged": _("The receipt was confirmed"),
    "refuse": _("The request was refused"),
    "withdraw": _("The person withdrew the request"),
    "lapse": _("Nobody proved the address in time"),
    "code_sent": _("A fresh code was sent"),
    "address_proven": _("The address was proven again"),
    "packed": _("The copy was packed and sealed"),
    "erased_here": _("The person was erased in this service"),
    "erasure_held": _("A legal hold keeps the person's data in this service; it is erased once the hold ends"),
    "erasure_in_grace": _("The person's key in this service is disabled, and is destroyed when the grace ends"),
    "extended": _("The deadline was extended and the person told"),
    "put_aside": _("What a law keeps waits for its date, and is erased then"),
    "kept_erased": _("What a law kept was erased at the end of its time"),
    "kept_missed": _("What a law kept could not be erased on its date; it is tried again until it can be"),
    "kept_over": _("The time of what a law kept was over; no row was left to erase"),
    "purged": _("The request's own key was destroyed"),
}
_STEP: Final = "step.finished"
#: What the service does by itself while it works.
_MACHINE: Final = frozenset({_STEP, "subject.revealed"})
_WHO: Final = {
    "worker": _("this service"),
    "operator": _("the command line"),
    "data_subject": _("the person"),
    "staff": _("staff"),
    "service": _("a service"),
}
_TELLING: Final = frozenset(
    {"access", "attempts", "erased", "erasure", "failed", "labels", "manner", "method", "not_found", "reason",
     "retained", "rights", "rows", "systems", "until", "values"}
)  # fmt: skip
_KINDS: Final = {"locate": _("Searching"), "collect": _("Copying from"), "erase": _("Erasing in")}
_STATES: Final = {"done": _("done"), "failed": _("failed")}
_CODES: Final = {
    "clarification": _("we ask what is meant"),
    "complexity": _("the request is complex"),
    "fee": _("we wait for a fee"),
    "identity": _("we doubt who asks"),
    "number_of_requests": _("there are many requests"),
    "refusal": _("the rest is refused"),
    "supplement": _("the rest follows"),
    "investigation": _("an investigation is going on"),
    "legal_claim": _("needed for a legal claim"),
    "legal_duty": _("a law obliges us to keep it"),
}
_TYPES: Final = {
    "request.received": _("The request came in"),
    "request.code_failed": _("A wrong code was given"),
    "request.delivered": _("The copy was downloaded"),
    "subject.revealed": _("A sealed value was opened"),
    "subject.erased": _("The person was erased in this service"),
    "key.destroyed": _("A key was destroyed"),
    "letter.failed": _("A letter could not be delivered"),
    "access.denied": _("Somebody was refused"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story."""

    at: datetime
    type: str
    words: str
    who: str
    details: str
    entry_id: UUID
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """Lines that follow each other and tell one thing: what people do stands alone, what the service does is folded."""

    words: str
    moments: tuple[Moment, ...]

    @property
    def first(self) -> Moment:
        """The line that it begins with."""
        return self.moments[0]


def timeline(object_ref: str) -> list[Moment]:
    """Tell the story of a request, oldest first; one query."""
    rows = LedgerEntry.objects.filter(object_ref=object_ref).order_by("-recorded_at", "-pk")[:_MOST]
    return [_moment(row) for row in reversed(rows)]


def chapters(moments: Iterable[Moment]) -> list[Chapter]:
    """Fold the story: nothing is left out, every line stays within its chapter."""
    groups = (tuple(group) for _key, group in groupby(moments, key=_chapter_key))
    return [Chapter(_chapter_words(group), group) for group in groups]


def _chapter_key(moment: Moment) -> tuple[str, str]:
    if moment.type in _MACHINE:
        return moment.who, "" if moment.type == _STEP or moment.who == _WHO["worker"] else moment.type
    return moment.who, moment.words


def _chapter_words(group: tuple[Moment, ...]) -> str:
    if group[0].type not in _MACHINE:
        return group[0].words
    steps = sum(each.type == _STEP for each in group)
    failed = sum(each.is_failure for each in group)
    opened = len(group) - steps
    parts = []
    if steps:
        parts.append(ngettext("%d step on the connected systems", "%d steps on the connected systems", steps) % steps)
    if failed:
        parts.append(ngettext("%d of them failed", "%d of them failed", failed) % failed)
    if opened:
        words = ngettext("sealed values were opened once", "sealed values were opened %(n)d times", opened)
        parts.append(words % {"n": opened})
    said = ", ".join(parts)
    return said[:1].upper() + said[1:]


def _moment(row: LedgerEntry) -> Moment:
    details = json.loads(row.payload).get("details", {})
    return Moment(
        row.recorded_at,
        row.type,
        _words(row.type, details),
        _who(row.actor_ref),
        _details(details),
        row.pk,
        is_failure=row.type == _STEP and details.get("state") == "failed",
    )


def _words(type_: str, details: dict[str, Any]) -> str:
    if type_ == _STEP:
        place = f"{details.get('dataset', '')}.{details.get('collection', '')}".strip(".")
        kind, state = str(details.get("kind", "")), str(details.get("state", ""))
        return f"{_KINDS.get(kind, kind)} {place}: {_STATES.get(state, state)}"
    event = str(details.get("event", ""))
    return str(EVENTS.get(event) or _TYPES.get(type_) or type_.replace(".", " ").replace("_", " "))


def _who(actor_ref: str) -> str:
    kind = actor_ref.partition(":")[0]
    return str(_WHO.get(kind, kind))


def _details(details: dict[str, Any]) -> str:
    """Say what helps to follow the story; the rest stands on the event's own page."""
    shown = {key: value for key, value in details.items() if key in _TELLING and value not in ("", None)}
    return ", ".join(f"{_name(key)} {_said(key, value)}" for key, value in shown.items())


def _name(key: str) -> str:
    return str(RIGHT_WORDS.get(key) or key.replace("_", " "))


def _said(key: str, value: Any) -> str:
    if key == "rights" and isinstance(value, list):
        return _plain([str(RIGHT_WORDS.get(each, each)) for each in value])
    known = MANNER_WORDS if key == "manner" else ANSWER_WORDS if key in RIGHT_WORDS else _CODES
    return str(known.get(value, value)) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
