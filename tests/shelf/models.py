"""Rows about people with sealed columns of every kind, as another app of a project would declare them.

Without migrations its tables are made before those of the service, so the database holds no foreign keys to them.
"""

import uuid

from django.db import models

from governance.fields import SealedField, bucket, compound, email_domain, exact, last, name_tokens, prefix
from governance.models import Controller, DataSubject


class Ticket(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    state = models.CharField(max_length=200, default="open")
    note = SealedField(label="shelf.note", kind="text", null=True)
    active = SealedField(label="shelf.active", kind="boolean", null=True)
    balance = SealedField(label="shelf.balance", kind="decimal", null=True)
    born = SealedField(label="shelf.born", kind="date", null=True)
    country = SealedField(label="shelf.country", kind="text", null=True, pad_to=16)
    facts = SealedField(label="shelf.facts", kind="json", null=True)
    loose = SealedField(label="shelf.loose", null=True)
    scan = SealedField(label="shelf.scan", kind="bytes", null=True)
    score = SealedField(label="shelf.score", kind="float", null=True)
    seen = SealedField(label="shelf.seen", kind="datetime", null=True)
    visits = SealedField(label="shelf.visits", kind="integer", null=True)
    email = SealedField(
        label="shelf.email", kind="text", null=True, indexes=[exact("email", unique=True), email_domain()]
    )
    phone = SealedField(
        label="shelf.phone", kind="text", null=True, indexes=[exact("phone", cardinality=10**9), last(4)]
    )
    name = SealedField(label="shelf.name", kind="text", null=True, indexes=[name_tokens(), prefix(3)])
    city = SealedField(
        label="shelf.city", kind="text", null=True, indexes=[bucket("name", bits=4, cardinality=10**6, population=200)]
    )
    gender = SealedField(
        label="shelf.gender",
        kind="text",
        null=True,
        indexes=[compound("gender", "smoker", "postcode", name="about", cardinality=3 * 2 * 30_000)],
    )
    smoker = SealedField(label="shelf.smoker", kind="boolean", null=True)
    postcode = SealedField(label="shelf.postcode", kind="text", null=True)

    def __str__(self) -> str:
        return f"ticket:{self.pk}"


class Comment(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="comments")

    def __str__(self) -> str:
        return f"comment:{self.pk}"


class Lead(models.Model):
    """A table from before: its plain column is being sealed beside it."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    address = models.CharField(max_length=200, blank=True)
    address_sealed = SealedField(
        label="shelf.lead_address", kind="text", null=True, indexes=[exact("email", cardinality=10**9)]
    )
    born = models.DateField(null=True)
    born_sealed = SealedField(label="shelf.lead_born", kind="date", null=True)
    visits = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"lead:{self.pk}"
