"""REST doors of the vault: seal, reveal, tokenise, detokenise up to 1,000 values a call, each with its own outcome.

Of their answers nothing is kept. Only tokenising leaves something behind, so it takes an Idempotency-Key: the tokens of
a repeated call are made again from the people's keys, and are the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID, uuid4

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from governance.api import idempotency
from governance.api.schema import idempotency_key
from governance.api.serializers import IdentifierSerializer, StrictSerializer
from governance.api.views import Door
from governance.models import VaultToken
from governance.policy.forms import Form
from governance.policy.vocabulary import STAFF_REVEAL_PURPOSES, Action
from governance.subjects import values
from governance.subjects.values import Item, Tokens
from governance.vault import tokens
from governance.vault.outcomes import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rest_framework.request import Request

MOST: Final = 1_000
_LABEL: Final = "Kind of personal data: a fideslang data category, such as user.contact.email."
_PURPOSES: Final = [purpose.value for purpose in STAFF_REVEAL_PURPOSES]
_IDEMPOTENCY: Final = idempotency_key("A repeated call gets the same tokens for a day.")
_MANY: Final = {"many": True, "allow_empty": False, "max_length": MOST}


class PersonalItemSerializer(StrictSerializer):
    """Whose value it is, and of which kind."""

    subject = IdentifierSerializer(is_judged=False)
    label = serializers.CharField(max_length=128, help_text=_LABEL)  # type: ignore[assignment]  # a field of this name, not what DRF shows as its title


class PersonalValueSerializer(PersonalItemSerializer):
    """One value of one person."""

    value = serializers.JSONField(
        help_text="Text, a number, true, false, a list or an object; not null. About 700 kB at most."
    )


class SealedValueSerializer(PersonalItemSerializer):
    """One sealed value: it opens for the person and the kind that it was sealed for, and nowhere else."""

    sealed = serializers.CharField(max_length=values.LONGEST_SEALED, help_text="As the door answered it: `cxp1.…`.")


class SealSerializer(StrictSerializer):
    """Values to seal."""

    items = PersonalValueSerializer(**_MANY)  # type: ignore[arg-type]  # DRF's list arguments


class RevealSerializer(StrictSerializer):
    """Sealed values to open, and why."""

    purpose = serializers.ChoiceField(
        choices=_PURPOSES, error_messages={"invalid_choice": f"Use one of: {', '.join(_PURPOSES)}"}
    )
    items = SealedValueSerializer(**_MANY)  # type: ignore[arg-type]  # likewise


class TokeniseSerializer(StrictSerializer):
    """Values that another system shall hold tokens for."""

    purpose = serializers.RegexField(
        r"^[a-z][a-z0-9_-]{0,63}$", help_text="The system or use that the tokens are for, such as analytics."
    )
    deterministic = serializers.BooleanField(
        default=False, help_text="Equal values of one person, of one kind and for one purpose get one token."
    )
    expires_in = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=int(tokens.LONGEST_LIFE.total_seconds()),
        help_text="Seconds until the token stands for nothing any more; not for deterministic ones.",
    )
    items = PersonalValueSerializer(**_MANY)  # type: ignore[arg-type]  # likewise


class DetokeniseSerializer(StrictSerializer):
    """Tokens to be looked up, and why."""

    purpose = serializers.ChoiceField(
        choices=_PURPOSES, error_messages={"invalid_choice": f"Use one of: {', '.join(_PURPOSES)}"}
    )
    tokens = serializers.ListField(child=serializers.CharField(max_length=64), allow_empty=False, max_length=MOST)


class OutcomeSerializer(StrictSerializer):
    """What became of one item. Which of the other fields is there depends on the status."""

    status = serializers.ChoiceField(choices=[status.value for status in Status])
    sealed = serializers.CharField(required=False)
    token = serializers.CharField(required=False)
    value = serializers.JSONField(required=False)
    form = serializers.ChoiceField(required=False, choices=[form.value for form in Form if form is not Form.CLEAR])


class OutcomesSerializer(StrictSerializer):
    """One outcome for each item, in the order that they were sent in."""

    results = OutcomeSerializer(many=True)


class SealDoor(Door):
    """Seal values under the keys of the people they are about. Nothing is kept here; erasing the person ends them."""

    action: ClassVar[Action] = Action.VAULT_SEAL

    @extend_schema(operation_id="seal_values", request=SealSerializer, responses=OutcomesSerializer)
    def post(self, request: Request) -> Response:
        del request
        items = _items(self.read(SealSerializer), "value")
        with transaction.atomic(durable=True):
            return _answer(values.seal_each(self.controller, items))


class RevealDoor(Door):
    """Open sealed values, each in the form that the policy gives the caller. The record is committed before."""

    action: ClassVar[Action] = Action.VAULT_REVEAL

    @extend_schema(operation_id="reveal_values", request=RevealSerializer, responses=OutcomesSerializer)
    def post(self, request: Request) -> Response:
        del request
        data = self.read(RevealSerializer)
        found = values.reveal_each(
            self.controller, _items(data, "sealed"), principal=self.principal, purpose=data["purpose"]
        )
        return _answer(found)


class TokeniseDoor(Door):
    """Give out tokens that other systems may keep instead of values. They say nothing, and end with the person."""

    action: ClassVar[Action] = Action.VAULT_TOKENISE

    @extend_schema(
        operation_id="tokenise_values",
        request=TokeniseSerializer,
        responses={200: OutcomesSerializer, 409: None},
        parameters=[_IDEMPOTENCY],
    )
    def post(self, request: Request) -> Response:
        key = idempotency.key_of(request)
        # Read before DRF parses it: the digest is over the bytes that were sent.
        body = request._request.body  # noqa: SLF001  # DRF offers no other way to the raw body
        data = self.read(TokeniseSerializer)
        # Tokens are made from what stands here, so a repeat makes the same ones, for as long as the first call is kept.
        _status, first = idempotency.once(self.principal, key, body, lambda: (200, {"call": uuid4().hex}))
        seconds = data.get("expires_in")
        kind = VaultToken.Kind.DETERMINISTIC if data["deterministic"] else VaultToken.Kind.RANDOM
        asked = Tokens(
            data["purpose"],
            kind,
            None if seconds is None else timedelta(seconds=seconds),
            UUID(first["call"]) if key else None,
        )
        with transaction.atomic(durable=True):
            found = values.tokenise_each(self.controller, _items(data, "value"), asked, principal=self.principal)
        return _answer(found)


class DetokeniseDoor(Door):
    """Answer what tokens stand for, each in the form that the policy gives the caller."""

    action: ClassVar[Action] = Action.VAULT_DETOKENISE

    @extend_schema(operation_id="detokenise_values", request=DetokeniseSerializer, responses=OutcomesSerializer)
    def post(self, request: Request) -> Response:
        del request
        data = self.read(DetokeniseSerializer)
        found = tokens.detokenise(self.controller.pk, data["tokens"], principal=self.principal, purpose=data["purpose"])
        return _answer(found)


def _items(data: dict[str, Any], name: str) -> list[Item]:
    return [
        Item((item["subject"]["type"], item["subject"]["value"]), item["label"], item[name]) for item in data["items"]
    ]


#: Under which name an outcome's value stands.
_NAMES: Final = {Status.SEALED: "sealed", Status.TOKENISED: "token", Status.REVEALED: "value", Status.MASKED: "value"}


def _answer(outcomes: Sequence[Outcome]) -> Response:
    results = []
    for outcome in outcomes:
        result: dict[str, Any] = {"status": outcome.status.value}
        if outcome.status in _NAMES:
            result[_NAMES[outcome.status]] = outcome.value
        if outcome.form:
            result["form"] = outcome.form
        results.append(result)
    return Response({"results": results})
