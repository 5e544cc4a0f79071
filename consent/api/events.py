"""REST doors for choices: record an event, read a person's history; they read input and call one service each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from consent import selectors, services
from consent.api.serializers import (
    EventInputSerializer,
    EventSerializer,
    HistoryInputSerializer,
    HistorySerializer,
)
from consent.models import ConsentEvent
from governance import subjects
from governance.access.enforcement import OTHER_PURPOSE, deny
from governance.api import idempotency
from governance.api.schema import idempotency_key
from governance.api.serializers import ReceiptOutput, isoformat
from governance.api.views import Door
from governance.errors import AccessDenied, BadInput, FieldError, NotFound
from governance.models import Purpose
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from consent.models import NoticeRevision

_MOST_EVENTS: Final = 1000
_IDEMPOTENCY: Final = idempotency_key("Repeats the first answer for a day.")


class EventsDoor(Door):
    """Record what somebody chose."""

    action: ClassVar[Action] = Action.CONSENT_RECORD

    @extend_schema(
        operation_id="record_consent_event",
        request=EventInputSerializer,
        responses={201: EventSerializer, 409: None, 410: None},
        parameters=[_IDEMPOTENCY],
    )
    def post(self, request: Request) -> Response:
        key = idempotency.key_of(request)
        # Reads the body before DRF parses it: the digest is over the bytes that were sent.
        body = request._request.body  # noqa: SLF001  # DRF offers no other way to the raw body
        data = self.read(EventInputSerializer)
        self._require_purpose(data["purpose"])
        status, answer = idempotency.once(self.principal, key, body, lambda: (201, self._record(data, key)))
        return Response(answer, status=status)

    def _record(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        controller = self.controller
        choice = services.Choice(
            purpose=_purpose(controller.pk, data["purpose"]),
            state=data["state"],
            method=data["method"],
            channel=data.get("channel", ""),
            consent_type=data["consent_type"],
            notice_revision=_revision(controller.pk, data.get("notice")),
            collection_point=data.get("collection_point", ""),
            occurred_at=data.get("occurred_at"),
            evidence=data.get("evidence"),
        )
        people = [data["subject"], *data.get("identifiers", [])]
        identifiers = [(each["type"], each["value"]) for each in people]
        (recorded,) = services.record_for(
            controller,
            identifiers,
            [choice],
            principal=self.principal,
            event_id=idempotency.stable_id(self.principal, key),
        )
        return _answer(recorded)

    def _require_purpose(self, key: str) -> None:
        """Keep a service to the purposes it may name, as the check does (D02)."""
        if not {key, "*"} & self.principal.purposes:
            # A purpose that is none of ours is not repeated: free text in the ledger could be a name.
            known = Purpose.objects.filter(controller=self.controller, key=key).exists()
            deny(
                self.principal,
                self.action,
                controller_id=self.controller.pk,
                resource=None,
                purpose=key if known else "",
                rule=OTHER_PURPOSE,
            )
            raise AccessDenied("This service may not record choices for this purpose")


class ReceiptDoor(Door):
    """The proof that a choice is in the ledger: one `.tlog-proof` file, verified offline with `/ledger-keys`."""

    action: ClassVar[Action] = Action.CONSENT_RECORD

    @extend_schema(operation_id="read_consent_receipt", responses={200: ReceiptOutput})
    def get(self, request: Request, consent_event_id: UUID) -> Response:
        del request
        event = ConsentEvent.objects.select_related("purpose").filter(pk=consent_event_id).first()
        if event is None or event.controller_id != self.controller.pk:
            raise NotFound
        if not {event.purpose.key, "*"} & self.principal.purposes:
            raise NotFound
        receipt = services.receipt(event)
        return Response({"id": str(event.pk), "status": receipt.status, "receipt": receipt.text or None})


class HistoryDoor(Door):
    """Answer a person's events. The same shape and status whether or not the person is known."""

    action: ClassVar[Action] = Action.CONSENT_READ

    @extend_schema(
        operation_id="read_consent_history", request=HistoryInputSerializer, responses={200: HistorySerializer}
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(HistoryInputSerializer)
        subject = subjects.find(self.controller, [(data["subject"]["type"], data["subject"]["value"])])
        events: list[ConsentEvent] = []
        if subject is not None:
            rows = selectors.events_of(subject.pk)
            if "purpose" in data:
                rows = rows.filter(purpose__key=data["purpose"])
            if "*" not in self.principal.purposes:
                rows = rows.filter(purpose__key__in=self.principal.purposes)
            events = list(rows[: _MOST_EVENTS + 1])
        shown = [_past(event) for event in events[:_MOST_EVENTS]]
        return Response({"events": shown, "truncated": len(events) > _MOST_EVENTS})


def _purpose(controller_id: Any, key: str) -> Purpose:
    purpose = Purpose.objects.filter(controller_id=controller_id, key=key).first()
    if purpose is None:
        raise BadInput(
            "The choice cannot be recorded",
            errors=[FieldError("/purpose", "No purpose has this key; see /v1/purposes")],
        )
    return purpose


def _revision(controller_id: Any, notice: dict[str, Any] | None) -> NoticeRevision | None:
    if notice is None:
        return None
    found = selectors.revision_of(controller_id, notice["key"], notice["version"], notice.get("language", ""))
    if found is None:
        complaint = FieldError("/notice", "No notice has this key, version and language; see /v1/notices")
        raise BadInput("The choice cannot be recorded", errors=[complaint])
    return found


def _answer(recorded: services.Recorded) -> dict[str, Any]:
    event = recorded.event
    return {
        "id": str(event.pk),
        "subject": str(event.subject_id),
        "purpose": event.purpose.key,
        "channel": event.channel,
        "state": event.state,
        "occurred_at": isoformat(event.occurred_at),
        "recorded_at": isoformat(event.recorded_at),
        "expires_at": isoformat(event.expires_at),
        "effective": recorded.is_effective,
        "receipt": reverse("consent_receipt", args=[event.pk]),
    }


def _past(event: ConsentEvent) -> dict[str, Any]:
    revision = event.notice_revision
    return {
        "id": str(event.pk),
        "purpose": event.purpose.key,
        "channel": event.channel,
        "state": event.state,
        "consent_type": event.consent_type,
        "method": event.method,
        "notice": revision and {"key": revision.notice.key, "version": revision.version, "language": revision.language},
        "collection_point": event.collection_point,
        "occurred_at": isoformat(event.occurred_at),
        "recorded_at": isoformat(event.recorded_at),
        "expires_at": isoformat(event.expires_at),
    }
