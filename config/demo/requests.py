"""Requests of made-up people in every status, made by the services that lead there and by nothing else.

Only the moment of receipt lies back, which a request may say of itself; whatever happens to it happens now. What
takes a fortnight, and the many that a large company has, are taken over as if another tool had kept them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid5

from django.utils import timezone

from config.demo import staff
from config.demo.people import person
from dsar import services, tasks
from dsar.lifecycle import Status
from dsar.models import SubjectRequest
from dsar.selectors import twins
from governance import access, vault
from governance.models import OutgoingMessage
from governance.policy.principal import data_subject, worker
from governance.policy.vocabulary import RevealPurpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from governance.models import Controller
    from governance.policy.principal import Principal

_BOTH = ("access", "erasure")
_STRANGER = 0
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Story:
    """A request: whose, for what, received how many days ago, and where it rests."""

    number: int
    rights: tuple[str, ...]
    days: int
    rests: str
    manner: str = "portal"
    regime: str = "GDPR"
    reason: str = ""


#: A month to answer (GDPR Art. 12(3)): 33 days and more are overdue, 24 to 30 come due this week.
STORIES = (
    Story(20, ("access",), 0, "unverified"),
    Story(22, ("access",), 11, "unverified", manner="officer"),
    Story(23, ("access",), 1, "waiting"),
    Story(24, ("erasure",), 9, "waiting", manner="officer"),
    Story(25, _BOTH, 26, "waiting"),
    Story(27, ("erasure",), 36, "waiting"),
    Story(29, ("access",), 43, "waiting", regime="CCPA", manner="api"),
    Story(30, ("access",), 20, "extended", reason="complexity"),
    Story(31, ("access",), 12, "reviewing"),
    Story(33, ("access",), 40, "reviewing", manner="officer"),
    Story(34, ("access",), 15, "answered"),
    Story(35, ("erasure",), 18, "answered", regime="UK_GDPR"),
    Story(_STRANGER, ("access",), 7, "answered"),
    Story(38, ("erasure",), 75, "closed"),
    Story(39, ("access",), 11, "refused", reason="too_many_requests"),
    Story(40, ("erasure",), 14, "refused", reason="claim_not_covered"),
    Story(41, ("access",), 5, "withdrawn"),
    Story(42, ("access",), 2, "planning"),
    Story(43, ("erasure",), 3, "executing"),
    Story(44, ("access",), 10, "paused", reason="identity"),
    Story(45, _BOTH, 12, "held", reason="legal_claim"),
    Story(25, _BOTH, 2, "duplicate"),
    Story(46, ("erasure",), 20, "taken over", reason="lapsed"),
    Story(47, ("access",), 1, "taken over", reason="received"),
)
#: Resting places that are reached through the plan, through its approval, and through the answer.
_APPROVED = frozenset({"reviewing", "answered", "closed"})
_ANSWERED = frozenset({"answered", "closed"})


def tell(controller: Controller, seed: int, principal: Principal, progress: Callable[[int], None]) -> int:
    """Make the requests, unless the operator made some already; answers how many."""
    if SubjectRequest.objects.filter(controller=controller, created_by=principal.ref).exists():
        return 0
    made = {}
    for story in STORIES:
        progress(1)
        if story.rests == "taken over":
            continue
        made[story] = _receive(controller, story, seed, principal)
        if story.rests not in {"unverified", "planning"}:
            _prove(made[story])
    officer = access.principal_of(staff.officer())
    # What is refused or taken back is not looked for.
    _each(made, {"refused"}, lambda request, story: services.refuse(request, story.reason, principal=officer))
    _each(made, {"withdrawn"}, lambda request, _story: services.withdraw(request, principal=_person(request)))
    _work(made, Status.PLANNING)
    _each(made, _APPROVED, lambda request, _story: _approve(request, officer))
    _work(made, Status.EXECUTING)
    _finish(made, officer)
    told = [_past(controller, story, seed) for story in STORIES if story.rests == "taken over"]
    services.import_many(controller, told, principal=principal)
    return len(STORIES)


def _finish(made: dict[Story, SubjectRequest], officer: Principal) -> None:
    _each(made, _ANSWERED, lambda request, _story: services.respond(request, principal=officer))
    _each(made, {"closed"}, lambda request, _story: services.close(request, principal=officer))
    _each(made, {"extended"}, lambda request, story: services.extend(request, story.reason, principal=officer))
    _each(made, {"paused"}, lambda request, story: services.pause(request, story.reason, principal=officer))
    _each(made, {"duplicate"}, lambda request, _story: _merge(request, officer))
    _each(made, {"held"}, lambda request, story: _hold(request, story.reason, officer))
    # Last, because from here the workers carry them on: one is looked for, one is being carried out.
    _each(made, {"executing"}, lambda request, _story: _approve(request, officer))
    _each(made, {"planning"}, lambda request, _story: _prove(request))


def _receive(controller: Controller, story: Story, seed: int, principal: Principal) -> SubjectRequest:
    each = None if story.number == _STRANGER else person(seed, story.number)
    intake = services.Intake(
        rights=story.rights,
        email=each.email if each else "somebody.else@example.net",
        brand=controller.brands.filter(slug=each.brand).first() if each else None,
        manner=story.manner,
        regime=story.regime,
        received_at=timezone.now() - timedelta(days=story.days, hours=story.number % 9),
    )
    return services.receive(controller, intake, principal=principal)


def _past(controller: Controller, story: Story, seed: int) -> services.Past:
    """Tell of a request as another tool would have kept it: one that nobody proved, or that nobody wrote to yet."""
    each, received_at = person(seed, story.number), timezone.now() - timedelta(days=story.days)
    is_over = story.reason == "lapsed"
    return services.Past(
        rights=story.rights,
        regime=story.regime,
        manner=story.manner,
        status=Status(story.reason),
        received_at=received_at,
        email="" if is_over else each.email,
        closed_at=received_at + timedelta(days=14) if is_over else None,
        id=uuid5(controller.pk, f"story:{story.number}"),
    )


def _merge(request: SubjectRequest, officer: Principal) -> None:
    services.merge(request, twins.earlier(request)[0].reference, principal=officer)


def _hold(request: SubjectRequest, reason: str, officer: Principal) -> None:
    """Hold it for half a year, and let everything but the erasing be done."""
    services.hold(request, reason, request.controller.day_of() + timedelta(days=182), principal=officer)
    _approve(request, officer)
    tasks.work()


def _prove(request: SubjectRequest) -> None:
    """Read the letter with the code, as the made-up person would, and type it in."""
    letter = OutgoingMessage.objects.get(scope_kind="proof", scope_id=request.proof_id)
    text = vault.reveal(
        letter.text,
        principal=worker(request.controller_id.hex),
        purpose=RevealPurpose.DEMONSTRATION_MAILBOX,
        object_ref=f"message:{letter.pk.hex}",
    )
    found = re.search(r"\b\d{6}\b", str(text))
    services.verify(request, found[0] if found else "", principal=_person(request))


def _approve(request: SubjectRequest, officer: Principal) -> None:
    plan = request.plans.order_by("-pk")[0]
    services.approve(request, plan.digest, principal=officer)


def _work(made: dict[Story, SubjectRequest], status: Status) -> None:
    """Let the workers' own work run until nothing of ours is in this status any more."""
    ours = SubjectRequest.objects.filter(pk__in=[request.pk for request in made.values()], status=status)
    for _ in range(_ROUNDS):
        if not ours.exists():
            return
        tasks.work()


def _each(
    made: dict[Story, SubjectRequest], rests: set[str] | frozenset[str], act: Callable[[SubjectRequest, Story], object]
) -> None:
    for story, request in made.items():
        if story.rests in rests:
            act(SubjectRequest.objects.select_related("controller").get(pk=request.pk), story)


def _person(request: SubjectRequest) -> Principal:
    return data_subject(request.pk.hex, request.controller_id.hex)
