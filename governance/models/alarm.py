"""Insider alarms: thresholds, what was raised, who looked at it, and whom it was told; ids and counts, no person."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.staff import StaffUser


class AlarmCursor(models.Model):
    """Up to which position of the ledger the rules have looked; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"alarm-cursor:{self.position}"


class AlarmRule(models.Model):
    """A controller's own thresholds for one rule; without a row the defaults of alarms/rules.py count."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=48)
    is_on = models.BooleanField(default=True)
    values = models.JSONField(default=dict)

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["controller", "rule"], name="alarmrule_once"),)

    def __str__(self) -> str:
        return f"alarm-rule:{self.rule}"


class AlarmHook(models.Model):
    """Where a controller wants alarms to be posted. Address and secret are sealed under the controller's key."""

    controller = models.OneToOneField(Controller, on_delete=models.PROTECT, primary_key=True, related_name="+")
    url = SealedField(label="alarm.url", kind="text", scope_kind="controller", scope_field="controller_id")
    secret = SealedField(label="alarm.secret", kind="text", scope_kind="controller", scope_field="controller_id")
    changed_at = models.DateTimeField()

    objects = Governed()

    def __str__(self) -> str:
        return f"alarm-hook:{self.pk}"


class Alert(models.Model):
    """One alarm, append-only: which rule, about whose doing, in which stretch of time, and the events that show it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=48)
    actor_ref = models.CharField(max_length=80)
    bucket = models.CharField(max_length=32, help_text="The hour or day: one alarm of a rule for one actor in each.")
    count = models.PositiveIntegerField()
    limit = models.PositiveIntegerField()
    basis = models.CharField(
        max_length=16,
        help_text="Where the limit comes from: own, role, floor or fixed; with _people where it is one of people.",
    )
    events = models.JSONField(help_text="Ids of the ledger's events, the first ones.")
    raised_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["controller", "-raised_at"], name="alert_recent"),)
        constraints = (
            models.UniqueConstraint(fields=["controller", "rule", "actor_ref", "bucket"], name="alert_once"),
        )

    def __str__(self) -> str:
        return f"alert:{self.pk}"


class AlertAcknowledgement(models.Model):
    """Who looked at an alarm and what they found, append-only: a code, because no free text is ever erased here."""

    class Finding(models.TextChoices):
        """What it was."""

        EXPECTED = "expected"
        EXPLAINED = "explained"
        INCIDENT = "incident"
        UNDER_REVIEW = "under_review"

    alert = models.OneToOneField(Alert, on_delete=models.PROTECT, primary_key=True, related_name="acknowledgement")
    by = models.ForeignKey(StaffUser, on_delete=models.PROTECT, related_name="+")
    finding = models.CharField(max_length=16, choices=Finding)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"alert-acknowledgement:{self.pk}"


class AlertDelivery(models.Model):
    """One telling of an alarm: a letter to a member of staff, or a post to the hook. The row is the queue."""

    class State(models.TextChoices):
        """How far it got."""

        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="deliveries")
    staff = models.ForeignKey(StaffUser, on_delete=models.CASCADE, null=True, related_name="+")  # none: the hook
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    error = models.CharField(max_length=48, blank=True)

    class Meta:
        indexes = (models.Index(fields=["due_at"], condition=Q(state="queued"), name="alertdelivery_due"),)

    def __str__(self) -> str:
        return f"alert-delivery:{self.pk}"
