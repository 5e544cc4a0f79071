"""Connected systems and the durable steps carried out on them; the row is the queue."""

import uuid

from django.db import models
from django.db.models import Q

from governance.fields import SealedField
from governance.models.controller import Controller
from governance.models.governed import Governed


class System(models.Model):
    """A system that holds personal data. Its address carries credentials: sealed under the controller's key."""

    class Kind(models.TextChoices):
        """How the service talks to it."""

        SQL = "sql"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="systems")
    key = models.SlugField(max_length=64)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.SQL)
    url = SealedField(label="system.url", kind="text", scope_kind="controller", scope_field="controller_id", null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects = Governed()

    class Meta:
        permissions = (("own_system", "Owns the steps of this system"),)
        constraints = (models.UniqueConstraint(fields=["controller", "key"], name="system_key_unique"),)

    def __str__(self) -> str:
        return f"system:{self.key}"


class SystemStep(models.Model):
    """One idempotent step on one collection of one system for one job, claimed with a fenced lease.

    `job` is the request's UUID, whose own key seals what the step found. A step is due when every step of its job
    with a smaller position is finished.
    """

    class Kind(models.TextChoices):
        """What is done."""

        LOCATE = "locate"
        COLLECT = "collect"
        ERASE = "erase"

    class State(models.TextChoices):
        """Where the step stands; why it failed is another column."""

        PENDING = "pending"
        CLAIMED = "claimed"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    id = models.BigAutoField(primary_key=True)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    job = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    dataset = models.CharField(max_length=128)
    collection = models.CharField(max_length=200)
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=64, blank=True, help_text="Error code of the last attempt; no message.")
    spec = models.JSONField(default=dict, blank=True, help_text="What to do: names, strategies and rules; no values.")
    seeds = SealedField(label="step.seeds", kind="text", scope_kind="request", scope_field="job", null=True)
    found = SealedField(label="step.found", kind="text", scope_kind="request", scope_field="job", null=True)
    collected = SealedField(label="step.collected", kind="text", scope_kind="request", scope_field="job", null=True)
    rows = models.PositiveIntegerField(null=True)
    outcome = models.JSONField(default=list, blank=True, help_text="Per field: outcome, count, reason, until.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["job", "kind", "dataset", "collection"], name="systemstep_once"),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(lease_until__isnull=False), name="systemstep_claim_has_lease"
            ),
        )
        indexes = (
            models.Index(
                fields=["due_at", "id"], condition=Q(state__in=["pending", "claimed"]), name="systemstep_open"
            ),
            models.Index(fields=["job", "position"], name="systemstep_by_job"),
        )

    def __str__(self) -> str:
        return f"step:{self.pk}"

    @property
    def object_ref(self) -> str:
        """How the ledger names what the step is done for: the request, also where a later job of it does the work."""
        return f"request:{self.spec.get('request', self.job.hex)}"
