"""Side tables of the vault: blind indexes and their versions; erasing a person deletes that person's rows."""

from django.db import models
from django.db.models import Q

from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.subject import DataSubject, SubjectIdentifier


class BlindIndex(models.Model):
    """One entry of a keyed index: version byte and truncated HMAC of a part of one value.

    `slot` is empty in a unique index, so that a second row with the value is refused; otherwise it repeats `row`.
    `check_value` tells true candidates of a bucket from others, under a key of the person's own.
    """

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="blind_indexes")
    identifier = models.ForeignKey(  # the index is derived from the identifier and means nothing without it
        SubjectIdentifier, on_delete=models.CASCADE, related_name="blind_indexes", null=True
    )
    label = models.CharField(max_length=64)
    value = models.BinaryField(max_length=33)
    version = models.PositiveSmallIntegerField(default=1)
    row = models.CharField(max_length=64, default="", help_text="Primary key of the row that holds the value.")
    slot = models.CharField(max_length=64, default="")
    check_value = models.BinaryField(max_length=16, null=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "label", "value", "slot"], name="blindindex_value_unique"),
        )
        indexes = (
            models.Index(fields=["subject"], name="blindindex_by_subject"),
            models.Index(fields=["row", "label"], condition=~Q(row=""), name="blindindex_by_row"),
        )

    def __str__(self) -> str:
        return f"blind-index:{self.pk}"


class IndexVersion(models.Model):
    """How far one version of an index is. An index without a row here has version 1, in use."""

    class State(models.TextChoices):
        """What the version is used for."""

        BUILDING = "building"  # written and looked up; older values are being added
        ACTIVE = "active"  # written and looked up
        RETIRED = "retired"  # neither; its rows are being deleted

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=64)
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=State)
    normaliser_version = models.PositiveSmallIntegerField(default=1)
    reached = models.CharField(max_length=64, default="", help_text="Last row that was added; the next run goes on.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "label", "version"], name="indexversion_unique"),
            models.UniqueConstraint(
                fields=["controller", "label"], condition=Q(state="active"), name="indexversion_one_active"
            ),
            models.UniqueConstraint(
                fields=["controller", "label"], condition=Q(state="building"), name="indexversion_one_building"
            ),
            models.CheckConstraint(condition=Q(version__gte=1, version__lte=255), name="indexversion_one_byte"),
        )

    def __str__(self) -> str:
        return f"index-version:{self.label}:{self.version}"
