"""What will be done for a request, as it was shown and approved; names and counts, never values."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dsar.models.request import SubjectRequest
from governance.models import StaffUser


class RequestPlan(models.Model):
    """A computed plan. The newest one counts; execution follows exactly the digest that was approved."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="plans")
    plan = models.JSONField(help_text="Steps, targets, retained and withheld fields: names only.")
    counts = models.JSONField(default=dict, help_text="Rows found per collection, once every locate step ended.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of plan and counts; empty until counted.")
    created_at = models.DateTimeField()
    approved_by = models.ForeignKey(StaffUser, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    approved_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by__isnull=True, approved_digest="")
                | (
                    Q(approved_at__isnull=False, approved_by__isnull=False, approved_digest=models.F("digest"))
                    & ~Q(digest="")
                ),
                name="requestplan_approval_is_whole",
            ),
        )

    def __str__(self) -> str:
        return f"plan:{self.pk}"
