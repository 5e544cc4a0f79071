"""Side tables of the vault: blind indexes; erasing a person deletes their rows."""

from django.db import models

from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.subject import DataSubject, SubjectIdentifier


class BlindIndex(models.Model):
    """Keyed equality index of one identifier: version byte and truncated HMAC. Unique within a controller and label."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="blind_indexes")
    identifier = models.ForeignKey(  # the index is derived from the identifier and means nothing without it
        SubjectIdentifier, on_delete=models.CASCADE, related_name="blind_indexes"
    )
    label = models.CharField(max_length=64)
    value = models.BinaryField(max_length=33)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "label", "value"], name="blindindex_value_unique"),
        )
        indexes = (models.Index(fields=["subject"], name="blindindex_by_subject"),)

    def __str__(self) -> str:
        return f"blind-index:{self.pk}"
