"""The queue and the page of one request, from top to bottom; it only reads, and opens no sealed value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from dsar import services
from dsar.admin.forms import (
    EXTENSION_WORDS,
    PAUSE_WORDS,
    REFUSAL_WORDS,
    ExtendForm,
    HoldForm,
    PauseForm,
    RefuseForm,
    ResumeForm,
    WithoutForm,
)
from dsar.lifecycle import Event, Status, is_open
from dsar.models import RequestPackage, SubjectRequest
from dsar.selectors import queue, reach, twins
from dsar.selectors.due import due
from dsar.selectors.timeline import chapters, timeline
from dsar.selectors.words import ANSWER_WORDS, MANNER_WORDS, OUTCOME_WORDS, RIGHT_WORDS, STATUS_WORDS
from dsar.services import PAUSABLE, is_held
from dsar.services.wording import HOLD_WORDS, PERSON_HOLD_WORDS, TONGUE, withheld_in
from dsar.verification import reference_of
from governance import access
from governance.catalogue import planning
from governance.console import pages
from governance.console.words import FAILURE_WORDS, IDENTIFIER_WORDS, words
from governance.errors import NotFound
from governance.policy.vocabulary import Action
from governance.subjects import holding
from governance.systems import silence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpResponse
    from django_stubs_ext import StrPromise

    from dsar.models import FieldOutcome, RequestPlan, RequestRight
    from governance.console.desk import DeskRequest

_PAGE: Final = 50
_TONES: Final = {
    Status.AWAITING_APPROVAL.value: "warn",
    Status.REVIEWING.value: "warn",
    Status.RESPONDED.value: "ok",
    Status.CLOSED.value: "ok",
    Status.REFUSED.value: "danger",
}


@require_safe
def queue_page(request: DeskRequest) -> HttpResponse:
    """List requests, least time left first."""
    if "person" in request.GET:
        return _of_person(request, request.GET["person"])
    name = request.GET.get("tab", "open")
    name = name if name in queue.TABS else "open"
    principal, controller, now = request.desk.principal, request.desk.controller, request.desk.instant
    counts = queue.tab_counts(principal, controller, now)
    after = request.GET.get("after", "")
    shown, further = queue.page_of(queue.tab(principal, controller, name, now), after, _PAGE)
    context = {
        "tab": name,
        "tabs": [(key, words, counts[key]) for key, words in _tab_words(request).items()],
        "after": after,
        "further": further,
        "rows": [_line(request, row) for row in shown],
        "may_create": request.desk.may(Action.REQUEST_CREATE),
    }
    return pages.render(request, "dsar/console/queue.html", context)


def _tab_words(request: DeskRequest) -> dict[str, StrPromise]:
    """Name the tabs; nothing waits for somebody who may decide nothing."""
    decides = request.desk.may(Action.REQUEST_APPROVE)
    named = {key: words for key, (words, _statuses) in queue.TABS.items()}
    return named if decides else named | {"waiting": queue.WAITING_WORDS}


def _of_person(request: DeskRequest, person: str) -> HttpResponse:
    """List what one person asked for, newest first."""
    rows = queue.of_person(request.desk.principal, request.desk.controller, person)
    context = {"person": person, "rows": [_line(request, row) for row in rows[:_PAGE]], "tabs": ()}
    return pages.render(request, "dsar/console/queue.html", context)


def _line(request: DeskRequest, row: SubjectRequest) -> dict[str, Any]:
    now, zone = request.desk.instant, request.desk.controller.time_zone
    return {
        "row": row,
        "rights": queue.words_of(row),
        "due": due(row.status, row.due_at, now, zone, row.paused_at),
        "status": STATUS_WORDS[row.status],
        "manner": MANNER_WORDS[row.manner],
        "tone": _TONES.get(row.status, "info"),
        "next": queue.next_words(row, now),
    }


@require_safe
def one(request: DeskRequest, request_id: UUID) -> HttpResponse:
    """Show one request."""
    return show(request, found(request, request_id))


def found(request: DeskRequest, request_id: UUID) -> SubjectRequest:
    """Answer a request of the controller in view; the same NotFound for an absent and a foreign one."""
    row = queue.visible(request.desk.principal).filter(pk=request_id, controller=request.desk.controller).first()
    if row is None:
        raise NotFound
    access.require(request.desk.principal, Action.REQUEST_READ, row)
    return row


def show(request: DeskRequest, row: SubjectRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """Render the page of a request."""
    prefetch_related_objects([row], "rights")
    plans = list(row.plans.select_related("approved_by").order_by("-pk")[:1])
    current = plans[0] if plans else None
    now, missing = request.desk.instant, services.unreached(row)
    context = {
        "row": row,
        "missing": ", ".join(missing.values()),
        "silent": ", ".join(silence.waited_for(row.pk)),
        "goes_without": bool(missing) and services.goes_without(row, missing),
        "status": STATUS_WORDS[row.status],
        "manner": MANNER_WORDS[row.manner],
        "tone": _TONES.get(row.status, "info"),
        "due": due(row.status, row.due_at, now, row.controller.time_zone, row.paused_at),
        "rights": [_right(right) for right in row.rights.all()],
        "refusal_words": REFUSAL_WORDS.get(row.refusal_reason, ""),
        "pause_words": PAUSE_WORDS.get(row.pause_reason, ""),
        "stuck_words": words(row.stuck_code, FAILURE_WORDS) if row.stuck_code else "",
        "rights_words": queue.words_of(row),
        "outcomes": _outcomes(row),
        "package": RequestPackage.objects.filter(request=row).first(),
        "named": [(kind, words(kind, IDENTIFIER_WORDS)) for kind in reach.named_kinds(row, reference_of(row))],
        "lost_letters": reach.lost_letters(row, reference_of(row)),
        "chapters": chapters(timeline(reference_of(row))),
        "refuse_form": RefuseForm(),
        "extend_form": ExtendForm(),
        "pause_form": PauseForm(),
        "resume_form": ResumeForm(),
        "hold_form": HoldForm(),
        "without_form": WithoutForm(refuses_only=not may_follow(row)),
        "hold_words": HOLD_WORDS.get(row.hold_reason, ""),
        **_holds(row),
        "twins": twins.earlier(row) if Event.MERGE in services.possible(row) else (),
        "is_late_to_acknowledge": bool(
            row.acknowledge_by and row.acknowledged_at is None and row.acknowledge_by < now and is_open(row.status)
        ),
        **_plan(current),
        **_offers(request, row, missing),
        **more,
    }
    return pages.render(request, "dsar/console/request.html", context, status)


def _right(right: RequestRight) -> dict[str, Any]:
    return {
        "row": right,
        "words": RIGHT_WORDS[right.right],
        "answer": ANSWER_WORDS.get(right.outcome, ""),
        "extension": EXTENSION_WORDS.get(right.extension_reason, ""),
    }


def _holds(row: SubjectRequest) -> dict[str, Any]:
    """Say which holds stand: the request's own, the person's, or both; each alone keeps everything."""
    hold = holding.standing_on(row.subject) if row.subject and row.status in _EXTENDABLE and _erases(row) else None
    return {
        "is_held": is_held(row),
        "person_hold": hold,
        "person_hold_words": PERSON_HOLD_WORDS[hold.reason] if hold else "",
    }


def _plan(current: RequestPlan | None) -> dict[str, Any]:
    if current is None:
        return {"plan": None}
    made = planning.from_dict(current.plan)
    passages = planning.passages(made, TONGUE)
    summaries = {passage.at: passage.summary for passage in passages}
    found_rows = [
        {
            "place": place,
            **count,
            "summary": summaries.get(place, ""),
            "failure": words(count["error"], FAILURE_WORDS) if count["error"] else "",
        }
        for place, count in sorted(current.counts.items())
    ]
    systems = {count["system"] for count in current.counts.values() if count["rows"]}
    rows = sum(count["rows"] for count in current.counts.values())
    return {
        "plan": current,
        "passages": passages,
        "closing": planning.closing(made, TONGUE),
        "withheld": withheld_in(made),
        "counts": found_rows,
        "rows_found": rows,
        "is_incomplete": any(count["error"] for count in current.counts.values()),
        "approve_words": _approve_words(made.rights, rows, len(systems)),
    }


def _approve_words(rights: tuple[str, ...], rows: int, systems: int) -> str:
    known = (("access", gettext("copy")), ("erasure", gettext("erasure")))
    what = gettext(" and ").join(words for right, words in known if right in set(map(str, rights)))
    row_words = ngettext("%d row", "%d rows", rows) % rows
    system_words = ngettext("%d system", "%d systems", systems) % systems
    return gettext("Approve %(what)s of %(rows)s in %(systems)s") % {
        "what": what,
        "rows": row_words,
        "systems": system_words,
    }


def _outcomes(row: SubjectRequest) -> dict[str, list[Any]]:
    """Fold fields that ended alike into one line: the collection, its fields, why, until when."""
    groups: dict[str, dict[Any, dict[str, Any]]] = {"failed": {}, "retained": {}, "erased": {}, "not_found": {}}
    for each in row.outcomes.select_related("system"):
        alike = (each.system.key, each.dataset, each.collection, each.rows, each.reason, each.citation, each.until)
        line = {"first": each, "fields": [], "why": _why(each), "words": OUTCOME_WORDS[each.outcome]}
        groups[each.outcome].setdefault(alike, line)["fields"].append(each.field)
    return {name: list(lines.values()) for name, lines in groups.items() if lines}


def _why(outcome: FieldOutcome) -> str:
    """Say in words why a field failed; why one is kept is a sentence already."""
    return words(outcome.reason, FAILURE_WORDS) if outcome.reason in FAILURE_WORDS else outcome.reason


def may_follow(row: SubjectRequest) -> bool:
    """Whether the rest of an answer can still be promised; while it is waited for, it already was."""
    return row.status == Status.REVIEWING


def _offers(request: DeskRequest, row: SubjectRequest, missing: Mapping[str, str]) -> dict[str, bool]:
    """Say what may be offered now; the door and the lifecycle ask again."""
    events, desk = services.possible(row), request.desk
    works = desk.may(Action.REQUEST_WORK)
    failed = row.outcomes.filter(outcome="failed").exists()
    lacking = row.outcomes.filter(outcome="failed").exclude(system__key__in=row.left_out).exists()
    is_ready = not lacking and services.goes_without(row, missing)
    recorded = row.created_by == desk.principal.ref and not row.controller.single_officer
    approves = Event.APPROVE in events and row.paused_at is None and desk.may(Action.REQUEST_APPROVE)
    return {
        "may_approve": approves and not recorded,
        "needs_second": Event.APPROVE in events and recorded,
        "may_refuse": Event.REFUSE in events and desk.may(Action.REQUEST_REFUSE),
        "may_extend": works and row.status in _EXTENDABLE and row.paused_at is None and _may_take_longer(row),
        "may_pause": works and row.status in PAUSABLE and row.paused_at is None,
        "may_resume": works and row.paused_at is not None and is_open(row.status),
        "may_hold": works and services.may_hold(row),
        "may_release": works and row.status in _EXTENDABLE and row.held_until is not None,
        "may_go_on": works and bool(row.stuck_code) and is_open(row.status),
        "may_keep": works and row.status == Status.EXECUTING and is_held(row),
        "may_merge": works and Event.MERGE in events,
        "may_acknowledge": works and row.acknowledge_by is not None and not row.acknowledged_at and is_open(row.status),
        "may_plan": works and services.may_plan(row),
        "may_respond": works and Event.RESPOND in events and is_ready and row.paused_at is None,
        "may_go_without": works and row.paused_at is None and services.may_go_without(row, missing),
        "may_retry": works and Event.RETRY in events and (failed or bool(missing)),
        "may_close": works and Event.CLOSE in events,
        "may_export": desk.may(Action.AUDIT_EXPORT),
        "may_find": desk.may(Action.SUBJECT_FIND),
        "may_see_ledger": desk.may(Action.AUDIT_READ),
        "may_reveal": desk.may(Action.SUBJECT_REVEAL) and row.purged_at is None,
        "may_purge": works and row.closed_at is not None and row.purged_at is None,
    }


def _may_take_longer(row: SubjectRequest) -> bool:
    """Whether the clock runs for a person who is known to have asked, and was never extended."""
    return row.verified_at is not None and all(right.extended_until is None for right in row.rights.all())


def _erases(row: SubjectRequest) -> bool:
    return any(right.right == "erasure" for right in row.rights.all())


_EXTENDABLE: Final = frozenset({"received", "verifying", "planning", "awaiting_approval", "executing", "reviewing"})
