"""The answer to an access request: one sealed file with an end date and a number of downloads left."""

from __future__ import annotations

import uuid

from django.db import models

from dsar.models.request import SubjectRequest
from governance.fields import SealedField
from governance.models import Controller


class RequestPackage(models.Model):
    """A package, sealed under the request's own key, so that it is gone with that key whatever else happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    request = models.OneToOneField(SubjectRequest, on_delete=models.PROTECT, related_name="package")
    content = SealedField(label="request.package", scope_kind="request", scope_field="request_id", null=True)
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

    def __str__(self) -> str:
        return f"package:{self.pk}"
