"""REST doors of the catalogue: register a system, import a dataset description; addresses and data are never echoed."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.bodies import is_whole
from governance.api.parsers import StrictJSONParser, require_readable
from governance.api.serializers import StrictSerializer
from governance.api.views import Door
from governance.errors import BadInput, PayloadTooLarge
from governance.policy.vocabulary import Action
from governance.systems import registering

#: The largest description, in bytes; a larger map is imported in parts.
LARGEST = 1_000_000


class YamlParser(BaseParser):
    """Hands the text of a YAML body on; the catalogue reads it within limits of its own."""

    media_type = "text/yaml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        require_readable(request)
        data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise PayloadTooLarge("Send at most 1 MB; import the description in parts")
        if not is_whole(request, data):
            # Unlike JSON, half of a YAML text is a YAML text: of the fields it lacks, nothing would be erased.
            raise BadInput("Send the whole body and its length in Content-Length: YAML does not show where it ends")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise BadInput("The body is not UTF-8 text") from None
        return {"system": request.query_params.get("system", ""), "yaml": text}


class ApplicationYamlParser(YamlParser):
    """The registered media type (RFC 9512)."""

    media_type = "application/yaml"


class SystemInput(StrictSerializer):
    """A system that holds personal data. Its address may hold a password: it is sealed and never shown again."""

    key = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,63}$", error_messages={"invalid": "Use small letters, digits, - and _, 64 at most"}
    )
    name = serializers.CharField(max_length=120)
    url = serializers.CharField(max_length=1000)


class SystemOutput(StrictSerializer):
    """A registered system."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    name = serializers.CharField()


class DatasetInput(StrictSerializer):
    """A fideslang description of what one system holds."""

    system = serializers.CharField(max_length=64, help_text="Key of the system.")
    yaml = serializers.CharField(max_length=LARGEST, trim_whitespace=False)


class DatasetOutput(StrictSerializer):
    """One imported description."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField()


class DatasetsOutput(StrictSerializer):
    """What was imported, and what its author should look at again."""

    datasets = DatasetOutput(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class SystemsDoor(Door):
    """Register a system, or give a registered one a new name and address."""

    action: ClassVar[Action] = Action.SYSTEM_CHANGE

    @extend_schema(operation_id="register_system", request=SystemInput, responses={201: SystemOutput})
    def post(self, request: Request) -> Response:
        del request
        data = self.read(SystemInput)
        system = registering.register(self.controller, data["key"], data["name"], data["url"], principal=self.principal)
        return Response({"id": str(system.pk), "key": system.key, "name": system.name}, status=201)


class DatasetsDoor(Door):
    """Import a description, compared with the system it describes."""

    action: ClassVar[Action] = Action.CATALOGUE_CHANGE
    parser_classes = (StrictJSONParser, YamlParser, ApplicationYamlParser)

    @extend_schema(
        operation_id="import_datasets",
        request={
            "application/json": DatasetInput,
            "application/yaml": OpenApiTypes.OBJECT,
            "text/yaml": OpenApiTypes.OBJECT,
        },
        responses={201: DatasetsOutput, 409: None},
        parameters=[OpenApiParameter("system", str, description="Key of the system, where the body is YAML.")],
    )
    def post(self, request: Request) -> Response:
        del request
        data = self.read(DatasetInput)
        rows, warnings = registering.describe(self.controller, data["system"], data["yaml"], principal=self.principal)
        shown = [{"key": row.key, "version": row.version, "digest": row.digest} for row in rows]
        return Response({"datasets": shown, "warnings": warnings}, status=201)
