"""Proof that somebody reads an address: one row a code; the address is sealed under a short-lived key of its own."""

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller


class AddressProof(models.Model):
    """One one-time code for one address. The digests are keyed; neither the code nor the address is stored readable."""

    class Purpose(models.TextChoices):
        """What the proof opens."""

        PREFERENCES = "preferences"
        REQUEST = "request"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=16, choices=Purpose)
    language = models.CharField(max_length=16)
    address = SealedField(label="proof.address", kind="text", scope_kind="proof", scope_field="id", null=True)
    address_digest = models.BinaryField(max_length=32)
    code_digest = models.BinaryField(max_length=32)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="The code works before this.")
    confirmed_at = models.DateTimeField(null=True)
    session_until = models.DateTimeField(null=True, help_text="The address counts as proven before this.")
    superseded_at = models.DateTimeField(null=True, help_text="A newer code took its place.")
    purged_at = models.DateTimeField(null=True, help_text="The key was destroyed.")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, session_until__isnull=True)
                | Q(confirmed_at__isnull=False, session_until__isnull=False),
                name="addressproof_session_follows_code",
            ),
        )
        indexes = (
            models.Index(fields=["address_digest", "created_at"], name="addressproof_recent"),
            models.Index(fields=["expires_at"], condition=Q(purged_at__isnull=True), name="addressproof_to_purge"),
        )

    def __str__(self) -> str:
        return f"proof:{self.pk}"
