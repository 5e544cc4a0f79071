"""The contact log: that somebody was written to, for what, over which channel and when; never what was said."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from governance.models import Controller, DataSubject, Purpose
from governance.models.governed import Governed
from governance.policy.decide import MessageClass

_CLASSES = tuple(kind.value for kind in MessageClass)


class Contact(models.Model):
    """One message that went out. Caps and quiet hours are counted from here; deleted with the person's own key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+")
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=32)
    message_class = models.CharField(max_length=16, choices=[(value, value) for value in _CLASSES])
    campaign = models.CharField(max_length=64, blank=True, help_text="A code of the sender's; no personal data.")
    sent_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    objects = Governed()

    class Meta:
        indexes = (models.Index(fields=["subject", "sent_at"], name="contact_by_subject"),)
        constraints = (models.CheckConstraint(condition=Q(message_class__in=_CLASSES), name="contact_class_known"),)

    def __str__(self) -> str:
        return f"contact:{self.pk}"
