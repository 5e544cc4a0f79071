"""The projection that decisions read: the latest choice per person, purpose and channel; rebuilt from the events."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from consent.lifecycle import State
from consent.models.event import ConsentEvent
from consent.models.notice import PrivacyNotice
from governance.models import Controller, DataSubject, Purpose
from governance.models.governed import Governed


class ConsentState(models.Model):
    """What counts now. `objected_at` outlives a later event, so that asking again never lifts an objection."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+")
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=24, choices=[(state.value, state.value) for state in State])
    consent_type = models.CharField(max_length=16, choices=ConsentEvent.ConsentType)
    method = models.CharField(max_length=24, choices=ConsentEvent.Method)
    event = models.ForeignKey(ConsentEvent, on_delete=models.PROTECT, related_name="+")
    notice = models.ForeignKey(PrivacyNotice, on_delete=models.PROTECT, related_name="+", null=True)
    notice_version = models.PositiveIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    objected_at = models.DateTimeField(
        null=True, help_text="Latest objection (GDPR Art. 21), also under a newer event."
    )

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["subject", "purpose", "channel"], name="consentstate_unique"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(state.value for state in State)), name="consentstate_state_known"
            ),
            models.CheckConstraint(
                condition=Q(notice__isnull=True, notice_version__isnull=True)
                | Q(notice__isnull=False, notice_version__isnull=False),
                name="consentstate_notice_has_version",
            ),
        )

    def __str__(self) -> str:
        return f"consent-state:{self.pk}"
