"""How each targeted field ended; names, codes and dates, never values."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dsar.models.request import SubjectRequest
from governance.models import System


class FieldOutcome(models.Model):
    """The end of one field for one request. A field kept for some rows and erased in others has a row for each."""

    class Outcome(models.TextChoices):
        """The four ends."""

        ERASED = "erased"
        RETAINED = "retained"
        NOT_FOUND = "not_found"
        FAILED = "failed"

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="outcomes")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    dataset = models.CharField(max_length=128)
    collection = models.CharField(max_length=200)
    field = models.CharField(max_length=200)
    category = models.CharField(max_length=200, blank=True, help_text="Data category, by which people are told.")
    outcome = models.CharField(max_length=16, choices=Outcome)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it is kept, or an error code.")
    citation = models.CharField(max_length=200, blank=True)
    until = models.DateField(null=True)
    by_hold = models.BooleanField(default=False, help_text="A hold kept it, whatever else might have.")
    rows = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("dataset", "collection", "field", "outcome", "id")
        indexes = (models.Index(fields=["request"], condition=Q(by_hold=True), name="fieldoutcome_by_hold"),)
        constraints = (
            models.UniqueConstraint(
                fields=["request", "dataset", "collection", "field", "outcome", "reason"], name="fieldoutcome_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["erased", "retained", "not_found", "failed"]), name="fieldoutcome_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["retained", "failed"]) | ~Q(reason=""), name="fieldoutcome_has_reason"
            ),
        )

    def __str__(self) -> str:
        return f"outcome:{self.pk}"
