"""Doors of the ledger (C2SP tlog-tiles, tlog-proof): its signed head, tiles, bundles and proofs; they only read.

Hashes say nothing about anybody: whoever may read the audit anywhere may fetch the tree and verify it. Bundles hold the
entries of every controller side by side, so they open only to somebody who reads the audit of all of them.
"""

from typing import Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.authentication import ServiceKeyAuthentication, StaffSessionAuthentication
from governance.api.serializers import StrictSerializer
from governance.api.views import Door
from governance.audit import cosigned, proving, tiling, trust
from governance.errors import BadInput, FieldError, NotFound
from governance.models import Controller, LedgerEntry
from governance.policy.vocabulary import Action

_TEXT: Final = "text/plain"
_UTF_8: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
#: What a tile's name names never changes. Private: whoever may not fetch it must not find it in a shared cache.
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_LONGEST_SIZE: Final = 19
_SIZE: Final = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10 ** (_LONGEST_SIZE - 1) - 1}


class AuditDoor(Door):
    """A door of the ledger; auditors come with their session, monitoring services with their key."""

    action: ClassVar[Action] = Action.AUDIT_READ
    authentication_classes = (ServiceKeyAuthentication, StaffSessionAuthentication)
    #: The query parameters that the door reads.
    parameters: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what would be passed over: who misspells `old` must not take the proof for that of another size."""
        super().initial(request, *args, **kwargs)
        wrong = {name: "Unknown parameter" for name in request.query_params if name not in self.parameters}
        wrong |= {name: "Send it once" for name, given in request.query_params.lists() if len(given) > 1}
        if wrong:
            errors = [FieldError(f"/{name[:64]}", wrong[name]) for name in sorted(wrong)]
            raise BadInput("The query cannot be read", errors=errors)

    def reads_all(self) -> bool:
        """Whether the caller reads the audit of every controller of the installation."""
        served = self.principal.controllers_where(Action.AUDIT_READ)
        return {pk.hex for pk in Controller.objects.values_list("pk", flat=True)} <= set(served)


class CheckpointDoor(AuditDoor):
    """The newest signed head of the ledger (C2SP tlog-checkpoint), with what witnesses signed below it."""

    @extend_schema(
        operation_id="read_checkpoint",
        responses={(200, _TEXT): OpenApiResponse(OpenApiTypes.STR, "A signed note"), 404: None, 422: None},
    )
    def get(self, request: Request) -> HttpResponse:
        del request
        head = proving.latest_checkpoint()
        if head is None:
            raise NotFound("The ledger has no checkpoint yet")
        return HttpResponse(cosigned.note(head.size, head.note), content_type=_UTF_8)


class TileDoor(AuditDoor):
    """A tile of the tree, or a bundle of entries, by its path (C2SP tlog-tiles): `0/x001/234`, `entries/000.p/7`.

    Bundles open only to somebody who reads the audit of every controller: entries of all stand in them side by side.
    """

    @extend_schema(
        operation_id="read_tile",
        responses={
            (200, _BYTES): OpenApiResponse(OpenApiTypes.BINARY, "Hashes, or entries behind their lengths"),
            422: None,
        },
    )
    def get(self, request: Request, tile: str) -> HttpResponse:
        del request
        data = tiling.served(tile, with_entries=self.reads_all())
        return HttpResponse(data, content_type=_BYTES)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if final.status_code == 200:
            final["Cache-Control"] = _FOR_EVER
        return final


class ProofDoor(AuditDoor):
    """The proof that one event is in the ledger (C2SP tlog-proof), with the entry itself in its `extra` line."""

    @extend_schema(
        operation_id="prove_event",
        responses={(200, _TEXT): OpenApiResponse(OpenApiTypes.STR, "A .tlog-proof file"), 409: None, 422: None},
    )
    def get(self, request: Request, event_id: UUID) -> HttpResponse:
        del request
        row = LedgerEntry.objects.filter(pk=event_id).only("controller").first()
        if row is None or not self._may_see(row):
            raise NotFound
        return HttpResponse(proving.receipt(event_id).text, content_type=_UTF_8)

    def _may_see(self, row: LedgerEntry) -> bool:
        if row.controller is None:
            return self.reads_all()
        return row.controller.hex in self.principal.controllers_where(Action.AUDIT_READ)


class ConsistencyOutput(StrictSerializer):
    """The hashes that show one ledger to begin with another (RFC 9162 §2.1.4)."""

    old_size = serializers.IntegerField()
    new_size = serializers.IntegerField()
    hashes = serializers.ListField(child=serializers.CharField())


class ConsistencyDoor(AuditDoor):
    """The proof that the ledger under one checkpoint begins with the ledger under an earlier one."""

    parameters = frozenset({"old", "new"})

    @extend_schema(
        operation_id="prove_consistency",
        responses={200: ConsistencyOutput, 404: None, 422: None},
        parameters=[
            OpenApiParameter(
                "old", _SIZE, description="Size of the earlier checkpoint; the empty ledger when left out."
            ),
            OpenApiParameter("new", _SIZE, description="Size of the later checkpoint; the newest when left out."),
        ],
    )
    def get(self, request: Request) -> Response:
        head = proving.latest_checkpoint()
        if head is None:
            raise NotFound("The ledger has no checkpoint yet")
        old, new = _size(request, "old", 0), _size(request, "new", head.size)
        proof = proving.consistency(old, new)
        return Response({"old_size": old, "new_size": new, "hashes": proof.lines})


@csrf_exempt  # it takes nothing: whoever sends something is told that (405), not that a token is missing
@require_safe
def ledger_keys(_request: HttpRequest) -> HttpResponse:
    """Publish whose signatures count (C2SP tlog-policy): what a receipt is verified with. Public keys, nothing else."""
    return HttpResponse(trust.text(), content_type=_UTF_8)


def _size(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    # Longer numbers are none of ours, and the database would not take them.
    if not (given.isascii() and given.isdecimal() and len(given) < _LONGEST_SIZE):
        complaint = FieldError(f"/{name}", "Send the size of a checkpoint: a whole number")
        raise BadInput("The sizes cannot be read", errors=[complaint])
    return int(given)
