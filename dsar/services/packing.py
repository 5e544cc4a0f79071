"""Makes the access package: what was collected, what this service holds itself, what is withheld and why; sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from dsar import package
from dsar.lifecycle import Status
from dsar.models import PackagePart, RequestPackage
from dsar.package import Column, PackageMeta, Purpose, Section, Withheld
from dsar.services import parcels, reaching
from dsar.services.moving import locked, note
from dsar.services.naming import category_words, collection_words, place_words
from dsar.services.wording import TONGUE
from dsar.verification import contact_of, reference_of, scope_of
from governance import subjects, vault
from governance.catalogue import datasets
from governance.catalogue.elements import CollectionRef, is_within
from governance.catalogue.planning import REASONS, Ownership, Reason, period_in_words
from governance.models import Purpose as PurposeRow
from governance.models import SystemStep
from governance.policy.principal import worker
from governance.policy.vocabulary import RevealPurpose
from governance.registry import sockets
from governance.systems import runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dsar.models import SubjectRequest
    from governance.catalogue.data_map import DataMap
    from governance.catalogue.planning import Node, Plan
    from governance.policy.principal import Principal

#: Downloads a person has; each one needs a fresh code as well.
DOWNLOADS = 5
#: Ends of rows, as the search told them, that are found and not given out.
_NOT_COPIED = frozenset({"co_owned", "withheld"})


def pack(request: SubjectRequest, made: Plan) -> None:
    """Build and keep the package of a request whose collecting is done. Call outside any transaction."""
    with translation.override(request.language):
        _pack(request, made)


def _pack(request: SubjectRequest, made: Plan) -> None:
    machine = worker(request.controller_id.hex)
    rows = _collected(request, machine)
    data_map = datasets.data_map(request.controller)
    left_out = _left_out(request)
    away = _uncollected(request)
    sections = [
        _unreached(node, away) if node.at in away else _section(request, data_map, node, rows, left_out)
        for node in made.nodes
        if node.read is not None
    ]
    sections += list(_own_sections(request, machine))
    missing = reaching.uncopied(request)
    meta = replace(_meta(request, data_map), missing=missing)
    sealing = parcels.Sealing(package.pieces(meta, sections), scope_of(request))
    parts = list(sealing.parts())  # sealed before the transaction; the file itself is nowhere in one piece
    summary = {
        "rows": {f"{each.dataset}.{each.collection}": len(cast("Sequence[Any]", each.rows)) for each in sections},
        "withheld": [
            {"what": each.what, "reason": each.reason}
            for each in dict.fromkeys((*_withheld_in(request, data_map, made), *_all(left_out)))
        ],
        "missing": missing,
    }
    _keep(request, sealing, parts, summary)


def _keep(request: SubjectRequest, sealing: parcels.Sealing, parts: Sequence[bytes], summary: dict[str, Any]) -> None:
    with transaction.atomic(durable=True):
        request = locked(request.pk)
        if request.status != Status.EXECUTING or not wants_copy(request):
            return
        RequestPackage.objects.filter(request=request, expires_at=None).delete()
        kept = RequestPackage(
            controller=request.controller,
            request=request,
            key_id=parcels.key_id_of(parts),
            digest=sealing.digest,
            size=sealing.size,
            summary=summary,
            created_at=timezone.now(),
            attempts_left=DOWNLOADS,
        )
        kept.save(force_insert=True)
        for position, sealed in enumerate(parts):
            PackagePart.objects.create(package=kept, position=position, sealed=sealed)
        details = {"event": "packed", "bytes": sealing.size, "digest": kept.digest}
        note(request, principal=worker(request.controller_id.hex), details=details)


def wants_copy(request: SubjectRequest) -> bool:
    """Whether there is no copy yet, or one that lacks something else than what is missing now, or of an earlier plan.

    A whole copy is not made again once anything it shows is erased.
    """
    found = RequestPackage.objects.filter(request=request).first()
    if found is None or found.summary.get("missing", []) not in ([], reaching.uncopied(request)):
        return True
    is_older = request.plans.filter(created_at__gt=found.created_at).exists()
    return is_older and not request.outcomes.filter(outcome="erased").exists()


def awaits_copy(request: SubjectRequest) -> bool:
    """Whether a copy is still to be made for this request, or the rest of one that was promised to follow."""
    found = RequestPackage.objects.filter(request=request).first()
    return found is None or reaching.is_part(request, found.summary.get("missing", []))


def is_to_stay(request: SubjectRequest) -> bool:
    """Whether the plan is to stay: a copy was asked for, and some of what it is made of is erased by now.

    A new plan would collect no row that is gone, and erase rows that came since and that no copy shows.
    """
    wants_both = request.rights.filter(right="access").exists()
    return wants_both and request.outcomes.filter(outcome="erased").exists()


def take_back(request: SubjectRequest) -> None:
    """Delete a copy with a hole that nobody was sent, in the caller's transaction: what was missing is tried again."""
    for found in RequestPackage.objects.filter(request=request, expires_at=None):
        if found.summary.get("missing"):
            found.delete()


def _uncollected(request: SubjectRequest) -> dict[CollectionRef, str]:
    """Tell from which places nothing could be read, and the names of their systems."""
    steps = [step for kind in ("locate", "collect") for step in runtime.failures(runtime.steps_of(request.pk, kind))]
    return {CollectionRef(step.dataset, step.collection): step.system.name for step in steps}


def _unreached(node: Node, away: Mapping[CollectionRef, str]) -> Section:
    label = collection_words(node.at.collection)
    reason = gettext("we could not reach the system that holds it")
    return Section(
        system=away[node.at],
        dataset=node.at.dataset,
        collection=node.at.collection,
        label=label,
        columns=(),
        rows=(),
        withheld=[Withheld(what=label, reason=reason)],
    )


def _collected(request: SubjectRequest, machine: Principal) -> dict[tuple[str, str], list[dict[str, Any]]]:
    steps = list(SystemStep.objects.filter(job=request.pk, kind="collect", collected__isnull=False))
    opened = vault.reveal_many(
        [step.collected for step in steps],
        principal=machine,
        purpose=RevealPurpose.ACCESS_PACKAGE,
        object_ref=reference_of(request),
    )
    return {(step.dataset, step.collection): json.loads(str(value)) for step, value in zip(steps, opened, strict=True)}


def _withheld_in(request: SubjectRequest, data_map: DataMap, made: Plan) -> Iterator[Withheld]:
    """Say what a plan withholds from the person's copy, in the words of the description."""
    names = _system_names(request)
    for node in made.nodes:
        yield from _withheld_at(data_map, node, names)
    for each in made.excluded:
        if each.ownership is Ownership.OTHER_PERSON:
            what = place_words(names.get(each.at.dataset, each.at.dataset), each.at.collection)
            yield Withheld(what=what, reason=gettext(REASONS[each.reason]))


def _withheld_at(data_map: DataMap, node: Node, names: Mapping[str, str]) -> Iterator[Withheld]:
    place = place_words(names.get(node.at.dataset, node.at.dataset), node.at.collection)
    for each in (*node.withheld, *(node.read.withheld if node.read else ())):
        to = collection_words(each.target.collection) if each.target else ""
        what = (
            gettext("the record of %(place)s it leads to") % {"place": to} if to else _field(data_map, node, each.field)
        )
        yield Withheld(what=f"{place}: {what}", reason=gettext(REASONS[each.reason]))


def _field(data_map: DataMap, node: Node, name: str) -> str:
    """Say what a field holds, in words; one without a category goes by its own name."""
    home = data_map.collection(node.at)
    found = home.field(name) if home else None
    return (
        category_words(next(iter(found.all_categories))) if found and found.all_categories else collection_words(name)
    )


def _left_out(request: SubjectRequest) -> dict[tuple[str, str], list[Withheld]]:
    """Say which rows were found and are not copied: they are also, or instead, about somebody else."""
    found: dict[tuple[str, str], list[Withheld]] = {}
    for step in runtime.steps_of(request.pk, SystemStep.Kind.LOCATE):
        for told in step.outcome:
            if told["outcome"] in _NOT_COPIED and told["rows"]:
                records = ngettext("%d record", "%d records", told["rows"]) % told["rows"]
                what = f"{place_words(step.system.name, step.collection)} ({records})"
                reason = gettext(REASONS[Reason(told["reason"])])
                found.setdefault((step.dataset, step.collection), []).append(Withheld(what=what, reason=reason))
    return found


def _all(left_out: Mapping[tuple[str, str], list[Withheld]]) -> list[Withheld]:
    return [each for several in left_out.values() for each in several]


def _section(
    request: SubjectRequest,
    data_map: DataMap,
    node: Node,
    rows: Mapping[tuple[str, str], list[dict[str, Any]]],
    left_out: Mapping[tuple[str, str], list[Withheld]],
) -> Section:
    home = data_map.collection(node.at)
    fields = {item.name: item for item in home.fields} if home else {}
    read = node.read.fields if node.read else ()
    categories = {name: next(iter(fields[name].all_categories), "") if name in fields else "" for name in read}
    return Section(
        system=_system_names(request).get(node.at.dataset, node.at.dataset),
        dataset=node.at.dataset,
        collection=node.at.collection,
        label=collection_words(node.at.collection),
        columns=[Column(name=name, label=_label(name, categories[name]), category=categories[name]) for name in read],
        rows=rows.get((node.at.dataset, node.at.collection), []),
        withheld=[
            *dict.fromkeys(_withheld_at(data_map, node, _system_names(request))),
            *left_out.get((node.at.dataset, node.at.collection), ()),
        ],
    )


def _label(name: str, category: str) -> str:
    """Say what a column is: its name in words where its category says nothing about the person."""
    return category_words(category) if is_within(category, "user") else collection_words(name)


def _system_names(request: SubjectRequest) -> dict[str, str]:
    return {dataset: system.name for dataset, system in datasets.systems_of(request.controller).items()}


def _own_sections(request: SubjectRequest, machine: Principal) -> Iterator[Section]:
    """Yield what this service holds itself: the request, and of a registered person identifiers and apps' data."""
    contact = contact_of(request, principal=machine, purpose=RevealPurpose.ACCESS_PACKAGE)
    asked = {"reference": request.reference, "received_at": request.received_at, "address": contact.email}
    yield _own("requests", gettext("Your request"), [{**asked, "rights": [row.right for row in request.rights.all()]}])
    if contact.claimed:
        claimed = [{"type": type_, "value": value} for type_, value in contact.claimed]
        yield _own("claimed", gettext("What else you told us about yourself"), claimed)
    if request.subject is None:
        return
    known = subjects.verified_identifiers_of(
        request.subject, principal=machine, purpose=RevealPurpose.ACCESS_PACKAGE, object_ref=reference_of(request)
    )
    known = known or [("email", contact.email)]
    # What nobody verified may be another person's: it is said to be held, and not shown.
    others = subjects.unverified_types(request.subject) if request.subject.identifiers.count() > 1 else {}
    withheld = [
        Withheld(what=f"{count} {type_}", reason="nobody verified it as yours") for type_, count in others.items()
    ]
    identifiers = [{"type": type_, "value": value} for type_, value in known]
    yield replace(_own("identifiers", gettext("What we know you by"), identifiers), withheld=withheld)
    for name, export in sorted(sockets.personal_data.items()):
        for part, value in export(request.subject.pk).items():
            found = [value] if isinstance(value, Mapping) else value
            is_table = isinstance(found, list) and all(isinstance(each, Mapping) for each in found)
            yield _own(f"{name}_{part}", part.replace("_", " ").capitalize(), found if is_table else [{part: value}])


def _own(collection: str, label: str, rows: Sequence[Mapping[str, Any]]) -> Section:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [Column(name=name) for name in names]
    return Section(
        system=gettext("This privacy service"),
        dataset="governance",
        collection=collection,
        label=label,
        columns=columns,
        rows=rows,
    )


def _meta(request: SubjectRequest, data_map: DataMap) -> PackageMeta:
    controller = request.controller
    purposes = PurposeRow.objects.filter(controller=controller, retired_at__isnull=True).order_by("key")
    whom = {"whom": controller.contact or controller.name}
    unrecorded = gettext("Not recorded in this privacy service; ask %(whom)s") % whom
    return PackageMeta(
        reference=request.reference,
        created_at=timezone.now(),
        controller=controller.name,
        contact=controller.contact,
        authority=controller.authority,
        purposes=[
            Purpose(
                name=each.name,
                lawful_basis=each.lawful_basis.replace("_", " "),
                retention=_lasting(each.validity_days),
            )
            for each in purposes
        ]
        + [
            Purpose(name=rule.reason, lawful_basis=rule.citation, retention=period_in_words(rule.period, TONGUE))
            for rule in data_map.rules
        ],
        # Art. 15(1)(c), (g), (h) and (2) ask for these: an empty place would say that there is nothing to tell.
        recipients=[unrecorded],
        sources=[unrecorded],
        transfers=[unrecorded],
        automated_decisions=unrecorded,
    )


def _lasting(days: int | None) -> str:
    return ngettext("Your choice lasts %d day", "Your choice lasts %d days", days) % days if days else ""
