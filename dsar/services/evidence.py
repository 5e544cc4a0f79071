"""The evidence of one request as a ZIP: what was asked, due, decided and done, with proofs; it opens nothing sealed."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from dsar.selectors.timeline import timeline
from dsar.verification import reference_of
from governance import access, audit
from governance.audit import cosigned, proving, trust
from governance.errors import Conflict
from governance.keys import signing
from governance.models import LedgerEntry
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsar.models import RequestPlan, SubjectRequest
    from governance.policy.principal import Principal

FORMAT: Final = "request-evidence/1"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # ZIP knows no earlier time; the real one is in evidence.json
_MOST: Final = 2000


def evidence(request: SubjectRequest, *, principal: Principal) -> bytes:
    """Answer the bundle. The export is recorded, with the digest of what is handed out, before it leaves.

    Statuses, dates, names of fields and the ledger's pseudonyms are in it; sealed values are not. Raises as require()
    does, and LedgerBroken when an event cannot be proven though it has its place.
    """
    access.require(principal, Action.AUDIT_EXPORT, request)
    events = LedgerEntry.objects.filter(object_ref=reference_of(request)).order_by("recorded_at", "pk")
    rows = list(events[:_MOST])
    proofs = {row.pk.hex: _proof(row) for row in rows}
    said = _said(request, rows, proofs) | {"events_left_out": events.count() - len(rows)}
    contents = {
        "evidence.json": json.dumps(said, indent=2, ensure_ascii=False).encode(),
        "evidence.html": render_to_string("dsar/evidence.html", {"said": said}).encode(),
        "README.txt": render_to_string("dsar/evidence.txt", {"said": said}).encode(),
        "verifier-keys.txt": "".join(f"{key}\n" for key in signing.verifier_keys()).encode(),
    }
    contents["policy.txt"] = trust.text().encode()
    head = proving.latest_checkpoint()
    contents |= {"checkpoint.txt": cosigned.note(head.size, head.note).encode()} if head else {}
    for row in rows:
        contents[f"events/{row.pk.hex}.json"] = row.payload.encode()
    contents |= {f"events/{name}.tlog-proof": text.encode() for name, text in proofs.items() if text}
    bundle = _zip(contents)
    _record(request, bundle, len(rows), principal)
    return bundle


def _proof(row: LedgerEntry) -> str:
    try:
        return proving.receipt(row.pk).text
    except Conflict:  # it waits for its place; the bundle says so
        return ""


def _said(request: SubjectRequest, rows: list[LedgerEntry], proofs: Mapping[str, str]) -> dict[str, Any]:
    told = {moment.entry_id: moment for moment in timeline(reference_of(request))}
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "log": signing.origin(),
        "controller": request.controller.name,
        "reference": request.reference,
        "status": request.status,
        "regime": request.regime,
        "came_in_by": request.manner,
        "dates": _dates(request),
        "refusal_reason": request.refusal_reason,
        "rights": [_right(right) for right in request.rights.all()],
        "plans": [_plan(plan) for plan in request.plans.order_by("pk")],
        "outcomes": _outcomes(request),
        "events": [
            {
                "id": str(row.pk),
                "at": row.recorded_at.isoformat(),
                "type": row.type,
                "said": told[row.pk].words if row.pk in told else row.type,
                "by": row.actor_ref,
                "file": f"events/{row.pk.hex}.json",
                "proof": f"events/{row.pk.hex}.tlog-proof" if proofs[row.pk.hex] else "",
            }
            for row in rows
        ],
    }


def _dates(request: SubjectRequest) -> dict[str, str]:
    names = ("received_at", "verified_at", "due_at", "responded_at", "closed_at", "erased_at", "purged_at")
    return {name: moment.isoformat() for name in names if (moment := getattr(request, name))}


def _right(right: Any) -> dict[str, Any]:
    return {
        "right": right.right,
        "rule": f"{right.rule_id} v{right.rule_version}",
        "due_on": right.due_on.isoformat(),
        "extended_until": right.extended_until.isoformat() if right.extended_until else "",
        "extension_reason": right.extension_reason,
        "outcome": right.outcome,
        "derivation": [
            {"said": str(step.get("text", "")), "citation": str(step.get("citation") or "")}
            for step in right.derivation.get("derivation", ())
        ],
    }


def _plan(plan: RequestPlan) -> dict[str, Any]:
    approved = plan.approved_at
    return {
        "made_at": plan.created_at.isoformat(),
        "digest": plan.digest,
        "rows": {place: count.get("rows", 0) for place, count in sorted(plan.counts.items())},
        "approved_at": approved.isoformat() if approved else "",
        # The ledger's reference: staff are named to nobody outside.
        "approved_by": f"staff:{plan.approved_by_id.hex}" if plan.approved_by_id else "",
        "approved_digest": plan.approved_digest,
    }


def _outcomes(request: SubjectRequest) -> list[dict[str, Any]]:
    return [
        {
            "place": f"{each.dataset}.{each.collection}.{each.field}",
            "system": each.system.key,
            "ended_as": each.outcome,
            "rows": each.rows,
            "reason": each.reason,
            "citation": each.citation,
            "until": each.until.isoformat() if each.until else "",
        }
        for each in request.outcomes.select_related("system").order_by("dataset", "collection", "field")
    ]


def _zip(contents: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path in sorted(contents):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o600 << 16  # Unix, wherever it is made
            archive.writestr(entry, contents[path], zipfile.ZIP_DEFLATED, 9)
    return written.getvalue()


@transaction.atomic(durable=True)
def _record(request: SubjectRequest, bundle: bytes, events: int, principal: Principal) -> None:
    audit.record(
        AuditType.EXPORT_MADE,
        actor=principal,
        controller_id=request.controller_id,
        subject_id=request.subject_id,
        object_ref=reference_of(request),
        decision="allow",
        details={"format": FORMAT, "events": events, "digest": sha256(bundle).hexdigest()},
    )
