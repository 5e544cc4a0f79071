"""The doors of /v1/requests; each asks the policy about the request in hand and calls one service."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Final
from uuid import uuid4

from django.http import FileResponse, HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from dsar import services
from dsar.api.serializers import (
    ApprovalInput,
    CodeInput,
    ExtensionInput,
    NothingInput,
    RefusalInput,
    RequestInput,
    RequestOutput,
    shown,
)
from dsar.deadlines import Right
from dsar.errors import PackageExpired
from dsar.models import RequestPackage, SubjectRequest
from governance import access
from governance.api import idempotency
from governance.api.authentication import ServiceKeyAuthentication, StaffSessionAuthentication
from governance.api.downloads import text_file
from governance.api.schema import answer_header, idempotency_key
from governance.api.serializers import ReceiptOutput
from governance.api.views import Door
from governance.errors import BadInput, CodeRefused, FieldError, NotFound
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from governance.models import Brand

#: How long a fresh code opens the package to the service that passed it on.
OPEN_FOR = timedelta(minutes=30)
_IDEMPOTENCY: Final = idempotency_key("Repeats the first answer for a day.")


_FILE: Final = answer_header("Content-Disposition", "The name of the file.", 200)


class RequestDoor(Door):
    """A door on one request; staff may come with their session, services with their key."""

    authentication_classes = (ServiceKeyAuthentication, StaffSessionAuthentication)

    def found(self, request_id: UUID) -> SubjectRequest:
        """Answer the request, or the same NotFound for an absent and a foreign one."""
        rows = SubjectRequest.objects.select_related("controller", "brand", "subject")
        row = rows.filter(pk=request_id).first()
        if row is None:
            raise NotFound
        access.require(self.principal, self.actions.get(self.request.method or "") or self.action, row)
        return row


class RequestsDoor(Door):
    """Record a request. The answer is the same whether or not the person is known."""

    action: ClassVar[Action] = Action.REQUEST_CREATE

    @extend_schema(
        operation_id="record_request",
        request=RequestInput,
        responses={201: RequestOutput, 409: None, 429: None},
        parameters=[_IDEMPOTENCY, answer_header("Location", "Where the request is read.", 201)],
    )
    def post(self, request: Request) -> Response:
        key = idempotency.key_of(request)
        # Read before DRF parses it: the digest is over the bytes that were sent.
        body = request._request.body  # noqa: SLF001  # DRF offers no other way to the raw body
        data = self.read(RequestInput)
        status, answer = idempotency.once(self.principal, key, body, lambda: (201, self._receive(data, key)))
        return Response(answer, status=status, headers={"Location": reverse("api_request", args=[answer["id"]])})

    def _receive(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        pairs = [(item["type"], item["value"]) for item in data["identifiers"]]
        email = next(value for type_, value in pairs if type_ == "email")
        intake = services.Intake(
            rights=tuple(dict.fromkeys(data["rights"])),
            email=email,
            manner=SubjectRequest.Manner.API.value,
            claimed=tuple(pair for pair in pairs if pair != ("email", email)),
            regime=data["regime"],
            language=data["language"],
            received_at=data.get("received_at"),
            brand=self._brand(data.get("brand", "")),
            id=idempotency.stable_id(self.principal, key) or uuid4(),
        )
        return shown(services.receive(self.controller, intake, principal=self.principal))

    def _brand(self, slug: str) -> Brand | None:
        if not slug:
            return None
        found: Brand | None = self.controller.brands.filter(slug=slug).first()
        if found is None:
            complaint = FieldError("/brand", "No brand has this name; leave it out, or name one of yours")
            raise BadInput("The request cannot be recorded", errors=[complaint])
        return found


class OneRequestDoor(RequestDoor):
    """Where a request stands."""

    action: ClassVar[Action] = Action.REQUEST_READ

    @extend_schema(operation_id="read_request", responses={200: RequestOutput})
    def get(self, request: Request, request_id: UUID) -> Response:
        del request
        return Response(shown(self.found(request_id)))


class ReceiptDoor(RequestDoor):
    """The proof that a request was answered: one `.tlog-proof` file, verified offline with `/ledger-keys`."""

    action: ClassVar[Action] = Action.REQUEST_READ

    @extend_schema(operation_id="read_request_receipt", responses={200: ReceiptOutput})
    def get(self, request: Request, request_id: UUID) -> Response:
        del request
        found = self.found(request_id)
        receipt = services.receipt(found)
        return Response({"id": str(found.pk), "status": receipt.status, "receipt": receipt.text or None})


class VerifyDoor(RequestDoor):
    """Prove the address by its code, or have a fresh code sent to the address on record."""

    action: ClassVar[Action] = Action.REQUEST_CREATE

    @extend_schema(
        operation_id="verify_request",
        request=CodeInput,
        responses={200: RequestOutput, 202: RequestOutput, 409: None, 410: None, 429: None},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found, code = self.found(request_id), self.read(CodeInput).get("code")
        if code is None:
            services.send_code(found, principal=self.principal)
            return Response(shown(found), status=202)
        found = services.verify(found, code, principal=self.principal)
        services.open_package(found, until=timezone.now() + OPEN_FOR)
        return Response(shown(found))


class PlanDoor(RequestDoor):
    """Make the plan again from the data map as it is now."""

    action: ClassVar[Action] = Action.REQUEST_WORK

    @extend_schema(operation_id="plan_request", request=NothingInput, responses={202: RequestOutput, 409: None})
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found = self.found(request_id)
        self.read(NothingInput)
        services.plan(found, principal=self.principal)
        return Response(shown(self.found(request_id)), status=202)


class ApproveDoor(RequestDoor):
    """Approve exactly the plan that was read."""

    action: ClassVar[Action] = Action.REQUEST_APPROVE

    @extend_schema(operation_id="approve_request", request=ApprovalInput, responses={202: RequestOutput, 409: None})
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found, data = self.found(request_id), self.read(ApprovalInput)
        return Response(shown(services.approve(found, data["plan_digest"], principal=self.principal)), status=202)


class RefuseDoor(RequestDoor):
    """Refuse, with a reason that the letter names."""

    action: ClassVar[Action] = Action.REQUEST_REFUSE

    @extend_schema(
        operation_id="refuse_request", request=RefusalInput, responses={200: RequestOutput, 409: None, 410: None}
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found, data = self.found(request_id), self.read(RefusalInput)
        return Response(shown(services.refuse(found, data["reason"], principal=self.principal)))


class ExtendDoor(RequestDoor):
    """Take longer; the person is told why in the same moment."""

    action: ClassVar[Action] = Action.REQUEST_WORK

    @extend_schema(
        operation_id="extend_request", request=ExtensionInput, responses={200: RequestOutput, 409: None, 410: None}
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found, data = self.found(request_id), self.read(ExtensionInput)
        return Response(shown(services.extend(found, data["reason"], principal=self.principal)))


class WithdrawDoor(RequestDoor):
    """Stop at the person's wish."""

    action: ClassVar[Action] = Action.REQUEST_CREATE

    @extend_schema(
        operation_id="withdraw_request", request=NothingInput, responses={200: RequestOutput, 409: None, 410: None}
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        del request
        found = self.found(request_id)
        self.read(NothingInput)
        return Response(shown(services.withdraw(found, principal=self.principal)))


class PackageDoor(RequestDoor):
    """Fetch the package of a request that this service recorded, after the person proved the address afresh."""

    action: ClassVar[Action] = Action.REQUEST_READ
    authentication_classes = (ServiceKeyAuthentication,)

    @extend_schema(
        operation_id="fetch_package",
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The package, as a file"), 410: None},
        parameters=[_FILE],
    )
    def get(self, request: Request, request_id: UUID) -> HttpResponse:
        del request
        found = self._package(request_id).request
        return attachment(services.download(found, principal=self.principal), found.reference)

    def head(self, request: Request, request_id: UUID) -> HttpResponse:
        """Say what would be fetched. Nothing is, so none of the person's downloads is spent (RFC 9110 §9.2.1)."""
        del request
        package = self._package(request_id)
        if not services.is_available(package.request):
            raise PackageExpired
        response: HttpResponse = attachment(BytesIO(), package.request.reference)
        response["Content-Length"] = str(package.size)
        return response

    def _package(self, request_id: UUID) -> RequestPackage:
        found = self.found(request_id)
        if found.created_by != self.principal.ref:
            raise NotFound  # another service's request: it never saw the person
        if not found.rights.filter(right=Right.ACCESS).exists():
            raise NotFound("No copy was asked for")
        if not services.is_answered(found):
            raise NotFound("There is nothing to download yet")
        opened = RequestPackage.objects.select_related("request").filter(request=found, open_until__gt=timezone.now())
        if (package := opened.first()) is None:
            raise CodeRefused("Have a fresh code sent and confirm it at verify; then fetch the package")
        return package


class CertificateDoor(RequestDoor):
    """Fetch the signed certificate of destruction, made by trying to open every value of the person."""

    action: ClassVar[Action] = Action.REQUEST_READ

    @extend_schema(
        operation_id="fetch_certificate",
        responses={(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, "A C2SP signed note"), 404: None, 409: None},
        parameters=[_FILE],
    )
    def get(self, request: Request, request_id: UUID) -> HttpResponse:
        del request
        found = self.found(request_id)
        text = services.certificate(found, principal=self.principal)
        return text_file(text, f"certificate-{found.reference}.txt")


def attachment(content: BinaryIO, reference: str) -> Any:
    """Answer the file as a download that nobody keeps a copy of."""
    response = FileResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="your-data-{reference}.zip"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
