"""The ledger's tables and django-auditlog's base class; opaque references only, so erasure never touches them."""

from typing import Any, ClassVar

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.db import models

from governance.fields import SealedField
from governance.models.controller import Controller


class LedgerEntry(models.Model):
    """One event, append-only. `payload` is canonical JSON and exactly what the leaf hash covers."""

    id = models.UUIDField(primary_key=True, editable=False)
    recorded_at = models.DateTimeField()
    type = models.CharField(max_length=48)
    controller = models.UUIDField(null=True)
    actor_ref = models.CharField(max_length=80)
    subject_ref = models.CharField(max_length=80, blank=True)
    object_ref = models.CharField(max_length=120, blank=True)
    payload = models.TextField()
    leaf = models.BinaryField(max_length=32)

    class Meta:
        indexes = (
            models.Index(fields=["-recorded_at"], name="ledgerentry_recent"),
            models.Index(fields=["subject_ref", "-recorded_at"], name="ledgerentry_by_subject"),
            models.Index(fields=["object_ref", "-recorded_at"], name="ledgerentry_by_object"),
            models.Index(fields=["type", "-recorded_at"], name="ledgerentry_by_type"),
            models.Index(fields=["controller", "-recorded_at"], name="ledgerentry_by_controller"),
            models.Index(fields=["actor_ref", "-recorded_at"], name="ledgerentry_by_actor"),
        )

    def __str__(self) -> str:
        return f"event:{self.pk}"


class LedgerPending(models.Model):
    """An event that has no position yet. A queue, so that a lower id committing later is never lost."""

    #: Without a constraint: one statement writes both rows, no event is ever removed, and every change would pay for a
    #: look at what it has just written. `verify_audit` names a row whose event is gone.
    entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, primary_key=True, related_name="pending", db_constraint=False
    )

    def __str__(self) -> str:
        return f"pending:{self.pk}"


class LedgerLeaf(models.Model):
    """The position the sequencer gave to an event, append-only."""

    position = models.PositiveBigIntegerField(primary_key=True)
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="leaf_row")
    hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"leaf:{self.position}"


class LedgerCheckpoint(models.Model):
    """A signed tree head (C2SP checkpoint) and the compact range it was computed from, append-only."""

    size = models.PositiveBigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    frontier = models.BinaryField()
    note = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint:{self.size}"


class LedgerTile(models.Model):
    """A full tile of the tree (C2SP tlog-tiles), append-only: 256 hashes, and the root over them for the level above.

    Partial tiles are not stored: leaves and the roots of full tiles are where they are cut from.
    """

    id = models.BigAutoField(primary_key=True)
    level = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    hashes = models.BinaryField(max_length=8192)
    root = models.BinaryField(max_length=32)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["level", "number"], name="ledgertile_once"),)

    def __str__(self) -> str:
        return f"tile:{self.level}:{self.number}"


class LedgerVerification(models.Model):
    """One run of the verification of the whole ledger: when, how far, and whether it held."""

    finished_at = models.DateTimeField()
    size = models.PositiveBigIntegerField()
    is_whole = models.BooleanField()
    found = models.PositiveIntegerField(default=0, help_text="How many problems there were.")

    def __str__(self) -> str:
        return f"verification:{self.pk}"


class ExportCursor(models.Model):
    """How far an export has come: the position of the next event to send under this name."""

    name = models.SlugField(max_length=64, primary_key=True)
    position = models.PositiveBigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"export:{self.name}"


class AuditBody(models.Model):
    """What an event means for a person, sealed under that person's key; the ledger holds only a salted commitment."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, primary_key=True, related_name="body_row")
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject_id = models.UUIDField()
    salt = SealedField(label="audit.salt", kind="bytes")
    body = SealedField(label="audit.body", kind="json")

    class Meta:
        indexes = (models.Index(fields=["subject_id"], name="auditbody_by_subject"),)

    def __str__(self) -> str:
        return f"audit-body:{self.pk}"


class DiaryManager(LogEntryManager):
    """Names what changed by kind and id alone, whatever a model's own text says."""

    def log_create(self, instance: Any, force_log: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        kwargs["object_repr"] = f"{instance._meta.model_name}:{instance.pk}"
        return super().log_create(instance, force_log, **kwargs)


class ChangeLogEntry(AbstractLogEntry):
    """django-auditlog's diary of configuration models: field names and keyed digests, see audit/change_log.py.

    Who did it stands in the ledger. Should somebody switch the library's own middleware on, the database refuses rows
    with an address of a person or a machine, or with an id that a caller sent.
    """

    objects: ClassVar[Any] = DiaryManager()

    class Meta(AbstractLogEntry.Meta):
        swappable = None
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    actor_email__isnull=True,
                    additional_data__isnull=True,
                    cid__isnull=True,
                    remote_addr__isnull=True,
                    remote_port__isnull=True,
                    serialized_data__isnull=True,
                ),
                name="changelog_names_nobody",
            ),
        )


class Lease(models.Model):
    """A fenced lease row: one leader at a time, behind a pooler and on SQLite too."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"lease:{self.name}"
