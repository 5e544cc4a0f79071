"""REST doors for what choices are about: purposes and privacy notices; each calls one service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from consent import selectors, services
from consent.api.serializers import (
    NoticeInputSerializer,
    NoticeRevisionSerializer,
    NoticesSerializer,
    PublishedPurposeSerializer,
    PurposeListSerializer,
    PurposeSerializer,
)
from governance.api.serializers import isoformat
from governance.api.views import Door
from governance.catalogue import purposes
from governance.models import Purpose
from governance.policy.vocabulary import Action

if TYPE_CHECKING:
    from rest_framework.request import Request

    from consent.models import NoticeRevision


class PurposesDoor(Door):
    """Purposes of processing: list them, create one."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.CATALOGUE_READ, "POST": Action.CATALOGUE_CHANGE}

    @extend_schema(operation_id="list_purposes", responses={200: PurposeListSerializer})
    def get(self, request: Request) -> Response:
        del request
        rows = Purpose.objects.filter(controller=self.controller).order_by("key")
        return Response({"purposes": [_purpose(row) for row in rows]})

    @extend_schema(
        operation_id="create_purpose", request=PurposeSerializer, responses={201: PublishedPurposeSerializer, 409: None}
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(PurposeSerializer)
        return Response(_purpose(purposes.create(self.controller, principal=self.principal, **data)), status=201)


class NoticesDoor(Door):
    """Privacy notices: list what was published, publish the next version."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.CATALOGUE_READ, "POST": Action.CATALOGUE_CHANGE}

    @extend_schema(operation_id="list_notices", responses={200: NoticesSerializer})
    def get(self, request: Request) -> Response:
        del request
        found = [
            _revision(revision, notice.key)
            for notice in selectors.notices_of(self.controller.pk)
            for revision in sorted(notice.revisions.all(), key=lambda each: (each.version, each.language))
        ]
        return Response({"revisions": found})

    @extend_schema(
        operation_id="publish_notice",
        request=NoticeInputSerializer,
        responses={201: NoticeRevisionSerializer, 409: None},
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(NoticeInputSerializer)
        revision = services.publish(self.controller, principal=self.principal, **data)
        return Response(_revision(revision, data["key"]), status=201)


def _purpose(row: Purpose) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "key": row.key,
        "name": row.name,
        "description": row.description,
        "lawful_basis": row.lawful_basis,
        "data_categories": row.data_categories,
        "channels": row.channels,
        "direct_marketing": row.direct_marketing,
        "special_category": row.special_category,
        "validity_days": row.validity_days,
        "version": row.version,
        "retired": row.retired_at is not None,
    }


def _revision(row: NoticeRevision, key: str) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "key": key,
        "version": row.version,
        "language": row.language,
        "digest": row.digest,
        "material": row.material,
        "published_at": isoformat(row.published_at),
    }
