"""What was sent to a person, newest first; it opens nothing, because nothing in the contact log is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent.models import Contact

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet


def contacts_of(subject_id: UUID) -> QuerySet[Contact]:
    """Answer what was sent to a person, newest first."""
    return Contact.objects.filter(subject_id=subject_id).select_related("purpose").order_by("-sent_at", "-pk")
