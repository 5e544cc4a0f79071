"""What others must hear, and what a repeated call must not do twice; ids only."""

from django.db import models

from governance.models.controller import Controller


class OutboxEvent(models.Model):
    """A fact for the outside, written in the transaction that made it true. Thin: ids and codes."""

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=64)
    subject_id = models.UUIDField(null=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["controller", "id"], name="outboxevent_feed"),)

    def __str__(self) -> str:
        return f"outbox:{self.pk}"


class IdempotencyRecord(models.Model):
    """An Idempotency-Key of one service with the digest of its body; keeps status and id, never revealed values."""

    id = models.BigAutoField(primary_key=True)
    service_id = models.UUIDField()
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True, help_text="Ids and states the first answer named.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["service_id", "key"], name="idempotency_key_unique"),)

    def __str__(self) -> str:
        return f"idempotency:{self.pk}"
