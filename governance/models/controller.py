"""Controllers (legal entities, the unit of isolation) and their brands; no personal data."""

import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from django.utils import timezone

from governance.models.governed import Governed
from governance.policy.vocabulary import STAFF_ROLES


class Controller(models.Model):
    """A legal entity that decides why and how data is processed (GDPR Art. 4(7))."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=253, blank=True, help_text="Portal host name; empty for the default controller.")
    country = models.CharField(max_length=2, default="DE", help_text="ISO 3166-1 code: whose public holidays count.")
    time_zone = models.CharField(max_length=64, default="Europe/Berlin")
    language = models.CharField(max_length=16, default="en")
    contact = models.CharField(max_length=200, blank=True, help_text="How people reach a human.")
    authority = models.CharField(max_length=200, blank=True, help_text="Where people may complain (GDPR Art. 77).")
    single_officer = models.BooleanField(
        default=False, help_text="Recorded: only one officer works here, so approvals need no second person."
    )
    is_default = models.BooleanField(default=False)
    ruleset_version = models.PositiveBigIntegerField(
        default=1, help_text="Grows with each change of purposes or rules."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        permissions = tuple((f"serve_as_{role.value}", f"Works here as {role.value}") for role in STAFF_ROLES)
        constraints = (
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="controller_one_default"),
            models.UniqueConstraint(fields=["host"], condition=~Q(host=""), name="controller_host_unique"),
        )

    def __str__(self) -> str:
        return f"controller:{self.slug}"

    def day_of(self, moment: datetime | None = None) -> date:
        """Answer the day that a moment, or else this one, falls on where the controller is."""
        return timezone.localdate(moment, ZoneInfo(self.time_zone))


class Brand(models.Model):
    """The face a customer sees: sender and colours."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="brands")
    slug = models.SlugField()
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=253, blank=True, help_text="Host name of its own portal; empty for none.")
    sender = models.EmailField(blank=True)
    accent = models.CharField(max_length=7, blank=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "slug"], name="brand_slug_unique"),
            models.UniqueConstraint(fields=["host"], condition=~Q(host=""), name="brand_host_unique"),
        )

    def __str__(self) -> str:
        return f"brand:{self.slug}"
