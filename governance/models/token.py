"""Tokens that other systems hold instead of values: one row each, and never the token's own text."""

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.subject import DataSubject


class VaultToken(models.Model):
    """Stands for one value of one person in another system. The token's own text is kept nowhere, only its digest.

    Expiring empties the row and is for good: a clock that is set back brings nothing back.
    """

    class Kind(models.TextChoices):
        """Whether equal values of a person get one token for one purpose."""

        RANDOM = "random"
        DETERMINISTIC = "deterministic"

    class State(models.TextChoices):
        """From the first to the second, never back."""

        ACTIVE = "active"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="tokens")
    digest = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    label = models.CharField(max_length=128, help_text="The kind of value, such as user.contact.email.")
    purpose = models.CharField(max_length=64, help_text="The system or use that the token was made for.")
    value = SealedField(label="token.value", kind="json", null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "digest"], name="vaulttoken_digest_unique"),
            models.CheckConstraint(
                condition=Q(state="active", value__isnull=False) | Q(state="expired", value__isnull=True),
                name="vaulttoken_expired_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(kind="random") | Q(expires_at__isnull=True), name="vaulttoken_deterministic_stays"
            ),
        )
        indexes = (
            models.Index(fields=["subject"], name="vaulttoken_by_subject"),
            models.Index(fields=["expires_at"], condition=Q(state="active"), name="vaulttoken_expiring"),
        )

    def __str__(self) -> str:
        return f"token:{self.pk}"
