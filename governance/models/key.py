"""Wrapped keys: controller keys per epoch and random data keys; never an unwrapped byte."""

from django.db import models
from django.db.models import Q

from governance.models.controller import Controller
from governance.models.governed import Governed


class ControllerKey(models.Model):
    """A controller's wrapping key (KEK) of one epoch, itself wrapped by the root key of the provider."""

    class State(models.TextChoices):
        """States of NIST SP 800-57."""

        ACTIVE = "active"
        DEACTIVATED = "deactivated"
        COMPROMISED = "compromised"
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

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "epoch"], name="controllerkey_epoch_unique"),
            models.UniqueConstraint(
                fields=["controller"], condition=Q(state="active"), name="controllerkey_one_active"
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
        DESTROYED = "destroyed"

    key_id = models.CharField(max_length=16, primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    controller_key = models.ForeignKey(ControllerKey, on_delete=models.PROTECT, related_name="data_keys")
    scope_kind = models.CharField(max_length=16)
    scope_id = models.UUIDField()
    version = models.PositiveIntegerField(default=1)
    wrapped = models.BinaryField(null=True)
    commitment = models.BinaryField(max_length=32)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    destroyed_at = models.DateTimeField(null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["scope_kind", "scope_id", "version"], name="datakey_scope_unique"),
            models.CheckConstraint(
                condition=Q(state="active", wrapped__isnull=False, destroyed_at__isnull=True)
                | Q(state="destroyed", wrapped__isnull=True, destroyed_at__isnull=False),
                name="datakey_destroyed_is_empty",
            ),
        )

    def __str__(self) -> str:
        return f"data-key:{self.key_id}"
