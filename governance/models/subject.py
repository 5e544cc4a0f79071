"""Data subjects and their sealed identifiers; nothing here shows who they are."""

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller
from governance.models.governed import Governed


class DataSubject(models.Model):
    """A person (GDPR Art. 4(1)), as an opaque reference. After erasure the row stays as a tombstone."""

    class Status(models.TextChoices):
        """Standing of the person: hard stops of the decision."""

        ACTIVE = "active"
        RESTRICTED = "restricted"
        ERASED = "erased"

    class Ground(models.TextChoices):
        """Why the use of the data is restricted: GDPR Art. 18(1)(a) to (d)."""

        ACCURACY_CONTESTED = "accuracy_contested"
        UNLAWFUL = "unlawful"
        CLAIMS = "claims"
        OBJECTION_PENDING = "objection_pending"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    restricted_at = models.DateTimeField(null=True)
    restriction = models.CharField(max_length=24, choices=Ground, blank=True)
    erased_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(status="erased") | Q(erased_at__isnull=False), name="datasubject_erased_has_time"
            ),
        )

    def __str__(self) -> str:
        return f"subject:{self.pk}"


class SubjectIdentifier(models.Model):
    """One typed identifier of a person, sealed under the person's key; found through the blind index only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="identifiers")
    type = models.CharField(max_length=32)
    value = SealedField(label="subject.identifier", kind="text")
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        indexes = (models.Index(fields=["subject", "type"], name="subjectidentifier_by_type"),)

    def __str__(self) -> str:
        return f"identifier:{self.type}:{self.pk}"
