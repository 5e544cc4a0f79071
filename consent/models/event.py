"""Consent events: append-only facts about what a person chose; the evidence is sealed under the person's key."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from consent.lifecycle import State
from consent.models.notice import NoticeRevision
from governance.fields import SealedField
from governance.models import Controller, DataSubject, Purpose
from governance.models.governed import Governed


class ConsentEvent(models.Model):
    """One fact, in both times: when it happened and when we learned of it. Never changed, never deleted."""

    class Method(models.TextChoices):
        """How the choice reached us."""

        API = "api"
        DOUBLE_OPT_IN = "double_opt_in"
        IMPORT = "import"
        IN_PERSON = "in_person"
        ONE_CLICK = "one_click"
        PHONE = "phone"
        PREFERENCE_CENTRE = "preference_centre"
        STAFF = "staff"
        WEB_FORM = "web_form"

    class ConsentType(models.TextChoices):
        """How firm the statement was; special categories need the second (GDPR Art. 9(2)(a))."""

        EXPRESSED = "expressed"
        EXPLICIT = "explicit"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+")
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT, related_name="+")
    purpose_version = models.PositiveIntegerField()
    channel = models.CharField(max_length=32, blank=True, help_text="Empty: every channel of the purpose.")
    state = models.CharField(max_length=24, choices=[(state.value, state.value) for state in State])
    consent_type = models.CharField(max_length=16, choices=ConsentType, default=ConsentType.EXPRESSED)
    method = models.CharField(max_length=24, choices=Method)
    notice_revision = models.ForeignKey(NoticeRevision, on_delete=models.PROTECT, related_name="+", null=True)
    collection_point = models.CharField(max_length=120, blank=True, help_text="Which form or page; no personal data.")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    actor_ref = models.CharField(max_length=80)
    evidence = SealedField(label="consent.evidence", kind="json", null=True)

    objects = Governed()

    class Meta:
        indexes = (
            models.Index(fields=["subject", "purpose", "occurred_at"], name="consentevent_by_subject"),
            models.Index(fields=["controller", "recorded_at"], name="consentevent_recent"),
            models.Index(fields=["controller", "occurred_at", "purpose", "state"], name="consentevent_counted"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=sorted(state.value for state in State)), name="consentevent_state_known"
            ),
            models.CheckConstraint(
                condition=Q(consent_type__in=["explicit", "expressed"]), name="consentevent_type_known"
            ),
        )

    def __str__(self) -> str:
        return f"consent-event:{self.pk}"
