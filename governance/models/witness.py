"""What witnesses said of our checkpoints, and how far each of them is; no key of theirs and no address of a person."""

from django.db import models


class LedgerCosignature(models.Model):
    """One witness's signature lines under one checkpoint (C2SP tlog-cosignature), append-only."""

    id = models.BigAutoField(primary_key=True)
    size = models.PositiveBigIntegerField()
    witness = models.CharField(max_length=255, help_text="Where it was submitted.")
    lines = models.TextField()
    keys = models.CharField(
        max_length=64,
        blank=True,
        help_text="Which keys signed: a witness with new ones signs the same checkpoint again.",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["size", "witness", "keys"], name="ledgercosignature_once"),)

    def __str__(self) -> str:
        return f"cosignature:{self.size}:{self.pk}"


class WitnessState(models.Model):
    """How far one witness is. The row is the queue: submitting goes on from here after any crash."""

    class State(models.TextChoices):
        """What the last answer was."""

        NEW = "new"
        COSIGNED = "cosigned"
        UNREACHABLE = "unreachable"
        REFUSED = "refused"
        #: It holds a checkpoint that our ledger does not extend: an older copy was restored, or the past rewritten.
        CONFLICT = "conflict"

    url = models.CharField(max_length=255, primary_key=True)
    size = models.PositiveBigIntegerField(default=0, help_text="The size that it cosigned last.")
    state = models.CharField(max_length=16, choices=State, default=State.NEW)
    conflict_size = models.PositiveBigIntegerField(null=True, help_text="The size that it holds and we do not extend.")
    failures = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"witness:{self.pk}"
