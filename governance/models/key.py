"""Wrapped keys: controller keys per epoch and random data keys; never an unwrapped byte."""

from django.db import models
from django.db.models import Q

from governance.models.controller import Controller
from governance.models.governed import Governed


class ControllerKey(models.Model):
    """A controller's wrapping key (KEK) of one epoch, itself wrapped by the root key of the provider."""

    class State(models.TextChoices):
        """States of NIST SP 800-57, and one of our own between deactivated and destroyed: retired."""

        ACTIVE = "active"
        DEACTIVATED = "deactivated"  # opens, wraps nothing new
        COMPROMISED = "compromised"  # opens, while what lies under it is encrypted anew
        RETIRED = "retired"  # proven empty, opens nothing; kept as long as backups of the key table are
        DESTROYED = "destroyed"

    key_id = models.CharField(max_length=16, primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="keys")
    epoch = models.PositiveIntegerField()
    provider = models.CharField(max_length=32)
    provider_key = models.CharField(max_length=128)
    wrapped = models.BinaryField(null=True)
    commitment = models.BinaryField(max_length=32)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "epoch"], name="controllerkey_epoch_unique"),
            models.UniqueConstraint(
                fields=["controller"], condition=Q(state="active"), name="controllerkey_one_active"
            ),
            models.CheckConstraint(
                condition=(~Q(state="destroyed") & Q(wrapped__isnull=False, destroyed_at__isnull=True))
                | Q(state="destroyed", wrapped__isnull=True, destroyed_at__isnull=False),
                name="controllerkey_destroyed_is_empty",
            ),
        )

    def __str__(self) -> str:
        return f"controller-key:{self.key_id}"


class DataKey(models.Model):
    """One person's, request's or controller's data key (DEK) with its pseudonym key, wrapped together.

    Destroying sets `wrapped` to NULL and keeps the row as a tombstone, so that a later write cannot mint a new key.
    """

    class State(models.TextChoices):
        """States of NIST SP 800-57 that a data key reaches."""

        ACTIVE = "active"
        SUSPENDED = "suspended"  # neither seals nor opens, and may come back
        COMPROMISED = (
            "compromised"  # opens what was sealed before; a newer version seals, and what can be is sealed anew
        )
        DESTROYED = "destroyed"

    key_id = models.CharField(max_length=16, primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", db_index=False)
    controller_key = models.ForeignKey(
        ControllerKey, on_delete=models.PROTECT, related_name="data_keys", db_index=False
    )
    scope_kind = models.CharField(max_length=16)
    scope_id = models.UUIDField()
    version = models.PositiveIntegerField(default=1)
    wrapped = models.BinaryField(null=True)
    commitment = models.BinaryField(max_length=32)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    compromised_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["scope_kind", "scope_id", "version"], name="datakey_scope_unique"),
            models.UniqueConstraint(
                fields=["scope_kind", "scope_id"], condition=Q(state="active"), name="datakey_one_active"
            ),
            models.CheckConstraint(
                condition=(~Q(state="destroyed") & Q(wrapped__isnull=False, destroyed_at__isnull=True))
                | Q(state="destroyed", wrapped__isnull=True, destroyed_at__isnull=False),
                name="datakey_destroyed_is_empty",
            ),
        )
        indexes = (
            # Rotation walks a controller's keys in order. No index names the epoch or the wrapped key, which it
            # changes: on PostgreSQL every index would have to be written for every key.
            models.Index(fields=["controller", "key_id"], name="datakey_by_controller"),
            models.Index(fields=["key_id"], condition=Q(state="compromised"), name="datakey_compromised"),
            models.Index(
                fields=["compromised_at"], condition=Q(state="compromised"), name="datakey_compromised_of_late"
            ),
        )

    def __str__(self) -> str:
        return f"data-key:{self.key_id}"


class RootSecret(models.Model):
    """A random root of blind indexes or of checkpoint signatures, wrapped by a provider that hands out no keys.

    With a key file there are none: the file holds its own. A later version signs; earlier ones still verify.
    """

    class Purpose(models.TextChoices):
        """What the secret is for; the two never stand in for each other."""

        INDEX = "index"
        SIGN = "sign"

    id = models.BigAutoField(primary_key=True)
    purpose = models.CharField(max_length=8, choices=Purpose)
    version = models.PositiveIntegerField(default=1)
    provider = models.CharField(max_length=32)
    provider_key = models.CharField(max_length=128)
    wrapped = models.BinaryField()
    commitment = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["purpose", "version"], name="rootsecret_version_unique"),)

    def __str__(self) -> str:
        return f"root-secret:{self.purpose}:{self.version}"
