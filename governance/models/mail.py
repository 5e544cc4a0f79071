"""Outgoing messages: the row is the queue; what a person would read is sealed under the key of what it is about."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from governance.errors import SealRefused
from governance.fields import Scope, SealedField
from governance.models.controller import Brand, Controller


class OwnerSealedField(SealedField):
    """A sealed column whose kind of owner is a column too: a request or a proof of address."""

    def scope_of(self, instance: Any) -> Scope:
        """Name the owner from the row's own columns."""
        if instance.controller_id is None or not instance.scope_kind or instance.scope_id is None:
            message = f"{type(instance).__name__} needs controller, scope_kind and scope_id before {self.attname}"
            raise SealRefused(message)
        return Scope(instance.controller_id.hex, instance.scope_kind, instance.scope_id.hex)


class OutgoingMessage(models.Model):
    """One letter. Claimed by compare-and-set on `attempts`, which also moves `due_at` behind the lease."""

    class State(models.TextChoices):
        """Where the letter stands; why it failed is another column."""

        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who signs it.")
    scope_kind = models.CharField(max_length=16)
    scope_id = models.UUIDField()
    reference = models.CharField(max_length=64, blank=True, help_text="What it is about, opaque.")
    to = OwnerSealedField(label="mail.to", kind="text")
    subject = OwnerSealedField(label="mail.subject", kind="text")
    text = OwnerSealedField(label="mail.text", kind="text")
    html = OwnerSealedField(label="mail.html", kind="text", null=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=64, blank=True, help_text="Error code of the last attempt; no message.")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent"),
                name="outgoingmessage_sent_has_time",
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="outgoingmessage_due"),
            models.Index(fields=["scope_kind", "scope_id"], name="outgoingmessage_by_owner"),
            models.Index(fields=["-created_at"], name="outgoingmessage_recent"),
        )

    def __str__(self) -> str:
        return f"message:{self.pk}"
