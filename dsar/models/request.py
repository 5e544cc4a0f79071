"""A request by a data subject and the rights it exercises, each with its own clock; who asks is sealed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from dsar.deadlines import ExtensionReason, PauseReason, Regime, Right
from dsar.lifecycle import Status
from governance.fields import SealedField
from governance.models import Brand, Controller, DataSubject, StaffUser
from governance.models.governed import Governed


def _words(values: type) -> list[tuple[str, str]]:
    return [(item.value, item.value.replace("_", " ")) for item in values]  # type: ignore[attr-defined]  # an enum


class SubjectRequest(models.Model):
    """One request (GDPR Art. 12). Its own key, scope `request`, seals what is needed to answer it and is purged later.

    Why it stands where it stands, and until when, are columns beside the status.
    """

    class Manner(models.TextChoices):
        """How the request came in (CCPA regulations §7101 ask for it)."""

        PORTAL = "portal"
        API = "api"
        OFFICER = "officer"

    class RefusalReason(models.TextChoices):
        """Reasons of the Data Rights Protocol 1.0."""

        SUSPECTED_FRAUD = "suspected_fraud"
        INSUFFICIENT_VERIFICATION = "insufficient_verification"
        NO_MATCH = "no_match"
        CLAIM_NOT_COVERED = "claim_not_covered"
        OUTSIDE_JURISDICTION = "outside_jurisdiction"
        TOO_MANY_REQUESTS = "too_many_requests"
        OTHER = "other"

    class HoldReason(models.TextChoices):
        """Why what is to be erased is kept for now (GDPR Art. 17(3)(b) and (e), 18(2))."""

        LEGAL_CLAIM = "legal_claim"
        LEGAL_DUTY = "legal_duty"
        INVESTIGATION = "investigation"

    class WhatFollows(models.TextChoices):
        """What becomes of the part in a system that could not be reached when the answer went out."""

        SUPPLEMENT = "supplement"
        REFUSAL = "refusal"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=16, unique=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    subject = models.ForeignKey(
        DataSubject, on_delete=models.PROTECT, null=True, related_name="+", help_text="Set once the address is proven."
    )
    status = models.CharField(max_length=24, choices=_words(Status), default=Status.RECEIVED)
    regime = models.CharField(max_length=16, choices=_words(Regime), default=Regime.GDPR)
    manner = models.CharField(max_length=16, choices=Manner)
    language = models.CharField(max_length=16, default="en")
    contact = SealedField(label="request.contact", kind="json", scope_kind="request", scope_field="id", null=True)
    contact_digest = models.BinaryField(
        max_length=32, null=True, help_text="Keyed digest of the address, to compare it without opening it."
    )
    proof_id = models.UUIDField(null=True, help_text="The latest proof of the address, for the code.")
    received_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(help_text="The earliest clock of its rights; the queue is sorted by it.")
    erased_at = models.DateTimeField(null=True, help_text="When the person's key was destroyed for this request.")
    refusal_reason = models.CharField(max_length=32, choices=RefusalReason, blank=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    paused_at = models.DateTimeField(null=True, help_text="Since when the clock stands still; empty while it runs.")
    pause_reason = models.CharField(max_length=16, choices=_words(PauseReason), blank=True)
    pauses = models.JSONField(default=list, help_text="Pauses that ended: reason, first day and day of the answer.")
    held_until = models.DateField(null=True, help_text="Nothing is erased up to this day, whatever is approved.")
    hold_reason = models.CharField(max_length=16, choices=HoldReason, blank=True)
    left_out = models.JSONField(default=list, help_text="Keys of the systems that the coming answer goes without.")
    what_follows = models.CharField(max_length=16, choices=WhatFollows, blank=True)
    part_answered_at = models.DateTimeField(null=True, help_text="When the part that could be reached was answered.")
    part_told = models.JSONField(
        default=dict, help_text="What that part said was deleted and kept, in words; no values."
    )
    acknowledge_by = models.DateTimeField(null=True, help_text="Where the law has a date for confirming receipt.")
    acknowledgement = models.JSONField(default=dict, help_text="How that date was derived.")
    acknowledged_at = models.DateTimeField(null=True)
    stuck_code = models.CharField(max_length=64, blank=True, help_text="The error that keeps the work from going on.")
    stuck_at = models.DateTimeField(null=True)
    purge_after = models.DateTimeField(null=True, help_text="When the request's own key is destroyed.")
    purged_at = models.DateTimeField(null=True)
    kept_job = models.UUIDField(null=True, help_text="The job that erases what a law keeps, when its time is over.")
    owner = models.ForeignKey(StaffUser, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.CharField(max_length=80, help_text="Opaque reference of the principal that recorded it.")

    objects = Governed()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in Status]), name="subjectrequest_status_known"
            ),
            models.CheckConstraint(
                condition=Q(regime__in=[r.value for r in Regime]), name="subjectrequest_regime_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="duplicate") | Q(duplicate_of__isnull=False), name="subjectrequest_duplicate_of_one"
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, pause_reason="")
                | (Q(paused_at__isnull=False) & ~Q(pause_reason="")),
                name="subjectrequest_pause_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(held_until__isnull=True, hold_reason="")
                | (Q(held_until__isnull=False) & ~Q(hold_reason="")),
                name="subjectrequest_hold_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(what_follows__in=["", "supplement", "refusal"]), name="subjectrequest_follows_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | ~Q(refusal_reason=""), name="subjectrequest_refusal_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["planning", "awaiting_approval", "executing", "reviewing", "responded"])
                | Q(verified_at__isnull=False),
                name="subjectrequest_worked_is_verified",
            ),
        )
        indexes = (
            models.Index(fields=["controller", "status", "due_at", "received_at", "id"], name="subjectrequest_lines"),
            models.Index(fields=["status", "due_at"], name="subjectrequest_work"),
            models.Index(fields=["controller", "received_at"], name="subjectrequest_received"),
            models.Index(fields=["subject", "received_at"], name="subjectrequest_person"),
            models.Index(fields=["contact_digest"], name="subjectrequest_contact"),
            models.Index(
                fields=["acknowledge_by"],
                condition=Q(acknowledge_by__isnull=False, acknowledged_at__isnull=True),
                name="subjectrequest_acknowledge",
            ),
            models.Index(fields=["kept_job"], condition=Q(kept_job__isnull=False), name="subjectrequest_kept"),
            models.Index(fields=["purge_after"], condition=Q(purged_at__isnull=True), name="subjectrequest_purge"),
        )

    def __str__(self) -> str:
        return f"request:{self.reference}"


class RequestRight(models.Model):
    """One right a request exercises, with the date the law gives it and how that date was derived."""

    class Outcome(models.TextChoices):
        """How the right was answered."""

        GRANTED = "granted"
        PARTLY = "partly_granted"
        NOT_FOUND = "not_found"
        REFUSED = "refused"

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="rights")
    right = models.CharField(max_length=24, choices=_words(Right))
    rule_id = models.CharField(max_length=64)
    rule_version = models.PositiveIntegerField()
    due_on = models.DateField()
    due_at = models.DateTimeField()
    derivation = models.JSONField(default=dict, help_text="Every step of the computation, with its citation.")
    extended_until = models.DateField(null=True)
    extension_reason = models.CharField(max_length=32, choices=_words(ExtensionReason), blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)

    objects = Governed()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["request", "right"], name="requestright_once"),
            models.CheckConstraint(condition=Q(right__in=[r.value for r in Right]), name="requestright_right_known"),
            models.CheckConstraint(
                condition=Q(extended_until__isnull=True) | ~Q(extension_reason=""),
                name="requestright_extension_has_reason",
            ),
        )

    def __str__(self) -> str:
        return f"right:{self.right}:{self.pk}"
