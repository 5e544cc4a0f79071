"""The catalogue's tables: purposes and dataset descriptions; facts about data, never the data."""

import uuid

from django.db import models
from django.db.models import Q

from governance.models.controller import Controller
from governance.models.governed import Governed
from governance.models.system import System


class Purpose(models.Model):
    """Why data is used, and on which lawful basis (GDPR Art. 5(1)(b), 6)."""

    class Basis(models.TextChoices):
        """Lawful bases of GDPR Art. 6(1), in its order."""

        CONSENT = "consent"
        CONTRACT = "contract"
        LEGAL_OBLIGATION = "legal_obligation"
        VITAL_INTEREST = "vital_interest"
        PUBLIC_TASK = "public_task"
        LEGITIMATE_INTEREST = "legitimate_interest"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="purposes")
    key = models.SlugField(max_length=64)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    lawful_basis = models.CharField(max_length=24, choices=Basis)
    data_categories = models.JSONField(default=list, blank=True, help_text="Fideslang data category keys.")
    channels = models.JSONField(default=list, blank=True, help_text="Channels a person can choose by, such as email.")
    direct_marketing = models.BooleanField(default=False, help_text="An objection is absolute (GDPR Art. 21(2)-(3)).")
    special_category = models.BooleanField(default=False, help_text="Needs explicit consent (GDPR Art. 9(2)(a)).")
    validity_days = models.PositiveIntegerField(null=True, blank=True, help_text="Consent must be renewed after this.")
    version = models.PositiveIntegerField(default=1)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Governed()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "key"], name="purpose_key_unique"),
            models.CheckConstraint(
                condition=Q(
                    lawful_basis__in=[
                        "consent",
                        "contract",
                        "legal_obligation",
                        "vital_interest",
                        "public_task",
                        "legitimate_interest",
                    ]
                ),
                name="purpose_basis_known",
            ),
        )

    def __str__(self) -> str:
        return f"purpose:{self.key}"


class Dataset(models.Model):
    """An imported dataset description (fideslang), with the retention rules that came with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="datasets")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="datasets")
    key = models.CharField(max_length=128)
    name = models.CharField(max_length=200, blank=True)
    source = models.TextField(help_text="The YAML as it was imported.")
    digest = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    imported_at = models.DateTimeField()

    objects = Governed()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["controller", "key"], name="dataset_key_unique"),)

    def __str__(self) -> str:
        return f"dataset:{self.key}"
