"""Erasing a person in states: legal holds, erasures asked for, and the lines for the file outside the database."""

import uuid

from django.db import models
from django.db.models import Q

from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.subject import DataSubject


class LegalHold(models.Model):
    """A reason in law to keep a person's data for now (GDPR Art. 17(3)); erasure is refused while one stands."""

    class Reason(models.TextChoices):
        """The exceptions that hold a whole person; codes are stable."""

        LEGAL_CLAIM = "legal_claim"  # Art. 17(3)(e)
        LEGAL_OBLIGATION = "legal_obligation"  # Art. 17(3)(b)
        AUTHORITY_ORDER = "authority_order"  # Art. 17(3)(b): an authority asked to preserve
        SUBJECT_ASKED = "subject_asked"  # Art. 18(1)(b) and (c): the person needs the data kept

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=24, choices=Reason)
    until = models.DateField(null=True, help_text="Last day; without one it stands until it is released.")
    placed_at = models.DateTimeField()
    placed_by = models.CharField(max_length=80, help_text="Opaque reference of the officer.")
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=80, blank=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "reason"], condition=Q(released_at__isnull=True), name="legalhold_one_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_by="")
                | (Q(released_at__isnull=False) & ~Q(released_by="")),
                name="legalhold_release_has_name",
            ),
        )

    def __str__(self) -> str:
        return f"hold:{self.pk}"


class Erasure(models.Model):
    """One asking for a person to be erased, and how far it came. Why it waits and until when are columns."""

    class State(models.TextChoices):
        """Where it stands."""

        REQUESTED = "requested"
        HELD = "held"
        DISABLED = "disabled"
        DESTROYED = "destroyed"
        UNDONE = "undone"

    class UndoReason(models.TextChoices):
        """Why an erasure was taken back within its grace."""

        SUBJECT_CHANGED_MIND = "subject_changed_mind"
        WRONG_PERSON = "wrong_person"
        DUTY_TO_KEEP = "duty_to_keep"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="erasures")
    object_ref = models.CharField(max_length=120, blank=True, help_text="What asked for it, such as a request.")
    state = models.CharField(max_length=16, choices=State, default=State.REQUESTED)
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=80)
    due_at = models.DateTimeField(null=True, help_text="End of the grace period.")
    standing_before = models.CharField(max_length=16, blank=True, help_text="The person's status before the grace.")
    ended_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=24, choices=UndoReason, blank=True)
    key_ids = models.JSONField(default=list)
    removed = models.JSONField(default=dict, help_text="Counts of what was deleted with the key.")
    certificate = models.TextField(blank=True, help_text="The signed certificate; it holds no personal data.")
    refused_at = models.DateTimeField(null=True, help_text="When a certificate was refused: a value still opened.")

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "object_ref"],
                condition=Q(state__in=["requested", "held", "disabled"]),
                name="erasure_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["destroyed", "undone"], ended_at__isnull=False)
                | Q(state__in=["requested", "held", "disabled"], ended_at__isnull=True),
                name="erasure_end_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="disabled") | Q(due_at__isnull=False), name="erasure_grace_has_end"
            ),
            models.CheckConstraint(condition=~Q(state="undone") | ~Q(undo_reason=""), name="erasure_undo_has_reason"),
        )
        indexes = (
            models.Index(fields=["state", "due_at"], name="erasure_due"),
            models.Index(fields=["object_ref"], name="erasure_by_object"),
        )

    def __str__(self) -> str:
        return f"erasure:{self.pk}"


class ErasureLine(models.Model):
    """What the file outside the database must say of one destruction: written here in its transaction, there after it.

    `position` and `digest` are those of the line in the file, once it is there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller_ref = models.UUIDField()
    subject_ref = models.UUIDField()
    key_ids = models.JSONField(default=list)
    destroyed_at = models.DateTimeField()
    position = models.PositiveBigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True)
    written_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(position__isnull=True, written_at__isnull=True, digest="")
                | (Q(position__isnull=False, written_at__isnull=False) & ~Q(digest="")),
                name="erasureline_written_is_whole",
            ),
        )
        indexes = (
            models.Index(fields=["destroyed_at"], condition=Q(written_at__isnull=True), name="erasureline_waiting"),
        )

    def __str__(self) -> str:
        return f"erasure-line:{self.pk}"
