"""Strict serializers shared by doors: unknown fields are refused by name; values are never repeated."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework import serializers

from governance.audit import receipts
from governance.subjects.registering import TYPES, complaint

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 1, tzinfo=UTC)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know: a typing error must not pass as a default."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            unknown = [str(key)[:64] for key in data if key not in self.fields]
            if unknown:
                known = ", ".join(sorted(self.fields))
                raise serializers.ValidationError({key: [f"Unknown field; known are {known}"] for key in unknown})
            wrong = {key: _wrong_types(self.fields[key], value) for key, value in data.items()}
            if any(wrong.values()):
                raise serializers.ValidationError({key: found for key, found in wrong.items() if found})
        result: dict[str, Any] = super().to_internal_value(data)
        return result


#: Kind of field, what JSON must bring for it, and the remedy. The library would take 1 for "1", "on" for true.
_TYPES: Final[tuple[tuple[type | tuple[type, ...], type, str], ...]] = (
    (serializers.BooleanField, bool, "Send true or false"),
    (serializers.IntegerField, int, "Send a whole number"),
    ((serializers.CharField, serializers.ChoiceField, serializers.DateTimeField), str, "Send text"),
)


def _wrong_types(field: serializers.Field[Any, Any, Any, Any], value: Any) -> Any:
    """Answer complaints in the shape of the value, empty when its types fit; null is the field's own matter."""
    if value is None:
        return []
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        found: Any = {position: _wrong_types(field.child, item) for position, item in enumerate(value)}
        return {position: complaints for position, complaints in found.items() if complaints}
    if isinstance(field, serializers.DictField) and isinstance(value, Mapping):
        found = {str(key)[:64]: _wrong_types(field.child, item) for key, item in value.items()}
        return {key: complaints for key, complaints in found.items() if complaints}
    for kind, wanted, remedy in _TYPES:
        if isinstance(field, kind):
            return [] if isinstance(value, wanted) and isinstance(value, bool) is (wanted is bool) else [remedy]
    return []


class IdentifierSerializer(StrictSerializer):
    """One typed identifier of a person. Only ever in a body, never in an address.

    It is judged where it stands, so that the pointer of a complaint is one into the body. Not where the door answers
    for each item, or keeps what somebody claimed as it was said.
    """

    def __init__(self, *args: Any, is_judged: bool = True, **kwargs: Any) -> None:
        self.is_judged = is_judged
        super().__init__(*args, **kwargs)

    type = serializers.ChoiceField(choices=TYPES, error_messages={"invalid_choice": f"Use one of: {', '.join(TYPES)}"})
    value = serializers.CharField(max_length=254)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what nobody could be found by."""
        if self.is_judged and (said := complaint(attrs["type"], attrs["value"])):
            raise serializers.ValidationError({"value": [said]})
        return attrs


class MomentField(serializers.DateTimeField):
    """A moment with its offset; guessing one could put a withdrawal before the consent, or move a legal clock."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            message = "Send the offset too, such as 2026-01-31T12:00:00+00:00"
            raise serializers.ValidationError(message)
        # Compared before it is converted: a moment at the edge of the calendar exists in some time zones only.
        if not _EARLIEST <= value <= _LATEST:
            message = "Send a moment from 1970 on, such as 2026-01-31T12:00:00+00:00"
            raise serializers.ValidationError(message)
        return value.astimezone(UTC)


def isoformat(value: datetime | None) -> str | None:
    """A time as every answer writes it: UTC with +00:00."""
    return None if value is None else value.astimezone(UTC).isoformat()


class ReceiptOutput(StrictSerializer):
    """The proof of what was recorded. `pending` until the ledger has given it its place, which takes seconds."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[receipts.PENDING, receipts.READY])
    receipt = serializers.CharField(allow_null=True, help_text="A .tlog-proof file that carries its entry.")
