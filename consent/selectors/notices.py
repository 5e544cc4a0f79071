"""Notices and their revisions: what can be cited and what is shown now; it publishes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent.models import NoticeRevision, PrivacyNotice

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet


def notices_of(controller_id: UUID) -> QuerySet[PrivacyNotice]:
    """Answer a controller's notices with their revisions."""
    rows = PrivacyNotice.objects.filter(controller_id=controller_id)
    return rows.prefetch_related("revisions").order_by("key")


def current_revision(controller_id: UUID, key: str, language: str = "") -> NoticeRevision | None:
    """Answer the latest revision of a notice, in the language where one is named."""
    rows = NoticeRevision.objects.filter(notice__controller_id=controller_id, notice__key=key)
    if language:
        rows = rows.filter(language=language)
    return rows.select_related("notice").order_by("-version", "language").first()


def revision_of(controller_id: UUID, key: str, version: int, language: str = "") -> NoticeRevision | None:
    """Answer one revision of a controller's notice; any language of that version when none is named."""
    rows = NoticeRevision.objects.filter(notice__controller_id=controller_id, notice__key=key, version=version)
    if language:
        rows = rows.filter(language=language)
    return rows.select_related("notice").order_by("language").first()
