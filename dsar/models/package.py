"""The answer to an access request: one sealed file with an end date and a number of downloads left."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from dsar.models.request import SubjectRequest
from governance.models import Controller


class RequestPackage(models.Model):
    """A package, sealed under the request's own key, so that it is gone with that key whatever else happens.

    A first part that was sent stays to be fetched beside the whole one, until that is sent in its place.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="packages")
    key_id = models.CharField(max_length=16, default="", help_text="Of the data key that its stream is sealed under.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file the person receives.")
    size = models.PositiveBigIntegerField()
    summary = models.JSONField(
        default=dict, help_text="Rows per collection and what is withheld: names, counts, codes."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="Counted from the answer.")
    attempts_left = models.PositiveSmallIntegerField(default=5)
    open_until = models.DateTimeField(null=True, help_text="A fresh code opens the API's download until then.")
    downloaded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["request"], condition=Q(expires_at__isnull=True), name="requestpackage_one_prepared"
            ),
            models.UniqueConstraint(
                fields=["request"], condition=Q(expires_at__isnull=False), name="requestpackage_one_sent"
            ),
        )

    def __str__(self) -> str:
        return f"package:{self.pk}"


class PackagePart(models.Model):
    """A piece of the sealed stream of a package, all but the last of one size; the pieces mean nothing alone."""

    package = models.ForeignKey(RequestPackage, on_delete=models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["package", "position"], name="packagepart_position_unique"),)

    def __str__(self) -> str:
        return f"package-part:{self.pk}"
