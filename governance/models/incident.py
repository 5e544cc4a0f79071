"""The register of personal data breaches (GDPR Art. 33(5)): facts, decisions and a timeline; free text only sealed."""

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.subject import DataSubject


class Incident(models.Model):
    """One breach of security that touched personal data (GDPR Art. 4(12)), and what was decided about it."""

    class NoticedBy(models.TextChoices):
        """Who told us."""

        STAFF = "staff"
        PROCESSOR = "processor"
        PERSON = "person"
        ALARM = "alarm"
        AUTHORITY = "authority"
        PRESS = "press"

    class Risk(models.TextChoices):
        """The risk to the rights and freedoms of people; it decides who is told."""

        UNLIKELY = "unlikely"  # Art. 33(1): nobody need be told
        RISK = "risk"  # Art. 33(1): the authority is told
        HIGH = "high"  # Art. 34(1): the people are told too

    class Decision(models.TextChoices):
        """Whether somebody is told."""

        TELL = "tell"
        DO_NOT_TELL = "do_not_tell"

    class Ground(models.TextChoices):
        """Why somebody is told, or is not."""

        RISK = "risk"  # Art. 33(1)
        HIGH_RISK = "high_risk"  # Art. 34(1)
        RISK_UNLIKELY = "risk_unlikely"  # Art. 33(1)
        UNINTELLIGIBLE = "unintelligible"  # Art. 34(3)(a): encrypted, and the key is safe
        RISK_REMOVED = "risk_removed"  # Art. 34(3)(b)
        PUBLIC_INSTEAD = "public_instead"  # Art. 34(3)(c): telling each would be disproportionate

    class DelayReason(models.TextChoices):
        """Why the authority is told after the 72 hours (Art. 33(1), second sentence)."""

        STILL_UNCLEAR = "still_unclear"
        SIMILAR_BREACHES = "similar_breaches"
        PROCESSOR_WAS_LATE = "processor_was_late"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=16, unique=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    kinds = models.JSONField(default=list, help_text="confidentiality, integrity, availability.")
    noticed_by = models.CharField(max_length=16, choices=NoticedBy)
    happened_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField()
    aware_at = models.DateTimeField(help_text="When it was reasonably certain that personal data were touched.")
    rule_id = models.CharField(max_length=32)
    due_at = models.DateTimeField()
    derivation = models.JSONField(default=list)
    risk = models.CharField(max_length=16, choices=Risk, blank=True)
    categories = models.JSONField(default=list)
    persons = models.PositiveIntegerField(null=True)
    records = models.PositiveIntegerField(null=True)
    authority_decision = models.CharField(max_length=16, choices=Decision, blank=True)
    authority_ground = models.CharField(max_length=16, choices=Ground, blank=True)
    authority_told_at = models.DateTimeField(null=True)
    delay_reason = models.CharField(max_length=24, choices=DelayReason, blank=True)
    persons_decision = models.CharField(max_length=16, choices=Decision, blank=True)
    persons_ground = models.CharField(max_length=16, choices=Ground, blank=True)
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(authority_decision="") | ~Q(authority_ground=""), name="incident_authority_has_ground"
            ),
            models.CheckConstraint(
                condition=Q(persons_decision="") | ~Q(persons_ground=""), name="incident_persons_has_ground"
            ),
            models.CheckConstraint(
                condition=Q(authority_told_at__isnull=True)
                | Q(authority_told_at__lte=models.F("due_at"))
                | ~Q(delay_reason=""),
                name="incident_delay_has_reason",
            ),
        )
        indexes = (models.Index(fields=["controller", "closed_at", "due_at"], name="incident_register"),)

    def __str__(self) -> str:
        return f"incident:{self.reference}"


class IncidentEntry(models.Model):
    """One line of an incident's timeline, append-only. What somebody wrote is sealed under the incident's own key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    actor_ref = models.CharField(max_length=80)
    event = models.CharField(max_length=24)
    details = models.JSONField(default=dict)
    text = SealedField(label="incident.text", kind="json", scope_kind="incident", scope_field="incident_id", null=True)

    objects = Governed()

    class Meta:
        indexes = (models.Index(fields=["incident", "at"], name="incidententry_timeline"),)

    def __str__(self) -> str:
        return f"incident-entry:{self.pk}"


class IncidentSubject(models.Model):
    """A person whom a breach touched, and whether a letter went out."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="subjects")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True, help_text="queued, erased, no_address, unreadable.")

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["incident", "subject"], name="incidentsubject_once"),)
        indexes = (models.Index(fields=["incident"], condition=Q(outcome=""), name="incidentsubject_waiting"),)

    def __str__(self) -> str:
        return f"incident-subject:{self.pk}"
