"""REST doors for people: register by identifiers, look up a reference; identifiers only ever in bodies."""

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance import subjects
from governance.api.serializers import IdentifierSerializer, StrictSerializer
from governance.api.views import Door
from governance.models import DataSubject
from governance.policy.vocabulary import Action


class PersonSerializer(StrictSerializer):
    """Who is meant, by any of several identifiers."""

    identifiers = IdentifierSerializer(many=True, allow_empty=False, max_length=20)


class RegistrationSerializer(PersonSerializer):
    """A person to register."""

    verified = serializers.BooleanField(
        default=True,
        help_text="False for what a form claimed: such an identifier leads nobody to this person's data.",
    )


class SubjectReferenceSerializer(StrictSerializer):
    """The opaque reference of a person; null when nobody is known by these identifiers."""

    subject = serializers.UUIDField(allow_null=True)


class SubjectsDoor(Door):
    """Register a person, or attach further identifiers to a known one."""

    action: ClassVar[Action] = Action.SUBJECT_REGISTER

    @extend_schema(
        operation_id="register_subject",
        request=RegistrationSerializer,
        responses={201: SubjectReferenceSerializer, 409: None},
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(RegistrationSerializer)
        with transaction.atomic(durable=True):
            subject = subjects.register(
                self.controller, pairs(data), principal=self.principal, verified=data["verified"]
            )
        return Response({"subject": str(subject.pk)}, status=201)


class RestrictionSerializer(PersonSerializer):
    """Whose data is to be restricted, and why."""

    ground = serializers.ChoiceField(
        choices=DataSubject.Ground.values,
        help_text="GDPR Art. 18(1): (a) accuracy_contested, (b) unlawful, (c) claims, (d) objection_pending.",
    )


class SubjectRestrictionDoor(Door):
    """Restrict the use of a person's data (GDPR Art. 18). The same answer whether or not the person is known.

    Only an officer lifts it, at the console: the person has to be told before.
    """

    action: ClassVar[Action] = Action.SUBJECT_RESTRICT

    @extend_schema(
        operation_id="restrict_subject",
        request=RestrictionSerializer,
        responses={200: SubjectReferenceSerializer, 409: None},
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(RestrictionSerializer)
        with transaction.atomic(durable=True):
            subject = subjects.find(self.controller, pairs(data))
            if subject is not None:
                subjects.restrict(subject, principal=self.principal, ground=data["ground"])
        return Response({"subject": None if subject is None else str(subject.pk)})


class SubjectLookupDoor(Door):
    """Find the reference of a person. The same shape and status whether or not the person is known."""

    action: ClassVar[Action] = Action.SUBJECT_FIND

    @extend_schema(
        operation_id="look_up_subject", request=PersonSerializer, responses={200: SubjectReferenceSerializer, 409: None}
    )
    def post(self, request: Request) -> Response:
        del request
        subject = subjects.find(self.controller, pairs(self.read(PersonSerializer)))
        return Response({"subject": None if subject is None else str(subject.pk)})


def pairs(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Answer validated identifiers as (type, value)."""
    return [(item["type"], item["value"]) for item in data["identifiers"]]
