"""What happened to a request, told from the ledger: the proof is the story; no second record of it exists."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from governance.models import LedgerEntry

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

_MOST: Final = 500
_EVENTS: Final = {
    "challenge": "A code was sent to the address",
    "verify": "The address was proven",
    "plan": "Everything was counted; the plan waits for approval",
    "planned": "The plan was made and locating began",
    "replan": "The plan is made again",
    "approve": "The plan was approved",
    "complete": "Every step has ended",
    "retry": "Failed steps are tried again",
    "respond": "The answer went out",
    "close": "The request was closed",
    "refuse": "The request was refused",
    "withdraw": "The person withdrew the request",
    "lapse": "Nobody proved the address in time",
    "code_sent": "A fresh code was sent",
    "address_proven": "The address was proven again",
    "packed": "The copy was packed and sealed",
    "erased_here": "The person was erased in this service",
    "extended": "The deadline was extended and the person told",
    "purged": "The request's own key was destroyed",
}
_TYPES: Final = {
    "request.received": "The request came in",
    "request.code_failed": "A wrong code was given",
    "request.delivered": "The copy was downloaded",
    "subject.revealed": "A sealed value was opened",
    "subject.erased": "The person was erased in this service",
    "key.destroyed": "A key was destroyed",
    "access.denied": "Somebody was refused",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story."""

    at: datetime
    words: str
    who: str
    details: str
    entry_id: UUID


def timeline(object_ref: str) -> list[Moment]:
    """Tell the story of a request, oldest first; one query."""
    rows = LedgerEntry.objects.filter(object_ref=object_ref).order_by("-recorded_at", "-pk")[:_MOST]
    return [_moment(row) for row in reversed(rows)]


def _moment(row: LedgerEntry) -> Moment:
    details = json.loads(row.payload).get("details", {})
    return Moment(row.recorded_at, _words(row.type, details), _who(row.actor_ref), _details(details), row.pk)


def _words(type_: str, details: dict[str, Any]) -> str:
    if type_ == "step.finished":
        place = f"{details.get('dataset', '')}.{details.get('collection', '')}".strip(".")
        return f"{str(details.get('kind', '')).capitalize()} in {place}: {details.get('state', '')}"
    event = str(details.get("event", ""))
    return _EVENTS.get(event) or _TYPES.get(type_) or type_.replace(".", " ").replace("_", " ")


def _who(actor_ref: str) -> str:
    kind = actor_ref.partition(":")[0]
    return {"worker": "this service", "data_subject": "the person", "staff": "staff", "service": "a service"}.get(
        kind, kind
    )


def _details(details: dict[str, Any]) -> str:
    shown = {key: value for key, value in details.items() if key not in {"event", "before"} and value not in ("", None)}
    return ", ".join(f"{key.replace('_', ' ')} {_plain(value)}" for key, value in shown.items())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
