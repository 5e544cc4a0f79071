"""Strict serializers shared by doors: unknown fields are refused by name; values are never repeated."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from governance.subjects.registering import TYPES


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know: a typing error must not pass as a default."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            unknown = [str(key)[:64] for key in data if key not in self.fields]
            if unknown:
                known = ", ".join(sorted(self.fields))
                raise serializers.ValidationError({key: [f"Unknown field; known are {known}"] for key in unknown})
        result: dict[str, Any] = super().to_internal_value(data)
        return result


class IdentifierSerializer(StrictSerializer):
    """One typed identifier of a person. Only ever in a body, never in an address."""

    type = serializers.ChoiceField(choices=TYPES, error_messages={"invalid_choice": f"Use one of: {', '.join(TYPES)}"})
    value = serializers.CharField(max_length=254)


def isoformat(value: datetime | None) -> str | None:
    """A time as every answer writes it: UTC with +00:00."""
    return None if value is None else value.astimezone(UTC).isoformat()
