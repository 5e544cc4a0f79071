"""Shapes of the request doors: strict input, and answers made of ids, states, dates, names and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework import serializers

from dsar.deadlines import ExtensionReason, PauseReason, Regime, Right
from dsar.lifecycle import Status
from dsar.models import FieldOutcome, RequestPackage, RequestRight, SubjectRequest
from dsar.services import RIGHTS
from governance.api.serializers import IdentifierSerializer, MomentField, StrictSerializer, isoformat
from governance.catalogue import planning
from governance.subjects import proving

if TYPE_CHECKING:
    from dsar.models import RequestPlan


def _one_of(choices: Any) -> dict[str, str]:
    return {"invalid_choice": f"Use one of: {', '.join(choices)}"}


class RequestInput(StrictSerializer):
    """A request as a service records it. One identifier is an e-mail address: codes and letters go there."""

    rights = serializers.ListField(
        child=serializers.ChoiceField(choices=RIGHTS, error_messages=_one_of(RIGHTS)), allow_empty=False, max_length=8
    )
    identifiers = IdentifierSerializer(many=True, allow_empty=False, max_length=20, is_judged=False)
    regime = serializers.ChoiceField(
        choices=list(Regime), default=Regime.GDPR.value, error_messages=_one_of(list(Regime))
    )
    brand = serializers.SlugField(required=False, max_length=50, help_text="Whose face the person saw.")
    language = serializers.RegexField(r"^[a-z]{2}(-[A-Z]{2})?$", default="en", max_length=8)
    received_at = MomentField(required=False, help_text="When it reached you, with its offset, if earlier than now.")

    def validate_identifiers(self, value: list[dict[str, str]]) -> list[dict[str, str]]:
        """Require an address to answer to: the first one counts. The others are kept as the person named them."""
        position = next((place for place, item in enumerate(value) if item["type"] == "email"), None)
        if position is None:
            raise serializers.ValidationError("Name one identifier of type email; the answer goes there")
        if not proving.is_address(value[position]["value"]):
            complaint = {"value": ["Give an e-mail address such as name@example.org"]}
            raise serializers.ValidationError({position: complaint})  # type: ignore[dict-item]  # places are keys, too
        return value


class CodeInput(StrictSerializer):
    """The code from the letter; leave it out to have a fresh one sent."""

    code = serializers.CharField(max_length=32, required=False)


class ApprovalInput(StrictSerializer):
    """The plan that was read, by its digest."""

    plan_digest = serializers.RegexField(r"^[0-9a-f]{64}$", error_messages={"invalid": "Give the digest of the plan"})


class RefusalInput(StrictSerializer):
    """Why the request is refused."""

    reason = serializers.ChoiceField(
        choices=SubjectRequest.RefusalReason.choices, error_messages=_one_of(SubjectRequest.RefusalReason.values)
    )


class ExtensionInput(StrictSerializer):
    """Why more time is needed."""

    reason = serializers.ChoiceField(choices=list(ExtensionReason), error_messages=_one_of(list(ExtensionReason)))


class NothingInput(StrictSerializer):
    """No fields."""


class RightOutput(serializers.Serializer[Any]):
    """One right with its clock."""

    right = serializers.ChoiceField(choices=list(Right))
    due_on = serializers.DateField()
    due_at = serializers.DateTimeField()
    rule = serializers.CharField()
    extended_until = serializers.DateField(allow_null=True)
    outcome = serializers.ChoiceField(choices=RequestRight.Outcome.choices, allow_blank=True)


class CountOutput(serializers.Serializer[Any]):
    """What was found in one table."""

    rows = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True, help_text="Why it could not be searched.")
    system = serializers.CharField()


class PlanOutput(serializers.Serializer[Any]):
    """What would be done, in sentences; `digest` names exactly this plan."""

    digest = serializers.CharField()
    approved_at = serializers.DateTimeField(allow_null=True)
    counts = serializers.DictField(child=CountOutput(), help_text="By dataset and collection.")
    sentences = serializers.ListField(child=serializers.CharField())


class OutcomeOutput(serializers.Serializer[Any]):
    """How one field ended."""

    system = serializers.CharField()
    field = serializers.CharField()
    outcome = serializers.ChoiceField(choices=FieldOutcome.Outcome.choices)
    reason = serializers.CharField(allow_blank=True)
    until = serializers.DateField(allow_null=True)
    rows = serializers.IntegerField()


class PackageOutput(serializers.Serializer[Any]):
    """The copy that waits to be fetched."""

    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    expires_at = serializers.DateTimeField()
    attempts_left = serializers.IntegerField()


class RequestOutput(serializers.Serializer[Any]):
    """Where a request stands. Nothing here tells whether the person is known."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    brand = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=list(Status))
    regime = serializers.ChoiceField(choices=list(Regime))
    received_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    responded_at = serializers.DateTimeField(allow_null=True)
    part_answered_at = serializers.DateTimeField(
        allow_null=True, help_text="When a first part was answered, because a system could not be reached."
    )
    closed_at = serializers.DateTimeField(allow_null=True)
    refusal_reason = serializers.ChoiceField(choices=SubjectRequest.RefusalReason.choices, allow_blank=True)
    acknowledge_by = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True, help_text="Since when the clock stands still.")
    pause_reason = serializers.ChoiceField(choices=list(PauseReason), allow_blank=True)
    held_until = serializers.DateField(allow_null=True, help_text="Nothing is erased up to this day.")
    hold_reason = serializers.ChoiceField(choices=SubjectRequest.HoldReason.values, allow_blank=True)
    duplicate_of = serializers.CharField(allow_null=True, help_text="Reference of the request that answers this one.")
    rights = RightOutput(many=True)
    plan = PlanOutput(allow_null=True)
    outcomes = OutcomeOutput(many=True)
    package = PackageOutput(allow_null=True)


def shown(request: SubjectRequest) -> dict[str, Any]:
    """Answer a request."""
    return {
        "id": str(request.pk),
        "reference": request.reference,
        "brand": request.brand.slug if request.brand else None,
        "status": request.status,
        "regime": request.regime,
        "received_at": isoformat(request.received_at),
        "due_at": isoformat(request.due_at),
        "responded_at": isoformat(request.responded_at),
        "part_answered_at": isoformat(request.part_answered_at),
        "closed_at": isoformat(request.closed_at),
        "refusal_reason": request.refusal_reason,
        "acknowledge_by": isoformat(request.acknowledge_by),
        "acknowledged_at": isoformat(request.acknowledged_at),
        "paused_at": isoformat(request.paused_at),
        "pause_reason": request.pause_reason,
        "held_until": request.held_until.isoformat() if request.held_until else None,
        "hold_reason": request.hold_reason,
        "duplicate_of": request.duplicate_of.reference if request.duplicate_of else None,
        "rights": [
            {
                "right": row.right,
                "due_on": row.due_on.isoformat(),
                "due_at": isoformat(row.due_at),
                "rule": f"{row.rule_id} v{row.rule_version}",
                "extended_until": row.extended_until.isoformat() if row.extended_until else None,
                "outcome": row.outcome,
            }
            for row in request.rights.all()
        ],
        "plan": _plan(request.plans.order_by("-pk").first()),
        "outcomes": [
            {
                "system": row.system.key,
                "field": f"{row.dataset}.{row.collection}.{row.field}",
                "outcome": row.outcome,
                "reason": row.reason,
                "until": row.until.isoformat() if row.until else None,
                "rows": row.rows,
            }
            for row in request.outcomes.select_related("system")
        ],
        "package": _package(request),
    }


def _plan(row: RequestPlan | None) -> dict[str, Any] | None:
    if row is None or not row.digest:
        return None
    return {
        "digest": row.digest,
        "approved_at": isoformat(row.approved_at),
        "counts": row.counts,
        "sentences": planning.describe(planning.from_dict(row.plan)),
    }


def _package(request: SubjectRequest) -> dict[str, Any] | None:
    row = RequestPackage.objects.filter(request=request, expires_at__gt=timezone.now()).first()
    if row is None:
        return None
    return {
        "size": row.size,
        "sha256": row.digest,
        "expires_at": isoformat(row.expires_at),
        "attempts_left": row.attempts_left,
    }
