"""What the consent doors read and answer; unknown fields are refused, values are never repeated."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from rest_framework import serializers

from consent.lifecycle import State
from consent.models import ConsentEvent
from governance.api.serializers import IdentifierSerializer, MomentField, StrictSerializer
from governance.models import Purpose

_CHANNEL: Final = r"^[a-z0-9_]{1,32}$"
#: Names a form or page. No @ and no blanks, so that no address slips in.
_PLACE: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}$"
_MOST_EVIDENCE: Final = 40


class NoticeReferenceSerializer(StrictSerializer):
    """Which notice the person was shown."""

    key = serializers.SlugField(max_length=64)
    version = serializers.IntegerField(min_value=1)
    language = serializers.CharField(max_length=16, required=False)


class OneOf(serializers.ChoiceField):
    """A choice whose refusal names what is possible and never repeats what was sent, as DRF's would."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid_choice":
            message = f"Use one of: {', '.join(self.choices)}"
            raise serializers.ValidationError(message, code=key)
        super().fail(key, **kwargs)
        raise AssertionError(key)


class EvidenceField(serializers.DictField):
    """Whatever proves the choice, such as form fields; sealed under the person's key."""

    child = serializers.CharField(max_length=2000, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        found: dict[str, str] = super().to_internal_value(data)
        if len(found) > _MOST_EVIDENCE:
            message = f"Send at most {_MOST_EVIDENCE} entries"
            raise serializers.ValidationError(message)
        if any("\ud800" <= character <= "\udfff" for name in found for character in name):
            message = "Send names without lone surrogates"
            raise serializers.ValidationError(message)
        return found


class EventInputSerializer(StrictSerializer):
    """One choice of one person. The person is registered when unknown."""

    subject = IdentifierSerializer()
    identifiers = IdentifierSerializer(many=True, required=False, max_length=19, help_text="Further identifiers.")
    purpose = serializers.SlugField(max_length=64)
    channel = serializers.RegexField(_CHANNEL, required=False, help_text="Leave out for every channel.")
    state = OneOf([state.value for state in State])
    method = OneOf(ConsentEvent.Method.values, default=ConsentEvent.Method.API.value)
    consent_type = OneOf(ConsentEvent.ConsentType.values, default=ConsentEvent.ConsentType.EXPRESSED.value)
    notice = NoticeReferenceSerializer(required=False, help_text="Without it a given consent does not count (D26).")
    collection_point = serializers.RegexField(_PLACE, required=False, help_text="Which form or page.")
    occurred_at = MomentField(required=False, help_text="With its offset; now when left out.")
    evidence = EvidenceField(required=False)


class EventSerializer(StrictSerializer):
    """A recorded event. `effective` is false for history that arrived late."""

    id = serializers.UUIDField()
    subject = serializers.UUIDField()
    purpose = serializers.CharField()
    channel = serializers.CharField(allow_blank=True)
    state = OneOf([state.value for state in State])
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    effective = serializers.BooleanField()
    receipt = serializers.CharField(help_text="Where the proof of this choice is fetched.")


class HistoryInputSerializer(StrictSerializer):
    """Whose history; for one purpose or for all."""

    subject = IdentifierSerializer()
    purpose = serializers.SlugField(max_length=64, required=False)


class ShownNoticeSerializer(StrictSerializer):
    """Which notice the person was shown, in which language."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    language = serializers.CharField()


class PastEventSerializer(StrictSerializer):
    """An event as the history shows it; its evidence stays sealed."""

    id = serializers.UUIDField()
    purpose = serializers.CharField()
    channel = serializers.CharField(allow_blank=True)
    state = OneOf([state.value for state in State])
    consent_type = OneOf(ConsentEvent.ConsentType.values)
    method = OneOf(ConsentEvent.Method.values)
    notice = ShownNoticeSerializer(allow_null=True)
    collection_point = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class HistorySerializer(StrictSerializer):
    """A person's events, newest first; empty for somebody unknown. `truncated` says that there are more."""

    events = PastEventSerializer(many=True)
    truncated = serializers.BooleanField()


class PurposeSerializer(StrictSerializer):
    """A purpose of processing."""

    key = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=2000, default="", allow_blank=True)
    lawful_basis = OneOf(Purpose.Basis.values)
    data_categories = serializers.ListField(
        child=serializers.RegexField(r"^[a-z0-9_.]{1,128}$"), default=list, max_length=100
    )
    channels = serializers.ListField(child=serializers.RegexField(_CHANNEL), default=list, max_length=20)
    direct_marketing = serializers.BooleanField(default=False)
    special_category = serializers.BooleanField(default=False)
    validity_days = serializers.IntegerField(min_value=1, max_value=3660, allow_null=True, default=None)


class PublishedPurposeSerializer(PurposeSerializer):
    """A purpose with its version."""

    description = serializers.CharField(allow_blank=True)
    data_categories = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.CharField())
    direct_marketing = serializers.BooleanField()
    special_category = serializers.BooleanField()
    validity_days = serializers.IntegerField(allow_null=True)
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    retired = serializers.BooleanField()


class PurposeListSerializer(StrictSerializer):
    """The purposes of a controller."""

    purposes = PublishedPurposeSerializer(many=True)


class NoticeInputSerializer(StrictSerializer):
    """The next version of a notice, or with `translation_of` one more language of a version."""

    key = serializers.SlugField(max_length=64)
    title = serializers.CharField(max_length=200)
    language = serializers.RegexField(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16, default="en")
    text = serializers.CharField(max_length=200_000, trim_whitespace=False)
    material = serializers.BooleanField(default=False, help_text="Consents given to older versions must be renewed.")
    translation_of = serializers.IntegerField(min_value=1, required=False)


class NoticeRevisionSerializer(StrictSerializer):
    """A published text, by its digest."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    version = serializers.IntegerField()
    language = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of the text in UTF-8.")
    material = serializers.BooleanField()
    published_at = serializers.DateTimeField()


class NoticesSerializer(StrictSerializer):
    """The notices of a controller, every version of them."""

    revisions = NoticeRevisionSerializer(many=True)
