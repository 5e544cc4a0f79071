"""REST door of the contact log: what was sent to whom, for what and when; it answers nothing about anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from consent import services
from consent.api.serializers import OneOf
from governance.api import idempotency
from governance.api.schema import idempotency_key
from governance.api.serializers import IdentifierSerializer, MomentField, StrictSerializer
from governance.api.views import Door
from governance.errors import AccessDenied, BadInput, FieldError
from governance.models import Purpose
from governance.policy.decide import MessageClass
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from rest_framework.request import Request

MOST: Final = 1000
_SKEW: Final = timedelta(minutes=5)
_IDEMPOTENCY: Final = idempotency_key("Repeats the first answer for a day.")


class ContactSerializer(StrictSerializer):
    """One message that went out; no part of what it said."""

    id = serializers.UUIDField(required=False, help_text="Your own; sent twice, it is kept once.")
    subject = IdentifierSerializer()
    purpose = serializers.SlugField(max_length=64)
    channel = serializers.RegexField(r"^[a-z0-9_]{1,32}$")
    message_class = OneOf([kind.value for kind in MessageClass])
    sent_at = MomentField(required=False, help_text="With its offset; now when left out.")
    campaign = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", required=False, help_text="Your code of the mailing; no personal data."
    )


class ContactListSerializer(StrictSerializer):
    """Up to a thousand messages: all of them are taken or none."""

    contacts = ContactSerializer(many=True, allow_empty=False, max_length=MOST)


class TakenSerializer(StrictSerializer):
    """How many messages were read. Those to people who are not known here are not kept, and not told apart."""

    accepted = serializers.IntegerField()


class ContactsDoor(Door):
    """Keep what was sent."""

    action: ClassVar[Action] = Action.CONSENT_RECORD

    @extend_schema(
        operation_id="record_contacts",
        request=ContactListSerializer,
        responses={202: TakenSerializer, 409: None},
        parameters=[_IDEMPOTENCY],
    )
    def post(self, request: Request) -> Response:
        key = idempotency.key_of(request)
        # Reads the body before DRF parses it: the digest is over the bytes that were sent.
        body = request._request.body  # noqa: SLF001  # DRF offers no other way to the raw body
        data = self.read(ContactListSerializer)["contacts"]
        purposes = self._purposes(data)
        status, answer = idempotency.once(self.principal, key, body, lambda: (202, self._keep(data, purposes, key)))
        return Response(answer, status=status)

    def _keep(self, data: list[dict[str, Any]], purposes: dict[str, Purpose], key: str) -> dict[str, Any]:
        now = timezone.now()
        messages = [
            services.Sent(
                identifier=(each["subject"]["type"], each["subject"]["value"]),
                purpose=purposes[each["purpose"]],
                channel=each["channel"],
                message_class=each["message_class"],
                sent_at=min(each.get("sent_at", now), now),
                campaign=each.get("campaign", ""),
                # A repeated call finds what the first one wrote, also where the caller has no ids of its own.
                id=each.get("id") or idempotency.stable_id(self.principal, key and f"{key}/{place}"),
            )
            for place, each in enumerate(data)
        ]
        services.log_contacts(self.controller, messages, principal=self.principal)
        return {"accepted": len(messages)}

    def _purposes(self, data: list[dict[str, Any]]) -> dict[str, Purpose]:
        """Read the purposes with one statement; raises AccessDenied, or BadInput with every complaint."""
        wanted = {each["purpose"] for each in data}
        if "*" not in self.principal.purposes and wanted - self.principal.purposes:
            raise AccessDenied("This service may not record contacts for one of these purposes")
        known = {row.key: row for row in Purpose.objects.filter(controller=self.controller, key__in=wanted)}
        soon, errors = timezone.now() + _SKEW, []
        for place, each in enumerate(data):
            purpose, at = known.get(each["purpose"]), f"/contacts/{place}"
            if purpose is None:
                errors.append(FieldError(f"{at}/purpose", "No purpose has this key; see /v1/purposes"))
            elif each["channel"] not in purpose.channels:
                channels = ", ".join(purpose.channels) or "none; add it to the purpose first"
                errors.append(FieldError(f"{at}/channel", f"Channels of this purpose: {channels}"))
            if "sent_at" in each and each["sent_at"] > soon:
                errors.append(FieldError(f"{at}/sent_at", "Send a moment that has passed"))
        if errors:
            raise BadInput("The contacts cannot be recorded", errors=errors)
        return known
