"""Privacy notices and their immutable revisions: what a person was shown; no personal data."""

from __future__ import annotations

import uuid

from django.db import models

from governance.models import Controller
from governance.models.governed import Governed


class PrivacyNotice(models.Model):
    """A notice of one controller (GDPR Art. 13, ISO/IEC 29184). `material_version` is where older consents end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="notices")
    key = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    material_version = models.PositiveIntegerField(
        default=1, help_text="The latest version that changed so much that older consents must be renewed."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["controller", "key"], name="privacynotice_key_unique"),)

    def __str__(self) -> str:
        return f"notice:{self.key}"


class NoticeRevision(models.Model):
    """One published text in one language, append-only: consent events point at exactly what was shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    notice = models.ForeignKey(PrivacyNotice, on_delete=models.PROTECT, related_name="revisions")
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=16)
    text = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the text in UTF-8.")
    material = models.BooleanField(default=False, help_text="Older consents must be renewed.")
    published_at = models.DateTimeField()

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notice", "version", "language"], name="noticerevision_version_unique"),
        )

    def __str__(self) -> str:
        return f"notice-revision:{self.pk}"
