"""What is kept of plain decisions: counts, and a bounded sample that can be replayed; the ledger holds none of them."""

from __future__ import annotations

from django.db import models

from governance.models.controller import Controller


class DecisionCount(models.Model):
    """How many questions were answered, by day, purpose and outcome."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    purpose = models.CharField(
        max_length=64, blank=True, help_text="Empty: a purpose that is none of the controller's."
    )
    outcome = models.CharField(max_length=16)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "day", "purpose", "outcome"], name="decisioncount_unique"),
        )

    def __str__(self) -> str:
        return f"decision-count:{self.pk}"


class RulesetRecord(models.Model):
    """A controller's rules as they were when a sampled decision was made: what a replay decides by."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveBigIntegerField()
    fingerprint = models.CharField(max_length=32)
    purposes = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["controller", "fingerprint"], name="rulesetrecord_unique"),)

    def __str__(self) -> str:
        return f"ruleset:{self.fingerprint}"


class DecisionSample(models.Model):
    """One decision of many, with what it takes to make it again. A ring: the tick deletes what is old or too much."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(help_text="The moment that a replay asks about: its facts are those of then.")
    principal_ref = models.CharField(max_length=80)
    subject_id = models.UUIDField(
        null=True, help_text="Nobody: the person was unknown. Erasing a person deletes the row."
    )
    standing = models.CharField(max_length=16, blank=True)
    restricted_at = models.DateTimeField(null=True)
    question = models.JSONField(help_text="Codes only; the identifier is in the digest.")
    question_digest = models.CharField(max_length=32)
    ruleset = models.ForeignKey(RulesetRecord, on_delete=models.PROTECT, related_name="samples")
    outcome = models.CharField(max_length=16)
    reasons = models.JSONField()
    answer_digest = models.CharField(max_length=32)

    class Meta:
        indexes = (
            models.Index(fields=["decided_at"], name="decisionsample_by_age"),
            models.Index(fields=["subject_id"], name="decisionsample_by_subject"),
        )

    def __str__(self) -> str:
        return f"decision-sample:{self.pk}"
