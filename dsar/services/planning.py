"""From a verified request to a plan an officer can approve: identities, data map, located and counted rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from dsar.lifecycle import Event, Status
from dsar.models import RequestPackage, RequestPlan
from dsar.services import packing
from dsar.services.moving import locked, move, note, possible
from dsar.verification import contact_of, reference_of, scope_of
from governance import subjects, vault
from governance.catalogue import datasets, planning
from governance.errors import Conflict
from governance.models import DataSubject, SystemStep
from governance.policy.principal import WORKER, worker
from governance.policy.vocabulary import RevealPurpose
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dsar.models import SubjectRequest
    from governance.catalogue.elements import CollectionRef
    from governance.catalogue.planning import Node, Plan
    from governance.policy.principal import Principal

Identities = dict[str, list[str]]


def plan(request: SubjectRequest, *, principal: Principal) -> RequestPlan:
    """Compute the plan from the data map as it is now and start locating; an earlier plan is replaced.

    Only proven identifiers are searched by: the confirmed address, and the verified ones of the registered person
    behind it. Raises IllegalTransition, and Conflict where it would lose what nothing shows any more. Call outside any
    transaction.
    """
    machine = worker(request.controller_id.hex)
    email = contact_of(request, principal=machine).email
    subject = _behind(request, email)
    identities = _identities(request, email, subject, machine)
    made = planning.plan(datasets.data_map(request.controller), frozenset(identities), frozenset(rights_of(request)))
    made = replace(made, notes=(*made.notes, *_left_out(request, subject)))
    with transaction.atomic(durable=True):
        request, current = locked(request.pk), newest(request)
        if principal.kind == WORKER and current is not None and not wants_plan(request, current):
            return current  # a faster worker planned it meanwhile: nothing is searched twice, nor taken back
        return _store(request, made, identities, subject, principal)


@transaction.atomic(durable=True)
def counted(request: SubjectRequest, *, principal: Principal) -> bool:
    """Close the plan once every locate step has ended: what is found is counted, and an officer can decide."""
    request = locked(request.pk)
    current = newest(request)
    if request.status != Status.PLANNING or current is None or current.digest:
        return False
    steps = runtime.steps_of(request.pk, "locate")
    if not all(map(runtime.has_ended, steps)):
        return False
    current.counts = {f"{step.dataset}.{step.collection}": _count(step) for step in steps}
    current.digest = digest_of(current.plan, current.counts)
    current.save(update_fields=["counts", "digest"])
    details = {
        "rows": sum(count["rows"] for count in current.counts.values()),
        "failed": sum(bool(count["error"]) for count in current.counts.values()),
    }
    move(request, Event.PLAN, principal=principal, details=details)
    return True


def newest(request: SubjectRequest) -> RequestPlan | None:
    """Give the plan that counts."""
    return request.plans.order_by("-pk").first()


def may_plan(request: SubjectRequest) -> bool:
    """Whether a plan can be made, or made again."""
    can = Event.REPLAN in possible(request) or request.status == Status.PLANNING
    return can and not packing.is_to_stay(request)


def wants_plan(request: SubjectRequest, current: RequestPlan | None) -> bool:
    """Tell whether a request is to be planned, or planned again: proven or reopened since, or never planned."""
    if current is None:
        return True
    is_older = request.verified_at is not None and current.created_at < request.verified_at
    return request.status == Status.PLANNING and (is_older or bool(current.digest))


def digest_of(plan_json: Mapping[str, Any], counts: Mapping[str, Any]) -> str:
    """Digest a plan with what was found: an approval names it, so nobody approves more than they saw."""
    text = json.dumps({"plan": plan_json, "counts": counts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def rights_of(request: SubjectRequest) -> list[str]:
    """Name the rights of a request."""
    return [row.right for row in request.rights.all()]


def orders(request: SubjectRequest, made: Plan, kind: str, places: Sequence[CollectionRef]) -> list[runtime.StepOrder]:
    """Turn places of a plan into steps of one kind, one lane for each group of connected datasets.

    Retention periods are judged at the moment the steps are queued, however often one is repeated.
    """
    homes = runtime.systems_of(request.pk) if kind != "locate" else datasets.systems_of(request.controller)
    lanes = _lanes(made)
    spec = {"instant": timezone.now().isoformat()} if kind == "erase" else {}
    return [
        runtime.StepOrder(
            system=homes[at.dataset],
            kind=kind,
            at=at,
            lane=lanes[at.dataset],
            spec=spec,
        )
        for at in places
    ]


def _count(step: SystemStep) -> dict[str, Any]:
    failed = step.state == SystemStep.State.FAILED
    return {"rows": 0 if failed else step.rows or 0, "error": step.error if failed else "", "system": step.system.key}


def _store(
    request: SubjectRequest, made: Plan, identities: Identities, subject: DataSubject | None, principal: Principal
) -> RequestPlan:
    """Store a plan in the caller's transaction, and queue its search."""
    if packing.is_to_stay(request):
        raise Conflict(
            gettext(
                "Some of what was found is erased by now, and a new plan would erase what the copy does not show. Try "
                "again, answer without the system, or record a new request for what came since."
            )
        )
    if request.subject_id is not None and subject is None:
        request.subject = None
        request.save(update_fields=["subject"])
    if request.status != Status.PLANNING:
        request.left_out = []
        move(request, Event.REPLAN, principal=principal, also=("left_out",))
        if not request.outcomes.filter(outcome="erased").exists():
            # A copy is made again with the new plan, unless what it shows has been erased since.
            RequestPackage.objects.filter(request=request, expires_at=None).delete()
    runtime.clear(request.pk)
    row = RequestPlan.objects.create(request=request, plan=planning.to_dict(made), created_at=timezone.now())
    seeds = vault.seal(json.dumps(identities), label="step.seeds", scope=scope_of(request))
    # Rows shared with others come last: who else needs them is told by what was found before.
    places = sorted(made.nodes, key=lambda node: node.ownership is planning.Ownership.SHARED)
    located = orders(request, made, "locate", [node.at for node in places])
    runtime.open_job(request.pk, request.controller, located, plan=row.plan, seeds=seeds)
    note(request, principal=principal, details={"event": "planned", "collections": len(made.nodes)})
    return row


def _behind(request: SubjectRequest, email: str) -> DataSubject | None:
    """Give the person of the request, unless nothing but an unverified link leads there from the proven address.

    Whoever gets their own address registered beside somebody's customer number would receive that person's data.
    """
    known = request.subject
    if known is None or known.status == DataSubject.Status.ERASED:
        return known
    return known if subjects.match_proven(request.controller_id, "email", email) == known else None


def _identities(request: SubjectRequest, email: str, subject: DataSubject | None, machine: Principal) -> Identities:
    found: Identities = {"email": [email]}
    if subject is not None:
        known = subjects.verified_identifiers_of(
            subject, principal=machine, purpose=RevealPurpose.SUBJECT_REQUEST, object_ref=reference_of(request)
        )
        for type_, value in known:
            if value not in found.setdefault(type_, []):
                found[type_].append(value)
    return found


def _left_out(request: SubjectRequest, subject: DataSubject | None) -> Iterator[str]:
    """Say by what was not searched, so that an officer can have it verified: types and counts only."""
    if subject is not None and subject.identifiers.count() > 1:
        for type_, count in subjects.unverified_types(subject).items():
            told = gettext("Not searched by %(count)d %(type)s registered for the person: nobody verified it.")
            yield told % {"count": count, "type": type_}
    elif request.subject is not None:
        yield gettext(
            "The address is registered beside other identifiers and not verified: what they lead to is left out."
        )


def _lanes(made: Plan) -> dict[str, int]:
    """Number the groups of datasets that depend on each other: a broken system stops only its own group."""
    group = {node.at.dataset: node.at.dataset for node in made.nodes}

    def root(dataset: str) -> str:
        while group[dataset] != dataset:
            dataset = group[dataset]
        return dataset

    for node in made.nodes:
        for other in _neighbours(node):
            if other.dataset in group:
                group[root(node.at.dataset)] = root(other.dataset)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(map(root, group)))}
    return {dataset: numbers[root(dataset)] for dataset in group}


def _neighbours(node: Node) -> Iterable[CollectionRef]:
    yield from (each.source.home for each in node.lookups if each.source)
    yield from (source.home for guard in node.guards for source in guard.sources)
    yield from (each.source.home for each in node.co_owners)
    yield from (each.at.home for each in node.referrers)
